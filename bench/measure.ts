/** One workload, all peers in turns: equal results first, then medians of paired rounds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnable, type Peer, type Results, type Runner, type Unable, type Workload } from './types.js';

export interface Timing {
  /** Median seconds of a step. */
  readonly seconds: number;
  /** Median over the rounds of this peer's time by tapeless's in the same round. */
  readonly ratio: number;
  /** The quartiles of the seconds. */
  readonly spread: readonly [number, number];
  /** The shortest: where the machine has other work, nearer to what a step takes. */
  readonly least: number;
}

export interface Measurement {
  readonly workload: Workload;
  /** By peer; tapeless is the first. */
  readonly timings: ReadonlyMap<string, Timing | Unable>;
}

/** Steps whose results are compared: of training several, since the first loss says nothing about the update. */
const stepsCompared = (workload: Workload): number => (workload.task.kind === 'training' ? 5 : 1);
const secondsOfTurn = 0.03;
const secondsOfWarmUp = 0.5;

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}
export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** @param peers tapeless first: the others are compared with it */
export async function measure(workload: Workload, peers: readonly Peer[], rounds: number): Promise<Measurement> {
  const runners = new Map<string, Runner | Unable>();
  let reference: readonly Results[] | null = null;
  for (const peer of peers) {
    const loaded = await checkedRunner(workload, peer, reference);
    runners.set(peer.name, isUnable(loaded) ? loaded : loaded.runner);
    if (isUnable(loaded)) {
      if (!reference) throw new Error(`${workload.id}: ${peer.name}: ${loaded.unable}`);
      continue;
    }
    reference ??= loaded.results;
  }
  const able = [...runners].flatMap(([name, runner]) => (isUnable(runner) ? [] : [{ name, runner }]));
  const times = await inTurns(able, rounds);
  const own = times.get(peers[0]!.name)!;
  const timings = [...runners].map(([name, runner]): readonly [string, Timing | Unable] => {
    if (isUnable(runner)) return [name, runner];
    const taken = times.get(name)!;
    const timing: Timing = {
      seconds: median(taken),
      ratio: median(taken.map((seconds, round) => seconds / own[round]!)),
      spread: [quantile(taken, 0.25), quantile(taken, 0.75)],
      least: Math.min(...taken),
    };
    return [name, timing];
  });
  return { workload, timings: new Map(timings) };
}

async function checkedRunner(
  workload: Workload,
  peer: Peer,
  reference: readonly Results[] | null,
): Promise<Unable | { readonly runner: Runner; readonly results: readonly Results[] }> {
  try {
    const runner = await peer.load(workload);
    if (isUnable(runner)) return runner;
    const results = await runner.results(stepsCompared(workload));
    const difference = reference ? largestDifference(results, reference) : 0;
    if (!(difference <= workload.tolerance))
      return { unable: `wrong result: ${difference.toExponential(1)} away, relative to the largest element` };
    return { runner, results };
  } catch (error) {
    return { unable: `fails: ${(error instanceof Error ? error.message : String(error)).split('\n')[0]!}` };
  }
}

/** Over all results of all steps, each relative to its largest element. */
function largestDifference(found: readonly Results[], expected: readonly Results[]): number {
  let largest = 0;
  expected.forEach((results, step) =>
    results.forEach((values, i) => {
      const others = found[step]?.[i];
      if (others?.length !== values.length) largest = Infinity;
      else largest = Math.max(largest, differenceOf(others, values));
    }),
  );
  return largest;
}

function differenceOf(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let [difference, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(found[i]! - expected[i]!);
    if (!(gap <= difference)) difference = gap;
    scale = Math.max(scale, Math.abs(expected[i]!));
  }
  return difference === 0 ? 0 : difference / scale;
}

interface Entry {
  readonly name: string;
  readonly runner: Runner;
}

/** Seconds a step, by peer and round. */
async function inTurns(entries: readonly Entry[], rounds: number): Promise<Map<string, number[]>> {
  const steps = new Map<string, number>();
  for (const { name, runner } of entries) steps.set(name, await warmUp(runner));
  const times = new Map(entries.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, runner } of entries) {
      // Threads of the one before may still be spinning.
      await sleep(10);
      await runner.time(1);
      const count = steps.get(name)!;
      times.get(name)!.push((await runner.time(count)) / count);
    }
  }
  return times;
}

/** @returns how many steps make a turn */
async function warmUp(runner: Runner): Promise<number> {
  let [total, last] = [0, Infinity];
  for (let count = 1; total < secondsOfWarmUp; count = Math.min(2 * count, Math.ceil(secondsOfTurn / last) + 1)) {
    const taken = await runner.time(count);
    total += taken;
    last = taken / count;
  }
  return Math.max(1, Math.round(secondsOfTurn / last));
}
