/** The gradient of a choice among function bodies: the same choice among their gradients. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import { isCompatible } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { recompute } from '../copy.js';
import { zeros } from '../definitions/array-fill.js';
import { handleType, variableShape } from '../definitions/variable-ops.js';
import { isDifferentiable } from '../handles.js';
import { IndexedSlices } from '../indexed-slices.js';
import type { Calculus, Gradient, OpView } from '../opdef.js';
import { zerosLike } from '../rules.js';
import { castTo } from '../indexing.js';
import { trace } from '../trace.js';
import { callBranches, type Choice } from './branches.js';
import { completeChoice } from './completed.js';
import { originalOutputs } from './results-of-call.js';

/** Source: TensorFlow `cond_v2._IfGrad`. */
export function branchGradient(
  original: OpView,
  originalDys: readonly (Gradient | null)[],
  calculus: Calculus,
  bodiesOf: (op: OpView) => readonly FunctionGraph[],
  choice: Choice,
): readonly (Gradient | null)[] {
  const [op, dys] = completeChoice(original, originalDys, bodiesOf(original), choice);
  const bodies = bodiesOf(op);
  const seeds = seedsOf(op, dys);
  const first = choice.operands.length;
  const traced = bodies.map((body) => traceGradient(op, body, first, seeds, calculus));
  const inputs = op.inputs.slice(first);
  const forms = inputs.map((_, i) => formOf(traced.map(({ result }) => result[i]!)));
  traced.forEach(({ body, result }, branch) => {
    const complete = body.completing(() =>
      forms.flatMap((form, i) => (form ? partsOf(form, result[i]!, () => bodies[branch]!.inputs[i]!) : [])),
    );
    body.setOutputs(complete.map((part) => captured(body, part)));
  });
  if (forms.every((form) => form === null)) return op.inputs.map(() => null);
  const outputs = callBranches(
    choice,
    traced.map(({ body }) => body),
    traced[0]!.body.outputs.length,
    [],
  );
  let next = 0;
  const take = (): Tensor => outputs[next++]!;
  const dxs = forms.map((form): Gradient | null => {
    if (form === null || form.kind === 'dense') return form && take();
    const [values, indices] = [take(), take()];
    return new IndexedSlices(values, indices, form.shaped ? take() : null);
  });
  return [...choice.operands.map(() => null), ...dxs];
}

/** The gradients of all outputs: those that got none have zeros, unless they are only there for the gradient's sake. */
export function seedsOf(op: OpView, dys: readonly (Gradient | null)[]): readonly (Gradient | null)[] {
  const originals = originalOutputs(op);
  return op.outputs.map((y, i) => {
    if (!isDifferentiable(y)) return null;
    return dys[i] ?? (i < originals ? zerosBeside(y) : null);
  });
}

/** Zeros in the shape of a tensor, or of the variable behind a handle. */
export function zerosBeside(tensor: Tensor): Tensor {
  if (tensor.dtype !== 'resource') return zerosLike(tensor);
  return zeros(variableShape(tensor), { dtype: handleType(tensor)!.dtype });
}

function traceGradient(
  op: OpView,
  body: FunctionGraph,
  first: number,
  seeds: readonly (Gradient | null)[],
  calculus: Calculus,
) {
  let gradientBody: FunctionGraph | undefined;
  // Of what is returned twice, the first.
  const outputs = new Map(body.outputs.map((output, i) => [output, op.outputs[i]!] as const).reverse());
  const known = (tensor: Tensor): Tensor | null => {
    const argument = body.positionOf(tensor);
    if (argument >= 0) return captured(gradientBody!, op.inputs[first + argument]!);
    const output = outputs.get(tensor);
    return output === undefined ? null : captured(gradientBody!, output);
  };
  const resolve = (tensor: Tensor): Tensor => known(tensor) ?? made(tensor, known, gradientBody!);
  return trace(
    `gradient_${body.name}`,
    op.graph.receiver,
    [],
    (_, self) => {
      gradientBody = self;
      const fitting = seeds.map((seed, i) => fittingSeed(seed, body.outputs[i]!));
      return calculus.differentiate(body.outputs, fitting, body.inputs);
    },
    { forward: { graph: body, resolve } },
  );
}

/**
 * A gradient for an output of one branch. One of another shape says that this branch will not run, but where it stands its
 * gradient must be built all the same: nothing is then known of the shape.
 */
function fittingSeed(seed: Gradient | null, y: Tensor): Gradient | null {
  if (seed === null || isCompatible(seed.shape, y.shape)) return seed;
  return one('PlaceholderWithDefault', [convertToTensor(seed)], { shape: null });
}

/** A tensor of a forward body made again in that of its gradient. */
export function made(tensor: Tensor, known: (t: Tensor) => Tensor | null, body: FunctionGraph): Tensor {
  const again = body.withScope({ name: '', controllers: [] }, () => body.asDefault(() => recompute(tensor, known)));
  if (again) return again;
  throw new Error(`The gradient in '${body.name}' needs '${tensor.name}', which the forward function does not give.`);
}

/** In what form the gradient of an input is returned: by every branch in the same. */
type Form =
  { readonly kind: 'dense' } | { readonly kind: 'slices'; readonly shaped: boolean; readonly wide: boolean } | null;

function formOf(gradients: readonly (Gradient | null)[]): Form {
  const given = gradients.filter((gradient) => gradient !== null);
  if (given.length === 0) return null;
  const slices = given.filter((gradient) => gradient instanceof IndexedSlices);
  if (slices.length < given.length) return { kind: 'dense' };
  return {
    kind: 'slices',
    shaped: slices.every(({ denseShape }) => denseShape !== null),
    wide: slices.some(({ indices }) => indices.dtype === 'int64'),
  };
}

/** A gradient in that form; where there is none, zeros, or no slices. */
function partsOf(form: NonNullable<Form>, gradient: Gradient | null, input: () => Tensor): readonly Tensor[] {
  if (form.kind === 'dense') return [gradient ? convertToTensor(gradient) : zerosBeside(input())];
  const { values, indices, denseShape } = (gradient as IndexedSlices | null) ?? noSlices(input());
  const parts = [values, castTo(indices, form.wide ? 'int64' : 'int32')];
  return form.shaped ? [...parts, castTo(denseShape!, 'int32')] : parts;
}

function noSlices(input: Tensor): IndexedSlices {
  const indices = new Int32Array(0);
  const type = handleType(input);
  const values =
    input.dtype === 'resource'
      ? one('ResourceGather', [input, indices], { dtype: type!.dtype })
      : one('GatherV2', [input, indices, 0]);
  const shape = input.dtype === 'resource' ? variableShape(input) : one('Shape', [input]);
  return new IndexedSlices(values, convertToTensor(indices, 'int32'), shape);
}
