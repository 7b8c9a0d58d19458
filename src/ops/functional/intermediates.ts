/** What the gradient of a function body will look at in it: known when the body is built, so that it never has to change. */
import { FunctionGraph } from '../../graph/function-graph.js';
import { LookupError, ShapeError } from '../../graph/errors.js';
import type { Operation } from '../../graph/operation.js';
import { functionsNamedIn } from '../../graph/attr.js';
import { isFullyDefined } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { argumentFor } from '../trace.js';
import { isDifferentiable } from '../handles.js';
import { opDef, type Calculus, type Gradient, type Many, type OpView } from '../opdef.js';
import { inputsOfGradient } from '../own-gradient.js';

/**
 * The tensors of `body` that the gradient rules of its operations use, for any gradients of its outputs. Each rule is tried on stand-ins,
 * and what it takes from the body is noted. Constants are left out: they can be made again.
 */
export function neededByGradient(body: FunctionGraph): readonly Tensor[] {
  const known = neededBy.get(body);
  if (known) return known;
  const needed = findNeeded(body);
  neededBy.set(body, needed);
  return needed;
}

const neededBy = new WeakMap<FunctionGraph, readonly Tensor[]>();

function findNeeded(body: FunctionGraph): readonly Tensor[] {
  const watch = new Watch(body);
  const ancestors = ancestorsOf(body);
  const reached = new Set<Operation>(body.inputs.filter(isDifferentiable).map(({ op }) => op));
  for (const op of body.operations()) {
    if (!ancestors.has(op) || !op.inputs.some((input) => reached.has(input.op) && isDifferentiable(input))) continue;
    if (!op.outputs.some(isDifferentiable) || !watch.note(op)) continue;
    reached.add(op);
  }
  return [...watch.needed].filter((t) => t.dtype !== 'resource' && !isConstant(t, body));
}

/** Whether zeros like `tensor` can be had without it. */
export function hasStaticZeros({ dtype, shape }: Tensor): boolean {
  return dtype !== 'variant' && isFullyDefined(shape);
}

/** Whether output `i` of a call is what the gradient of one of its bodies looks at, besides a result. */
function isLookedAt(op: Operation, i: number): boolean {
  return functionsNamedIn(op.def.attr).some((name) => {
    const body = op.graph.root.function(name).body as FunctionGraph;
    const output = body.outputs[i];
    return output !== undefined && neededByGradient(body).includes(output);
  });
}

/** Whether output `i` of a call is there for its own sake, and gradients come to it. */
function isResult(op: Operation, i: number): boolean {
  return (
    isDifferentiable(op.outputs[i]!) && op.hasAttr('_num_original_outputs') && i < op.intAttr('_num_original_outputs')
  );
}

/** Whether a tensor depends on nothing and can be made again. */
function isConstant(tensor: Tensor, body: FunctionGraph): boolean {
  const { op } = tensor;
  return op.inputs.length === 0 && opDef(op.type).effect === 'pure' && body.positionOf(tensor) < 0;
}

function ancestorsOf(body: FunctionGraph): ReadonlySet<Operation> {
  const seen = new Set(body.outputs.map(({ op }) => op));
  for (const op of seen) for (const input of inputsOfGradient(op)) seen.add(input.op);
  return seen;
}

/** Nested functions are not differentiated while watching: what calls them counts as needing all it takes and gives. */
const nothing: Calculus = {
  differentiate: (_ys, _dys, xs) => xs.map(() => null),
};

class Watch {
  readonly needed = new Set<Tensor>();
  readonly #scratch: FunctionGraph;

  constructor(body: FunctionGraph) {
    this.#scratch = new FunctionGraph(`${body.name}_watch`, body.outer, {
      graph: body,
      resolve: (tensor) => {
        this.needed.add(tensor);
        return this.#scratch.addInput(argumentFor(tensor));
      },
    });
  }

  /** Notes what the rule of `op` uses; false where no gradient flows through it. */
  note(op: Operation): boolean {
    const { grad, functional } = opDef(op.type);
    if (functional || op.hasAttr('_gradient_op_type')) {
      // What a registered gradient will look at is its own affair; a nested function's wants all but zeros of its results, and such
      // results as stand for what its own operations want.
      const isNeeded = (y: Tensor, i: number) => !isResult(op, i) || !hasStaticZeros(y) || isLookedAt(op, i);
      const results = functional ? op.outputs.filter(isNeeded) : op.outputs;
      for (const tensor of [...inputsOfGradient(op), ...results]) this.needed.add(tensor);
      return true;
    }
    if (typeof grad !== 'function') return false;
    // Outputs that get no gradient have zeros of their shape.
    if (op.outputs.length > 1)
      for (const y of op.outputs) if (isDifferentiable(y) && !hasStaticZeros(y)) this.needed.add(y);
    const scratch = this.#scratch;
    const build = () => {
      const dys = op.outputs.map((y) => (isDifferentiable(y) ? scratch.addInput(argumentFor(y, 'dy')) : null));
      const run = () => grad(op as OpView, dys as unknown as Many<Gradient>, nothing);
      scratch.withScope({ name: scratch.uniqueName(`${op.name}_grad`) }, run);
    };
    try {
      scratch.withScope({ site: op.site }, () => scratch.asDefault(build));
    } catch (error) {
      // Whoever asks for the gradient is told: there is none, or none of these shapes, as in a branch that cannot run.
      if (!(error instanceof LookupError || error instanceof ShapeError)) throw error;
    }
    return true;
  }
}
