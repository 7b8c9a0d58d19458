/** Calls of function bodies of which one is chosen at run time: conditionals, and plain calls, where there is only one. */
import type { AttrValue } from '../../graph/attr.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import { controlDependencies } from '../../graph/scopes.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { call, one } from '../call.js';
import { captured } from '../capture.js';
import { emptyListLike } from '../definitions/tensor-list.js';
import type { AttrInput } from '../opdef.js';
import { dtypesOf, isStateful, outputAttrs, register } from '../trace.js';
import { neededByGradient } from './intermediates.js';

/** How a body is chosen. */
export interface Choice {
  /** The op type where the bodies only compute, and where they do more. */
  readonly types: readonly [stateless: string, stateful: string];
  /** What decides: operands before the inputs of the bodies. */
  readonly operands: readonly Tensor[];
  /** The attributes that name the bodies. */
  readonly attrs: (functions: readonly AttrFunction[]) => Readonly<Record<string, AttrInput>>;
  /** Whether the op records the shapes of its outputs. */
  readonly recordsShapes: boolean;
}

export interface AttrFunction {
  readonly name: string;
  readonly attr: Readonly<Record<string, AttrValue>>;
}

/**
 * Calls the chosen one of `bodies`, whose first `count` outputs are its result and agree in dtypes. All get the same inputs: `args`, then what any of them
 * captures; all give, besides their result, what the gradient of any will need.
 * @returns the result, each tensor behind an Identity, which may be pruned one by one
 */
export function callBranches(
  choice: Choice,
  bodies: readonly FunctionGraph[],
  count: number,
  args: readonly Tensor[],
  options: { readonly name?: string } = {},
): readonly Tensor[] {
  const captures = shareCaptures(bodies);
  exportIntermediates(bodies);
  const outputs = bodies[0]!.outputs;
  const type = choice.types[isStateful(bodies) ? 1 : 0];
  const functions = bodies.map((body) => ({ name: register(body), attr: {} }));
  const shapes = outputs.map((_, i) => commonShape(bodies.map((body) => body.outputs[i]!.shape)));
  const attrs: Record<string, AttrInput> = {
    ...choice.attrs(functions),
    Tout: dtypesOf(outputs),
    ...(choice.recordsShapes ? { output_shapes: shapes } : {}),
    ...outputAttrs(outputs),
    _num_original_outputs: { kind: 'int', value: BigInt(count) },
    _lower_using_switch_merge: { kind: 'bool', value: true },
  };
  const controls = [...new Set(bodies.flatMap((body) => body.controlCaptures))];
  const make = () => call(type, [...choice.operands, [...args, ...captures]], attrs, options);
  const op = controls.length > 0 ? controlDependencies(controls, make) : make();
  return op.outputs.slice(0, count).map((output) => one('Identity', [output]));
}

/** Gives all bodies the same arguments: those of their own, then what any captures, in the order it was first captured. */
export function shareCaptures(bodies: readonly FunctionGraph[]): readonly Tensor[] {
  const captures = [...new Set(bodies.flatMap((body) => body.captures))];
  for (const body of bodies) {
    const own = body.inputs.filter((input) => body.capturedBy(input) === null);
    body.orderInputs([...own, ...body.completing(() => captures.map((tensor) => captured(body, tensor)))]);
  }
  return captures;
}

/** Adds to the outputs of each body what its gradient needs, and to the others something that stands for it. */
function exportIntermediates(bodies: readonly FunctionGraph[]): void {
  const needed = bodies.map((body) => {
    const there = new Set([...body.inputs, ...body.outputs]);
    return neededByGradient(body).filter((tensor) => !there.has(tensor));
  });
  bodies.forEach((body, i) => {
    const extra = needed.flatMap((tensors, j) => (i === j ? tensors : tensors.map((tensor) => standIn(tensor, body))));
    body.setOutputs([...body.outputs, ...extra]);
  });
}

function standIn(tensor: Tensor, body: FunctionGraph): Tensor {
  return body.completing(() =>
    tensor.dtype === 'variant'
      ? emptyListLike(tensor)
      : one('FakeParam', [], { dtype: tensor.dtype, shape: tensor.shape }),
  );
}

/** What is common to shapes of which one will be. */
export function commonShape(shapes: readonly Shape[]): Shape {
  return shapes.reduce((common, shape) => {
    if (common === null || shape === null || common.length !== shape.length) return null;
    return common.map((dim, axis) => (dim === shape[axis] ? dim : null));
  });
}
