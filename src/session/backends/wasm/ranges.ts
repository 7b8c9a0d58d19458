/** Work that comes in rows, any range of which can be asked for: who shares it, and in what chunks. */
import type { FunctionRef, Local } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';
import { operandsFor, serial, splitIn, type Call, type Scratch } from './entry.js';

/** A function whose last two operands are a range of rows. */
export interface Ranged {
  readonly fn: FunctionRef;
  /** Those before the range. */
  readonly operands: readonly number[];
  readonly scratch: Scratch | null;
  /** How many rows there are. */
  readonly extent: number;
  /** What ranges must begin at multiples of, and what they had better. */
  readonly grain: number;
  readonly tile: number;
  /** Of so few rows no thread should make a chunk if it need not: each chunk repeats some work. */
  readonly least: number;
  /** In units of what is just worth the trouble of sharing. */
  readonly worth: number;
}

/** Scratch of the first thread, and how much each has: the same for all works, as threads may be at different ones. */
export interface ScratchPlace {
  readonly address: number;
  readonly bytes: number;
}

/** Chunks for each thread at most: who is done early takes another. */
const mostChunks = 4;

/** A call of all rows, by as many threads as there are where that pays. */
export function callOf(work: Ranged, threads: number): Call {
  const { fn, operands, scratch, extent, grain, tile, worth } = work;
  const split = evenly(chunksOf(work, threads), extent, grain, tile);
  if (threads === 1 || worth <= 1 || split.size >= extent) return serial(fn, [...operands, 0, extent]);
  return { fn, operands, split: { ...split, scratch } };
}

/** Calls of several works, one a work: of all of them in one, and null for the others, or, where there are too few rows, one by one. */
export function callsOfBand(
  module: ModuleBuilder,
  name: string,
  works: readonly Ranged[],
  rows: number,
  threads: number,
): readonly (Call | null)[] {
  const worth = works.reduce((sum, work) => sum + work.worth, 0);
  const isShared = threads > 1 && worth > 1;
  const unit = unitOf(works, rows);
  if (isShared && rows < threads * unit) return works.map((work) => callOf(work, threads));
  const chunks = Math.min(...works.map((work) => chunksOf(work, threads)));
  const tiles = works.map(({ extent, tile: grain }) => ({ extent, grain }));
  const split = evenly(chunks, rows, unit, unitOf(tiles, rows));
  const fn = defineBand(module, name, works, rows);
  const call = isShared
    ? { fn, operands: [0], split: { ...split, scratch: { operand: 0, bytes: 1 } } }
    : serial(fn, [0, 0, rows]);
  return works.map((_, i) => (i === 0 ? call : null));
}

/** (thread, from, to): those of `rows` of all works; extents are multiples of `rows`. */
function defineBand(module: ModuleBuilder, name: string, works: readonly Ranged[], rows: number): FunctionRef {
  return module.define(name, { params: ['i32', 'i32', 'i32'], results: [] }, (code) => {
    const [thread, from, to] = code.params as readonly [Local, Local, Local];
    for (const work of works) {
      operandsFor(code, work.operands, work.scratch, thread);
      for (const end of [from, to])
        code
          .get(end)
          .i32(work.extent / rows)
          .op('i32.mul');
      code.call(work.fn);
    }
  });
}

/** The fewest of `rows` of a band that are a multiple of the grain of each work. */
export function unitOf(works: readonly Pick<Ranged, 'extent' | 'grain'>[], rows: number): number {
  return works.reduce((unit, { grain, extent }) => {
    const own = grain / gcd(grain, extent / rows);
    return (unit * own) / gcd(unit, own);
  }, 1);
}

export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Tiles in part are better than threads without work. */
function evenly(chunks: number, extent: number, grain: number, tile: number): ReturnType<typeof splitIn> {
  const [tiled, exact] = [splitIn(chunks, extent, tile), splitIn(chunks, extent, grain)];
  return tiled.size <= 1.25 * exact.size ? tiled : exact;
}

function chunksOf({ extent, least }: Ranged, threads: number): number {
  return threads * Math.min(mostChunks, Math.max(1, Math.floor(extent / least / threads)));
}
