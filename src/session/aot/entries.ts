/** From what functions shall give to the programs that compute it: finds their feeds, and refuses what only a session can run. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';
import { formatShape, isCompatible, isFullyDefined, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { opDef } from '../../ops/opdef.js';
import { fusedProgram } from '../backends/wasm/pipeline.js';
import type { Banded } from '../backends/wasm/bands.js';
import { wasm } from '../backends/wasm/index.js';
import { isCompiled, type HostStep } from '../backends/wasm/program.js';
import { compile } from '../pipeline.js';
import type { Plan, Request } from '../plan.js';

/** A function to be: what it gives, and runs, and from what. */
export interface EntryRequest {
  readonly name: string;
  /** By the names of its results. */
  readonly fetches: ReadonlyMap<string, Tensor>;
  /** Operations to run for their effect. */
  readonly targets: readonly Operation[];
  /**
   * Tensors to feed, by name, where what is fetched needs them. Placeholders that are missing here join under the names of their
   * operations. `shape`: null for that of the tensor, which then has to be known.
   */
  readonly feeds: ReadonlyMap<string, NamedFeed>;
}

export interface NamedFeed {
  readonly tensor: Tensor;
  readonly shape: readonly number[] | null;
}

export interface Entry {
  readonly name: string;
  readonly fused: Banded;
  /** In the order of the program's feeds and fetches. */
  readonly feeds: readonly string[];
  readonly fetches: readonly string[];
}

/** @throws InvalidArgumentError, ShapeError for all that is wrong with the feeds, or else all that cannot be compiled */
export function prepareEntries(graph: Graph, requests: readonly EntryRequest[]): readonly Entry[] {
  requests.forEach((request) => checkDTypes(request));
  const planned = requests.map((request) => ({ ...request, ...planOf(graph, request) }));
  checkFeeds(requests, planned);
  const entries = planned.map(({ name, fetches, plan, used }): Entry => {
    const feeds = [...used.values()].map(({ tensor, shape }) => ({ tensor, shape: shape ?? known(tensor.shape) }));
    const request: Request = { ...plan.request, feeds };
    return { name, fused: fusedProgram(plan, request), feeds: [...used.keys()], fetches: [...fetches.keys()] };
  });
  checkSteps(entries);
  return entries;
}

interface Planned {
  readonly name: string;
  readonly plan: Plan;
  readonly used: ReadonlyMap<string, NamedFeed>;
}

/** The plan with all feeds that it needs, and no others. */
function planOf(graph: Graph, { name, fetches, targets, feeds }: EntryRequest): Planned {
  const planFor = (fed: Iterable<NamedFeed>): Plan => {
    const list = [...fed].map(({ tensor, shape }) => ({ tensor, shape }));
    return compile({ graph, fetches: [...fetches.values()], targets, feeds: list }, wasm.stages);
  };
  const { operations } = planFor(feeds.values());
  const read = new Set([...fetches.values(), ...operations.flatMap((op) => op.inputs)]);
  const used = new Map([...feeds].filter(([, { tensor }]) => read.has(tensor)));
  for (const op of operations) {
    if (opDef(op.type).effect !== 'feed') continue;
    const clash = used.get(op.name);
    if (clash) {
      throw new InvalidArgumentError(
        `'${name}' needs two feeds called '${op.name}': ${clash.tensor.name} and the placeholder ${op.name}, created at ${op.createdAt}. Name one of them otherwise.`,
        op.details(),
      );
    }
    used.set(op.name, { tensor: op.outputs[0]!, shape: null });
  }
  return { name, plan: planFor(used.values()), used };
}

function known(shape: Shape): readonly number[] | null {
  return isFullyDefined(shape) ? shape : null;
}

/** One error for all feeds: those that nothing needs, and those of unknown, impossible or unfit types. */
function checkFeeds(requests: readonly EntryRequest[], planned: readonly Planned[]): void {
  const used = new Set(planned.flatMap((entry) => [...entry.used.values()].map(({ tensor }) => tensor)));
  for (const { feeds } of requests) {
    for (const [name, { tensor }] of feeds) {
      if (!used.has(tensor))
        throw new InvalidArgumentError(`Nothing that is fetched needs the feed '${name}'.`, tensor.op.details());
    }
  }
  const missing = new Map<string, Shape>();
  for (const entry of planned) {
    for (const [name, { tensor, shape }] of entry.used) {
      if (shape && !isCompatible(shape, tensor.shape)) {
        throw new ShapeError(
          `'${entry.name}': the shape ${formatShape(shape)} given for '${name}' does not fit ${formatShape(tensor.shape)}, the shape of ${tensor.name}, created at ${tensor.op.createdAt}.`,
          tensor.op.details(),
        );
      }
      if (!isCompiled(tensor.dtype)) throw unfit(`'${entry.name}': the feed '${name}'`, tensor.dtype, tensor);
      if (!shape && !known(tensor.shape)) missing.set(name, tensor.shape);
    }
  }
  if (missing.size === 0) return;
  const list = [...missing].map(([name, shape]) => `'${name}' ${shape ? formatShape(shape) : 'of any rank'}`);
  const [[name, shape]] = [...missing] as [[string, Shape]];
  throw new InvalidArgumentError(
    `Code is compiled for one shape of each feed: say which for ${list.join(', ')}, for example ${name}=${(shape ?? [32, 10]).map((dim) => dim ?? 32).join()}.`,
  );
}

function checkDTypes({ name, fetches }: EntryRequest): void {
  for (const [fetch, tensor] of fetches)
    if (!isCompiled(tensor.dtype)) throw unfit(`'${name}': the fetch '${fetch}'`, tensor.dtype, tensor);
}

function unfit(what: string, dtype: DType, { op }: Tensor): InvalidArgumentError {
  return new InvalidArgumentError(
    `${what} is ${dtype}; compiled code holds float32, float64, int32, int64 and bool. It comes from '${op.name}' (${op.type}), created at ${op.createdAt}.`,
    op.details(),
  );
}

/** One error for all operations that only a session can run. */
function checkSteps(entries: readonly Entry[]): void {
  const found = new Map<Operation, string>();
  for (const { fused } of entries)
    for (const step of fused.steps) if (step.kind === 'host') found.set(step.op, reasonOf(step));
  if (found.size === 0) return;
  const list = [...found].map(([op, reason]) => `'${op.name}' (${op.type}, created at ${op.createdAt}): ${reason}`);
  const count = found.size === 1 ? 'One operation' : `${found.size} operations`;
  const [first] = found.keys();
  throw new InvalidArgumentError(`${count} cannot be compiled ahead of time. ${list.join('; ')}.`, first!.details());
}

function reasonOf({ op, inputs, outputs }: HostStep): string {
  const { effect, functional } = opDef(op.type);
  if (functional) return 'it runs other graphs';
  if (effect === 'random') return 'a session keeps the state of random numbers';
  const other = [...op.inputs, ...op.outputs].find(({ dtype }) => dtype !== 'resource' && !isCompiled(dtype));
  if (other) return `compiled code does not hold ${other.dtype}`;
  if ([...inputs, ...outputs].some(({ dtype, shape }) => shape === null && dtype !== 'resource'))
    return 'shapes depend on data';
  return 'it has no compiled form, or its operands do not fit';
}
