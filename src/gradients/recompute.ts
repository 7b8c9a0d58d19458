/** Functions that are computed again in the backward pass instead of keeping what they computed (TensorFlow `tf.recompute_grad`). */
import { InvalidArgumentError } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import { controlDependencies } from '../graph/scopes.js';
import type { Tensor } from '../graph/tensor.js';
import { one } from '../ops/call.js';
import { copyOperation } from '../ops/copy.js';
import type { BodyResult, Outside } from '../ops/functional/results.js';
import { isDifferentiable } from '../ops/handles.js';
import { packLike } from '../ops/nest.js';
import { opDef, type Calculus, type Gradient, type OpView } from '../ops/opdef.js';
import { ownGradient } from '../ops/own-gradient.js';
import { calling, withGradient, type PassedAll, type SegmentGradient, type TracedCall } from './traced-call.js';

/**
 * A function that computes what `f` does, and whose gradient computes it again instead of keeping the intermediate values until the
 * backward pass comes to it (TensorFlow `tf.recompute_grad`): of a chain of such functions, a training step holds what goes from one to the next, and the
 * intermediates of one at a time. Values and gradients are those of `f`, to any order, also with respect to variables and tensors that `f` uses besides its arguments.
 *
 * Only what computes is repeated. Values read from variables, random numbers, and what assignments leave are used as they were, and kept: so
 * dropout drops the same elements twice, and nothing is assigned twice. What a `customGradient` inside `f` holds on to is kept as well. `f` itself is called once, its operations are copied.
 *
 * @param f takes tensors, or nests of arrays and plain objects of them, and returns tensors, or a nest of them
 * @throws InvalidArgumentError where `f` is no function; when called, where it returns what is no tensor
 * @example
 * const block = recomputeGrad((x) => tanh(sin(x).multiply(2)));
 * const x = constant(0.5);
 * const y = block(block(x));
 * gradients(y, x); // [0.2705]; computed from x and block(x) alone
 */
export function recomputeGrad<const X extends readonly Tensor[], const Y extends BodyResult>(
  f: (...xs: X) => Y,
): (...xs: PassedAll<X>) => Outside<Y>;
export function recomputeGrad<const X extends readonly unknown[], const Y extends BodyResult>(
  f: (...xs: X) => Y,
): (...xs: PassedAll<X>) => Outside<Y>;
export function recomputeGrad(f: (...xs: readonly never[]) => unknown): (...xs: readonly unknown[]) => unknown {
  const fn = 'recomputeGrad';
  if (typeof f !== 'function') throw new InvalidArgumentError(`${fn}: it takes a function.`);
  return (...args) =>
    calling(
      fn,
      f,
      args,
      (ys) => ys,
      (call) => {
        const { graph, outputs, ys } = call;
        const segment = segmentOf(call);
        const gradient: SegmentGradient = (op, dys, calculus) => gradientsAgain(segment, op, dys, calculus);
        // What a gradient inside has closed over may be anything in here.
        const isOpaque = segment.operations.some((op) => ownGradient(op)?.hidden === 0);
        const results = withGradient(graph, outputs, segment.sources, gradient, isOpaque ? 0 : outputs.length);
        return packLike(ys, results);
      },
    );
}

/** A part of a graph that computes `outputs` from `sources`. */
interface Segment {
  readonly outputs: readonly Tensor[];
  readonly sources: readonly Tensor[];
  /** Oldest first. */
  readonly operations: readonly Operation[];
}

/** What computes the outputs of a call, back to what was there before it and to operations that may not run twice. */
function segmentOf({ graph, start, outputs }: TracedCall<unknown>): Segment {
  const operations = new Set<Operation>();
  const sources = new Set<Tensor>();
  const visit = (tensor: Tensor): void => {
    const { op } = tensor;
    const isOwn = op.graph === graph && op.id >= start;
    const isPure = opDef(op.type).effect === 'pure';
    // Constants cost nothing to keep; another one's gradient may be asked for.
    if (isPure && op.inputs.length === 0 && (isOwn || !isDifferentiable(tensor))) return;
    if (isOwn && isPure && tensor.dtype !== 'resource') operations.add(op);
    else sources.add(tensor);
  };
  outputs.forEach(visit);
  for (const op of operations) op.inputs.forEach(visit);
  return { outputs, sources: [...sources], operations: [...operations].sort((a, b) => a.id - b.id) };
}

/** The gradients of a segment's sources, which follow its outputs among the inputs of `op`. */
function gradientsAgain(
  segment: Segment,
  op: OpView,
  dys: readonly (Gradient | null)[],
  calculus: Calculus,
): readonly (Gradient | null)[] {
  const inputs = op.inputs.slice(segment.outputs.length);
  const graph = op.graph.receiver;
  // Nothing of it can run before the gradient is there, nor be taken for what ran in the forward pass.
  const { sources, outputs } = controlDependencies(
    dys.filter((dy) => dy !== null),
    () => again(graph, segment, inputs),
  );
  const differentiable = sources.filter((source) => isDifferentiable(source));
  // The names of the copies stand below the scope already.
  const dxs = graph.withScope({ name: '' }, () => calculus.differentiate(outputs, dys, differentiable));
  return sources.map((source) => dxs[differentiable.indexOf(source)] ?? null);
}

/** The segment once more, from barriers in front of `inputs`. */
function again(
  graph: Graph,
  { sources, operations, outputs }: Segment,
  inputs: readonly Tensor[],
): { readonly sources: readonly Tensor[]; readonly outputs: readonly Tensor[] } {
  const barriers = inputs.map((input) => (input.dtype === 'resource' ? input : one('Identity', [input])));
  const found = new Map(sources.map((source, i) => [source, barriers[i]!]));
  const value = (tensor: Tensor): Tensor => found.get(tensor) ?? tensor;
  for (const op of operations) {
    const copy = (): Operation => copyOperation(op, op.inputs.map(value));
    const scope = { gradientOverrides: {}, ...(op.device === '' ? {} : { device: op.device }) };
    const made = graph.withScope(scope, copy);
    op.outputs.forEach((output, i) => found.set(output, made.outputs[i]!));
  }
  return { sources: barriers, outputs: outputs.map(value) };
}
