/** Copies of a part of an operand into scratch, in the order in which a kernel reads it. */
import type { Code, Local } from '../assembler/code.js';
import type { Lanes } from './lanes.js';
import { eachStep, offset, until } from './loops.js';

/** Row after row of `columns` elements, `fromRow` bytes apart, to rows of whole vectors `toRow` bytes apart. `to` ends at `toEnd`; `from` is moved. */
export function emitCopy(
  code: Code,
  lanes: Lanes,
  {
    from,
    to,
    toEnd,
    columns,
    fromRow,
    toRow,
  }: {
    readonly from: Local;
    readonly to: Local;
    readonly toEnd: Local;
    readonly columns: number;
    readonly fromRow: number;
    readonly toRow: number;
  },
): void {
  const [value, at] = [code.local('v128'), code.local('i32')];
  code.get(to).set(at);
  until(code, at, toEnd, () => {
    for (let x = 0; x < columns; x += lanes.count) {
      lanes.load(code, Math.min(lanes.count, columns - x), from, x * lanes.size).set(value);
      lanes.store(code, lanes.count, at, value, x * lanes.size);
    }
    offset(code, from, from, fromRow);
    offset(code, at, at, toRow);
  });
  code.free(value);
  code.free(at);
}

export interface Transposed {
  readonly from: Local;
  readonly to: Local;
  /** Rows of `from` and elements of each of them. */
  readonly rows: Local;
  readonly columns: Local;
  /** Bytes from row to row. */
  readonly fromRow: number;
  readonly toRow: number;
}

/** `to[y][x] = from[x][y]`. */
export function emitTranspose(code: Code, lanes: Lanes, block: Transposed): void {
  const { rows, columns, fromRow, toRow } = block;
  const [x, y, source, target, sourceRow, targetRow] = Array.from({ length: 6 }, () => code.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  code.i32(0).set(x).get(block.from).set(sourceRow).get(block.to).set(targetRow);
  const begin = (): unknown => code.i32(0).set(y).get(sourceRow).set(source).get(targetRow).set(target);
  const step = (n: number): void => {
    offset(code, source, source, n * lanes.size);
    offset(code, target, target, n * toRow);
  };
  const element = (at: number): void => {
    code.get(target).get(source);
    if (lanes.size === 4) code.memory('i32.load', at * fromRow).memory('i32.store', at * 4);
    else code.memory('i64.load', at * fromRow).memory('i64.store', at * 8);
  };
  eachStep(code, x, rows, lanes.count, () => {
    begin();
    eachStep(code, y, columns, lanes.count, () => {
      emitTransposedSquare(code, lanes, { source, target, fromRow, toRow });
      step(lanes.count);
    });
    eachStep(code, y, columns, 1, () => {
      for (let at = 0; at < lanes.count; at++) element(at);
      step(1);
    });
    offset(code, sourceRow, sourceRow, lanes.count * fromRow);
    offset(code, targetRow, targetRow, 16);
  });
  eachStep(code, x, rows, 1, () => {
    begin();
    eachStep(code, y, columns, 1, () => {
      element(0);
      step(1);
    });
    offset(code, sourceRow, sourceRow, fromRow);
    offset(code, targetRow, targetRow, lanes.size);
  });
  [x, y, source, target, sourceRow, targetRow].forEach((local) => code.free(local));
}

interface Square {
  readonly source: Local;
  readonly target: Local;
  readonly fromRow: number;
  readonly toRow: number;
}

export const low64 = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];
export const high64 = low64.map((byte) => byte + 8);
export const low32 = [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23];
export const high32 = low32.map((byte) => byte + 8);

/** Vectors of a square, replaced by its columns. */
export function transposeVectors(code: Code, vectors: readonly Local[]): void {
  const pair = (x: Local, y: Local, low: readonly number[], high: readonly number[]): void => {
    const first = code.local('v128');
    code.get(x).get(y).shuffle(low).set(first);
    code.get(x).get(y).shuffle(high).set(y).get(first).set(x);
    code.free(first);
  };
  if (vectors.length === 2) return pair(vectors[0]!, vectors[1]!, low64, high64);
  const [p, q, r, s] = vectors as [Local, Local, Local, Local];
  pair(p, q, low32, high32);
  pair(r, s, low32, high32);
  pair(p, r, low64, high64);
  pair(q, s, low64, high64);
  // p, r, q, s are the columns now.
  const swap = code.local('v128');
  code.get(q).set(swap).get(r).set(q).get(swap).set(r);
  code.free(swap);
}

function emitTransposedSquare(code: Code, lanes: Lanes, { source, target, fromRow, toRow }: Square): void {
  const vectors = Array.from({ length: lanes.count }, () => code.local('v128'));
  vectors.forEach((vector, i) => lanes.load(code, lanes.count, source, i * fromRow).set(vector));
  transposeVectors(code, vectors);
  vectors.forEach((vector, i) => lanes.store(code, lanes.count, target, vector, i * toRow));
  vectors.forEach((vector) => code.free(vector));
}
