/** The kernel that all large products run on: some columns of c, all rows of them, tile by tile with c in registers. */
import type { Code, FunctionRef, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import type { Lanes } from './lanes.js';
import { eachStep, offset, until } from './loops.js';

/** Distances in bytes: from row to row, and from one k to the next. */
export interface Strides {
  readonly aRow: number;
  readonly aStep: number;
  readonly bStep: number;
  readonly cRow: number;
  /** Where a's steps do not all follow one another: inner turns first. None otherwise. */
  readonly turns?: readonly Turn[];
}

/** After every so many steps, a moves on by so many bytes more. */
export interface Turn {
  readonly steps: number;
  readonly jump: number;
}

export interface PanelShape {
  /** Rows of a tile: as many as keep sums, a row of b and a column of a in 15 registers. */
  readonly rows: number;
  /** Vectors side by side, and how many elements of the last one are loaded of b and stored to c. */
  readonly vectors: number;
  readonly loaded: number;
  readonly stored: number;
  /** Rows that a call has at most. */
  readonly most: number;
  /** Whether c is added to where the last parameter is not 0. */
  readonly adds: boolean;
}

interface Tile {
  readonly code: Code;
  readonly lanes: Lanes;
  readonly strides: Strides;
  readonly shape: PanelShape;
  readonly rows: number;
  readonly a: Local;
  readonly b: Local;
  readonly bEnd: Local;
  readonly c: Local;
  readonly adds: Local;
}

/** (a, b, bEnd, c, rows, adds): c's rows, from k products each. There is at least one k. */
export function definePanel(
  module: ModuleBuilder,
  name: string,
  lanes: Lanes,
  strides: Strides,
  shape: PanelShape,
): FunctionRef {
  const type = { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], results: [] } as const;
  return module.define(name, type, (code) => {
    const [a, b, bEnd, c, rows, adds] = code.params as unknown as readonly [Local, Local, Local, Local, Local, Local];
    const tile = { code, lanes, strides, shape, a, b, bEnd, c, adds };
    const row = code.local('i32');
    const high = Math.min(shape.rows, shape.most);
    eachStep(code, row, rows, high, () => {
      emitTile({ ...tile, rows: high });
      offset(code, a, a, high * strides.aRow);
      offset(code, c, c, high * strides.cRow);
    });
    for (let left = high - 1; left > 0; left--) {
      code.get(rows).get(row).op('i32.sub').i32(left).op('i32.eq');
      code.if(() => emitTile({ ...tile, rows: left }));
    }
  });
}

function emitTile(tile: Tile): void {
  const { code, shape, rows } = tile;
  const sums = Array.from({ length: rows * shape.vectors }, () => code.local('v128'));
  const zero = new Uint8Array(16);
  for (const sum of sums) code.v128(zero).set(sum);
  emitSteps(tile, sums);
  if (shape.adds)
    code.get(tile.adds).if(() =>
      eachVector(tile, (at, elements, r, v) => {
        const sum = sums[r * shape.vectors + v]!;
        tile.lanes.load(code, elements, tile.c, at);
        code.get(sum);
        tile.lanes.add(code).set(sum);
      }),
    );
  eachVector(tile, (at, elements, r, v) => {
    tile.lanes.store(code, elements, tile.c, sums[r * shape.vectors + v]!, at);
  });
  sums.forEach((sum) => code.free(sum));
}

function emitSteps(tile: Tile, sums: readonly Local[]): void {
  const { code, lanes, strides, shape, rows } = tile;
  const [ap, bp] = [code.local('i32'), code.local('i32')];
  const bs = Array.from({ length: shape.vectors }, () => code.local('v128'));
  const as = Array.from({ length: rows }, () => code.local('v128'));
  code.get(tile.a).set(ap).get(tile.b).set(bp);
  const step = (): void => {
    bs.forEach((vector, v) => {
      lanes.load(code, v === shape.vectors - 1 ? shape.loaded : lanes.count, bp, v * 16).set(vector);
    });
    as.forEach((splat, r) => {
      lanes.splat(code.get(ap), r * strides.aRow).set(splat);
      bs.forEach((vector, v) => lanes.multiplyAdd(code, sums[r * shape.vectors + v]!, splat, vector));
    });
    offset(code, ap, ap, strides.aStep);
    offset(code, bp, bp, strides.bStep);
  };
  const turns = strides.turns ?? [];
  /** The steps to `end`, in turns of the first `depth`. */
  const emitTurns = (depth: number, end: Local): void => {
    const turn = turns[depth - 1];
    if (!turn) return until(code, bp, end, step);
    const turnEnd = code.local('i32');
    until(code, bp, end, () => {
      offset(code, turnEnd, bp, turn.steps * strides.bStep);
      emitTurns(depth - 1, turnEnd);
      offset(code, ap, ap, turn.jump);
    });
    code.free(turnEnd);
  };
  emitTurns(turns.length, tile.bEnd);
  [ap, bp, ...bs, ...as].forEach((local) => code.free(local));
}

function eachVector(tile: Tile, each: (offset: number, elements: number, row: number, vector: number) => void): void {
  const {
    lanes,
    shape: { vectors, stored },
  } = tile;
  for (let r = 0; r < tile.rows; r++)
    for (let v = 0; v < vectors; v++)
      each(r * tile.strides.cRow + v * 16, v === vectors - 1 ? stored : lanes.count, r, v);
}
