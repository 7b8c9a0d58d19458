/** The seeds that random ops get: from the graph's seed and their own (TensorFlow `get_seed`). */
import { InvalidArgumentError } from '../graph/errors.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';

const defaultGraphSeed = 87654321n;
const maxInt32 = 2n ** 31n - 1n;

interface GraphSeed {
  readonly seed: bigint;
  /** The ops that took a seed by their number; those of a transaction rolled back do not count. */
  readonly unseeded: Operation[];
}

const graphSeeds = new WeakMap<Graph, GraphSeed>();

/**
 * Sets the seed that the random ops made from now on in the default graph derive theirs from (TensorFlow
 * `tf.compat.v1.set_random_seed`). With it, a program that makes the same ops gets the same numbers.
 * @throws InvalidArgumentError unless `seed` is an integer
 * @example
 * setRandomSeed(1);
 */
export function setRandomSeed(seed: number | bigint): void {
  const graph = getDefaultGraph();
  graphSeeds.set(graph, { seed: integer(seed, 'setRandomSeed'), unseeded: graphSeeds.get(graph)?.unseeded ?? [] });
}

/** Lets a function body draw its seeds from those of the graph around it. */
export function inheritRandomSeed(body: Graph, outer: Graph): void {
  const settings = graphSeeds.get(outer);
  if (settings) graphSeeds.set(body, { seed: settings.seed, unseeded: [] });
}

/** Makes a random op in `graph` with the attrs `seed` and `seed2`; both 0 mean a seed of its own in every session. */
export function withSeeds(
  graph: Graph,
  opSeed: number | bigint | null | undefined,
  make: (seeds: { readonly seed: bigint; readonly seed2: bigint }) => Operation,
): Operation {
  const settings = graphSeeds.get(graph);
  const given = opSeed === null || opSeed === undefined ? null : truncated(integer(opSeed, 'seed'));
  if (!settings) return make(given === null ? { seed: 0n, seed2: 0n } : { seed: defaultGraphSeed, seed2: given });
  const { unseeded } = settings;
  while (unseeded.length > 0 && !graph.holds(unseeded.at(-1)!)) unseeded.pop();
  const seed = truncated(settings.seed);
  const seed2 = given ?? BigInt(unseeded.length);
  const op = make({ seed, seed2: seed === 0n && seed2 === 0n ? maxInt32 : seed2 });
  if (given === null) unseeded.push(op);
  return op;
}

function truncated(seed: bigint): bigint {
  return ((seed % maxInt32) + maxInt32) % maxInt32;
}

function integer(seed: number | bigint, what: string): bigint {
  if (typeof seed === 'bigint' || Number.isSafeInteger(seed)) return BigInt(seed);
  throw new InvalidArgumentError(`${what}: ${String(seed)} is not an integer.`);
}
