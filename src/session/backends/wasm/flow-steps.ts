/** What the lowering of loops, choices and calls is made of. */
import type { FunctionGraph } from '../../../graph/function-graph.js';
import type { Operation } from '../../../graph/operation.js';
import type { Tensor } from '../../../graph/tensor.js';
import { effectsOf } from '../../../ops/capture.js';
import type { Lazy } from '../../../ops/expr.js';
import { compile } from '../../pipeline.js';
import type { Contents } from './contents.js';
import type { FlowStep, Value, VariableSlot } from './program.js';

/** What lowering gives to those who lower functions. */
export interface FlowContext {
  readonly contents: Contents;
  value(name: string, op: Operation, type: Pick<Value, 'dtype' | 'shape'> & Partial<Value>): Value;
  /** @throws where compiled code cannot compute it */
  define(name: string, op: Operation, tensor: Lazy): Value;
  push(step: Unplaced): void;
  /** Lowers operations of a function that `op` calls, on `inputs`: gives what the tensors `outputs` of it are. */
  inline(
    op: Operation,
    operations: readonly Operation[],
    inputs: ReadonlyMap<Tensor, Value>,
    outputs: readonly Tensor[],
  ): readonly Value[];
  /** Says that compiled code cannot do this. */
  refuse(): never;
}

/** Without the calls that it is in. */
export type Unplaced = Omit<FlowStep, 'callers'>;

export type Results = readonly (Value | null)[];

/** The wanted outputs of a function on `inputs`, lowered here. */
export function inlined(
  context: FlowContext,
  op: Operation,
  body: FunctionGraph,
  inputs: readonly Value[],
  wanted: readonly boolean[],
): Results {
  const fetches = body.outputs.filter((_, i) => wanted[i]);
  const known = new Map(body.inputs.map((input, i) => [input, inputs[i]!]));
  const results = context.inline(op, operationsOf(body, fetches), known, fetches);
  let next = 0;
  return body.outputs.map((_, i) => (wanted[i] ? results[next++]! : null));
}

export function operationsOf(body: FunctionGraph, fetches: readonly Tensor[]): readonly Operation[] {
  const feeds = body.inputs.map((tensor) => ({ tensor, shape: null }));
  return compile({ graph: body, fetches, targets: effectsOf(body), feeds }).operations;
}

export function mark(op: Operation, flow: FlowStep['flow'], more: Partial<FlowStep> = {}): Unplaced {
  return { kind: 'flow', op, flow, inputs: [], outputs: [], variable: null, ...more };
}

export function move(op: Operation, from: Value, to: Value): Unplaced {
  return mark(op, 'move', { inputs: [from], outputs: [to] });
}

/** From here on, a variable of the session holds what is in its place. */
export function content({ contents }: FlowContext, op: Operation, variable: VariableSlot): Unplaced {
  return mark(op, 'content', { outputs: [contents.renew(variable, op)], variable });
}

/** Which inputs of a function its wanted outputs and its effects depend on. */
export function needs(body: FunctionGraph, wanted: readonly boolean[]): readonly boolean[] {
  const fetches = body.outputs.filter((_, i) => wanted[i]);
  const read = new Set([...fetches, ...operationsOf(body, fetches).flatMap(({ inputs }) => inputs)]);
  return body.inputs.map((input) => read.has(input));
}
