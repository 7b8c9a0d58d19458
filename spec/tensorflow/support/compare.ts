/** Builds a graph, differentiates it here and in TensorFlow, and compares nodes and values. */
import { Graph } from '../../../src/graph/graph.js';
import type { NDArray, TensorData } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { parseFeeds } from '../../../src/session/feeds.js';
import { Session } from '../../../src/session/session.js';
import { arrayDifference, decodeArray, encodeArray } from './arrays.js';
import { Recorder, type Result } from './recorder.js';
import { Matcher, StructureError, type Statistics } from './structure.js';
import { tensorFlow, type TensorFlowAnswer, type TensorFlowResult } from './worker.js';

export type { Recorder, Result };

/** What a builder gives besides the gradients it took. */
export interface Built {
  readonly feeds?: ReadonlyMap<Tensor, TensorData> | { readonly [name: string]: TensorData };
  readonly fetches?: readonly Tensor[];
  /** Operations to run first, each in a run of its own. */
  readonly init?: readonly Operation[];
}

export interface CompareOptions {
  /** Whether nodes are compared; a list says of which calls. true by default. */
  readonly nodes?: boolean | readonly number[];
  /** Whether results and fetches are run and compared. */
  readonly values?: boolean;
  /**
   * Is told where nodes of a later call differ and an earlier one appended tensors whose shapes are known better here than
   * in TensorFlow: fewer nodes are then needed. Without it that is an error.
   */
  readonly betterKnown?: (message: string) => void;
  /** Multiplies the tolerances. */
  readonly tolerance?: number;
}

export interface Comparison {
  readonly graph: Graph;
  readonly answer: TensorFlowAnswer;
  /** Our results, and their values, call by call. */
  readonly results: readonly (readonly Result[])[];
  readonly fetched: readonly NDArray[];
}

/** Both sides refuse; what each said. */
export class BothFailed extends Error {
  readonly ours: Error;
  readonly theirs: { readonly type: string; readonly message: string };

  constructor(ours: Error, theirs: { readonly type: string; readonly message: string }) {
    super(`both fail: ${ours.message} / TensorFlow: ${theirs.type}: ${theirs.message}`);
    this.ours = ours;
    this.theirs = theirs;
  }
}

/** TensorFlow refuses what is done here. */
export class TensorFlowFailed extends Error {
  readonly type: string;

  constructor(error: { readonly type: string; readonly message: string }, failed: unknown) {
    super(`TensorFlow fails (${String(failed)}): ${error.type}: ${error.message}`);
    this.type = error.type;
  }
}

export const statistics: Statistics = {
  calls: 0,
  nodes: 0,
  opaque: 0,
  unread: 0,
  sameName: 0,
  better: 0,
  worse: 0,
  notes: new Set(),
};

/** A line on all comparisons so far; with TAPELESS_NOTES=1 also which shapes are known worse here. */
export function statisticsLine(): string {
  const { nodes, opaque, sameName, calls, unread, better, worse, notes } = statistics;
  const line =
    `${calls} calls of gradients: ${nodes} backward nodes are TensorFlow's, ${sameName} of them by name; ${unread} more ` +
    `that no result depends on, by type and order${opaque > 0 ? `, and ${opaque} in gradients of control flow, by value` : ''}. ${better} static shapes are known better here, ${worse} worse.`;
  return process.env.TAPELESS_NOTES === '1' ? [line, ...notes].join('\n') : line;
}

/**
 * @throws StructureError where the nodes differ, an Error where values do, BothFailed where both sides refuse,
 *   TensorFlowFailed where only TensorFlow does, and our own error where only we do
 */
export async function compareWithTensorFlow(
  build: (recorder: Recorder) => Built | void,
  options: CompareOptions = {},
): Promise<Comparison> {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  let failure: Error | null = null;
  let built: Built = {};
  try {
    built = graph.asDefault(() => build(recorder)) ?? {};
  } catch (error) {
    failure = error as Error;
  }
  recorder.flush();
  const feeds = failure ? new Map<Tensor, NDArray>() : parseFeeds(graph, built.feeds ?? {});
  const runs = options.values !== false && !failure;
  const fetches = failure ? [] : (built.fetches ?? []);
  const answer = await tensorFlow().ask({
    steps: recorder.steps,
    feeds: Object.fromEntries([...feeds].map(([tensor, array]) => [tensor.name, encodeArray(array)])),
    init: (built.init ?? []).map((op) => op.name),
    fetches: fetches.map((tensor) => tensor.name),
    run: runs,
  });
  if (failure) {
    // What follows the failing call was never built.
    if (answer.error && answer.failed === recorder.steps.length - 1) throw new BothFailed(failure, answer.error);
    throw failure;
  }
  if (answer.error && answer.failed !== 'run') throw new TensorFlowFailed(answer.error, answer.failed);
  const matcher = new Matcher(graph, answer.renamed ?? {}, statistics);
  if (options.nodes !== false) compareNodes(matcher, recorder, answer, options);
  const fetched = runs ? compareValues(graph, recorder, built, feeds, fetches, answer, options.tolerance ?? 1) : [];
  return { graph, answer, results: recorder.calls.map((call) => call.results), fetched };
}

function compareNodes(matcher: Matcher, recorder: Recorder, answer: TensorFlowAnswer, options: CompareOptions): void {
  const before = statistics.better;
  for (const [i, call] of recorder.calls.entries()) {
    if (Array.isArray(options.nodes) && !options.nodes.includes(i)) continue;
    const known = statistics.better - before;
    try {
      matcher.compare(call, answer.calls[i]!);
    } catch (error) {
      if (!(error instanceof StructureError) || !options.betterKnown || known === 0) throw error;
      // What follows builds on what did not match.
      return options.betterKnown(error.message.split('\n')[0]!);
    }
  }
}

function compareValues(
  graph: Graph,
  recorder: Recorder,
  built: Built,
  feeds: ReadonlyMap<Tensor, NDArray>,
  fetches: readonly Tensor[],
  answer: TensorFlowAnswer,
  tolerance: number,
): readonly NDArray[] {
  const pairs: [string, Tensor, string][] = fetches.map((tensor, i) => [
    `fetch ${tensor.name}`,
    tensor,
    answer.fetches?.[i] ?? tensor.name,
  ]);
  recorder.calls.forEach(({ results }, call) => {
    results.forEach((result, i) =>
      pairs.push(...resultPairs(`call ${call}, result ${i}`, result, answer.calls[call]!.results[i]!)),
    );
  });
  const runnable = pairs.filter(([, tensor]) => tensor.dtype !== 'resource' && tensor.dtype !== 'variant');
  const values = ours(
    graph,
    built,
    feeds,
    runnable.map(([, tensor]) => tensor),
    answer,
  );
  runnable.forEach(([title, tensor, theirs], i) => {
    const expected = answer.values![theirs];
    if (!expected) throw new Error(`${title}: TensorFlow gave no value for ${theirs}`);
    const difference = arrayDifference(values[i]!, decodeArray(expected), tolerance);
    if (difference) throw new Error(`${title} (${tensor.name}): ${difference}`);
  });
  return values.slice(0, fetches.length);
}

function ours(
  graph: Graph,
  built: Built,
  feeds: ReadonlyMap<Tensor, NDArray>,
  tensors: readonly Tensor[],
  answer: TensorFlowAnswer,
): NDArray[] {
  const session = new Session({ graph });
  try {
    if (graph.version === 0) return [];
    for (const op of built.init ?? []) session.runSync(op);
    const values = session.runSync(tensors, feeds);
    if (answer.error) throw new TensorFlowFailed(answer.error, answer.failed);
    return values;
  } catch (error) {
    if (answer.error && !(error instanceof TensorFlowFailed)) throw new BothFailed(error as Error, answer.error);
    throw error;
  }
}

/** The tensors of a result beside the names of TensorFlow's. */
export function resultPairs(title: string, result: Result, theirs: TensorFlowResult): [string, Tensor, string][] {
  if (result === null || theirs === null) {
    if (result !== null || theirs !== null)
      throw new Error(`${title}: ${result === null ? 'ours' : "TensorFlow's"} is null`);
    return [];
  }
  if (result instanceof Tensor) {
    if (!('tensor' in theirs)) throw new Error(`${title}: TensorFlow gives IndexedSlices`);
    return [[title, result, theirs.tensor]];
  }
  if (!('slices' in theirs)) throw new Error(`${title}: TensorFlow gives a dense tensor`);
  const [values, indices, shape] = theirs.slices;
  const pairs: [string, Tensor, string][] = [
    [`${title}, values`, result.values, values],
    [`${title}, indices`, result.indices, indices],
  ];
  if (result.denseShape && shape) pairs.push([`${title}, dense shape`, result.denseShape, shape]);
  return pairs;
}
