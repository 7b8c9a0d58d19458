/** Functions of tensors, traced into function bodies, and calls of them. */
import type { Attrs } from '../graph/attr.js';
import type { DType } from '../graph/dtype.js';
import { InvalidArgumentError } from '../graph/errors.js';
import { FunctionGraph, type ArgumentSpec, type Forward } from '../graph/function-graph.js';
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { definitionOf } from './function-def.js';
import { handleAttrs } from './handles.js';
import { opDef } from './opdef.js';
import { inheritRandomSeed } from './random-seed.js';

export interface TraceOptions {
  /** What the tensors of a forward body are in this one, where it computes that one's gradient. */
  readonly forward?: Forward;
}

/** The argument that takes `tensor`, or one of the same dtype and of `shape`. */
export function argumentFor(tensor: Tensor, name: string = tensor.op.name, shape: Shape = tensor.shape): ArgumentSpec {
  return { name, dtype: tensor.dtype, shape, attrs: handleAttrs([tensor]) };
}

/**
 * A body in which `fn` has built what it builds from tensors that stand for arguments. Tensors of `outer` that it uses are captured:
 * they become arguments after these. Nothing stays of it where `fn` throws.
 */
export function trace<R>(
  name: string,
  outer: Graph,
  args: readonly ArgumentSpec[],
  fn: (inputs: readonly Tensor[], body: FunctionGraph) => R,
  options: TraceOptions = {},
): { readonly body: FunctionGraph; readonly result: R } {
  const body = new FunctionGraph(outer.root.uniqueFunctionName(name), outer, options.forward ?? null);
  inheritRandomSeed(body, outer);
  const { device, gradientOverrides, forwardOp, site } = outer.scope;
  // The body of a gradient colocates with the operations of the forward body, not with the call of it.
  const colocation = options.forward ? [] : outer.scope.colocation;
  const build = (): R => {
    const inputs = args.map((arg) => body.addInput(arg));
    const result = fn(inputs, body);
    if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') {
      throw new InvalidArgumentError(`'${name}' must be built by a synchronous function.`);
    }
    return result;
  };
  const result = body.attempt(() =>
    body.withScope({ device, colocation, gradientOverrides, forwardOp, site }, () =>
      body.asDefault(() => body.atSite(build)),
    ),
  );
  return { body, result };
}

/** Puts a finished body into the library of its program, and closes it. */
export function register(body: FunctionGraph): string {
  if (!body.finalized) {
    body.root.addFunction({ def: definitionOf(body), body });
    body.finalize();
  }
  return body.name;
}

/** The body behind a function attribute. */
export function bodyOf(op: Operation, attr: string): FunctionGraph {
  const value = op.attrValue(attr);
  if (value.kind !== 'func')
    throw new InvalidArgumentError(`Attr '${attr}' of '${op.name}' is no function.`, op.details());
  return op.graph.root.function(value.value.name).body as FunctionGraph;
}

/** Whether running any of the bodies does more than compute. */
export function isStateful(bodies: readonly FunctionGraph[]): boolean {
  return bodies.some((body) => {
    const args = new Set(body.inputs.map(({ op }) => op));
    return body.operations().some((op) => !args.has(op) && opDef(op.type).effect !== 'pure');
  });
}

/** Attributes that keep what is known of the outputs of a call. */
export function outputAttrs(outputs: readonly Tensor[]): Attrs {
  return handleAttrs(outputs);
}

/** The dtypes of tensors. */
export function dtypesOf(tensors: readonly Tensor[]): readonly DType[] {
  return tensors.map(({ dtype }) => dtype);
}
