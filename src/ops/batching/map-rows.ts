/** A function of one row on all rows at once. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { ArgumentSpec, FunctionGraph } from '../../graph/function-graph.js';
import { getDefaultGraph } from '../../graph/graph.js';
import { controlDependencies } from '../../graph/scopes.js';
import { describeTensor } from '../../graph/node.js';
import type { Tensor } from '../../graph/tensor.js';
import { captured } from '../capture.js';
import { mapFn } from '../definitions/map-scan.js';
import { assembled, partsOfResult, type BodyResult, type Parts } from '../functional/results.js';
import { IndexedSlices } from '../indexed-slices.js';
import { flatten, packLike } from '../nest.js';
import type { Batched, Rows, Surroundings } from '../opdef.js';
import { argumentFor, trace } from '../trace.js';
import { RowByRow } from './vectorize.js';

export interface MappedOptions {
  /** Another function of one row, made for all rows before, whose tensors `fn` may use. */
  readonly surroundings?: Surroundings;
}

/** What `fn` returns for one row, for all rows. `operands` are those that it takes. */
export function mapRows(
  name: string,
  rows: Rows,
  operands: readonly Batched[],
  fn: (args: readonly Tensor[]) => unknown,
  { surroundings }: MappedOptions = {},
): unknown {
  const graph = getDefaultGraph();
  const arguments_ = new Map<Tensor, Batched>();
  const resolve = (tensor: Tensor): Tensor => {
    const found = graph.asDefault(() => surroundings!.batched(tensor));
    if (!found) throw new InvalidArgumentError(`${name}: '${tensor.name}' is not there where the gradient is taken.`);
    const self = current!;
    if (!found.stacked) return captured(self, found.tensor);
    const input = self.addInput(argumentOf(found));
    arguments_.set(input, found);
    return input;
  };
  let current: FunctionGraph | null = null;
  const build = (args: readonly Tensor[], self: FunctionGraph): Parts => {
    current = self;
    args.forEach((arg, i) => arguments_.set(arg, operands[i]!));
    return reached(name, self, partsOfResult(name, dense(synchronous(name, fn(args)))));
  };
  const forward = surroundings && { graph: surroundings.body, resolve };
  const { body, result } = trace('vectorized_map', graph, operands.map(argumentOf), build, forward && { forward });
  // What has been made in there is not there outside.
  body.finalize();
  const inputs = body.inputs.map(
    (input): Batched => arguments_.get(input) ?? { tensor: body.capturedBy(input)!, stacked: false },
  );
  const make = (): unknown =>
    assembled(
      result,
      rows.inline(body, inputs, result.tensors).map((value) => rows.stack(value)),
    );
  const { controlCaptures } = body;
  try {
    return graph.attempt(() => (controlCaptures.length > 0 ? controlDependencies(controlCaptures, make) : make()));
  } catch (thrown) {
    if (!(thrown instanceof RowByRow)) throw thrown;
    return inLoop(operands, fn);
  }
}

/** What stands for one row of an operand. */
function argumentOf({ tensor, stacked }: Batched): ArgumentSpec {
  return argumentFor(tensor, undefined, stacked && tensor.shape ? tensor.shape.slice(1) : tensor.shape);
}

/** The same, one row after the other. */
function inLoop(operands: readonly Batched[], fn: (args: readonly Tensor[]) => unknown): unknown {
  const moving = operands.filter((operand) => operand.stacked).map(({ tensor }) => tensor);
  const ofRow = (row: readonly Tensor[]): BodyResult => {
    let next = 0;
    return dense(fn(operands.map(({ tensor, stacked }) => (stacked ? row[next++]! : tensor))));
  };
  return mapFn(ofRow as (row: unknown) => unknown, moving);
}

function synchronous(name: string, result: unknown): unknown {
  if (typeof (result as { then?: unknown } | null | undefined)?.then !== 'function') return result;
  throw new InvalidArgumentError(`${name}: fn must be synchronous, and returns a promise.`);
}

function reached(name: string, body: FunctionGraph, parts: Parts): Parts {
  const foreign = parts.tensors.find((tensor) => !body.reaches(tensor.graph));
  if (!foreign) return parts;
  throw new InvalidArgumentError(
    `${name}: fn returns ${describeTensor(foreign)}, which belongs to another graph.`,
    foreign.op.details(),
  );
}

/** Slices have as many rows as they please: only dense tensors can be stacked. */
function dense(result: unknown): BodyResult {
  return packLike(
    result,
    flatten(result).map((leaf) => (leaf instanceof IndexedSlices ? leaf.toTensor() : leaf)),
  ) as BodyResult;
}
