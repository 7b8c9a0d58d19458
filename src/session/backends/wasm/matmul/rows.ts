/** Products whose k is a few: row by row, k written out. */
import type { Code, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { eachStep, offset, scaled } from './loops.js';
import { emitTranspose } from './pack.js';
import { productParams, productType, type Emitted, type Product, type ProductParams } from './product.js';

/** Vectors of b that stay in registers from row to row. */
const held = 16;
/** Up to this many k, what is written of c takes longer than the sums; rows of it are then written in order. */
const outerSteps = 2;
/** Vectors of a row a turn. */
const unrolled = 4;

type Path = 'small' | 'outer';

function pathOf({ lanes, k, n }: Product): Path | null {
  if (k * lanes.vectors(n) <= held) return 'small';
  return k <= outerSteps ? 'outer' : null;
}

/** Whether `defineRows` takes it. */
export function hasShortRows(product: Product): boolean {
  return pathOf(product) !== null;
}

export function defineRows(module: ModuleBuilder, name: string, product: Product): Emitted {
  const { lanes, m, k, n, transposeA, transposeB } = product;
  const packedRow = lanes.vectors(n) * 16;
  const fn = module.define(name, productType, (code) => {
    const params = productParams(code.params);
    const b = transposeB ? emitPackedB(code, product, params, packedRow) : params.b;
    const [a, c, row] = [code.local('i32'), code.local('i32'), code.local('i32')];
    const [aRow, cRow] = [transposeA ? lanes.size : k * lanes.size, n * lanes.size];
    scaled(code, a, params.a, params.from, aRow);
    scaled(code, c, params.c, params.from, cRow);
    code.get(params.from).set(row);
    const frame = {
      ...product,
      code,
      a,
      b,
      c,
      aStep: transposeA ? m * lanes.size : lanes.size,
      bStep: transposeB ? packedRow : n * lanes.size,
    };
    const emitRow = pathOf(product) === 'small' ? smallRow(frame) : outerRow(frame);
    eachStep(code, row, params.to, 1, () => {
      emitRow();
      offset(code, a, a, aRow);
      offset(code, c, c, cRow);
    });
  });
  return { fn, scratch: transposeB ? k * packedRow : 0, grain: 1 };
}

/** b's columns as rows of whole vectors. */
function emitPackedB(code: Code, product: Product, { b, scratch }: ProductParams, toRow: number): Local {
  const { lanes, k, n } = product;
  const [rows, columns] = [code.local('i32'), code.local('i32')];
  code.i32(n).set(rows).i32(k).set(columns);
  emitTranspose(code, lanes, { from: b, to: scratch, rows, columns, fromRow: k * lanes.size, toRow });
  return scratch;
}

interface Frame extends Product {
  readonly code: Code;
  /** A row of a and of c, and all of b. */
  readonly a: Local;
  readonly b: Local;
  readonly c: Local;
  readonly aStep: number;
  readonly bStep: number;
}

/** Code for a row: sums side by side. All of b is loaded now and stays. */
function smallRow({ code, lanes, k, n, transposeB, a, b, c, aStep, bStep }: Frame): () => void {
  const vectors = lanes.vectors(n);
  const stored = (v: number): number => Math.min(lanes.count, n - v * lanes.count);
  const load = (p: number, v: number): unknown => {
    // The lanes after a row's end are not stored: whatever b holds there may be loaded.
    const whole = transposeB || p * n + (v + 1) * lanes.count <= k * n;
    return lanes.load(code, whole ? lanes.count : stored(v), b, p * bStep + v * 16);
  };
  const values = Array.from({ length: k * vectors }, () => code.local('v128'));
  values.forEach((value, i) => {
    load(Math.floor(i / vectors), i % vectors);
    code.set(value);
  });
  const splat = code.local('v128');
  const sums = Array.from({ length: vectors }, () => code.local('v128'));
  return () => {
    for (const sum of sums) code.v128(new Uint8Array(16)).set(sum);
    for (let p = 0; p < k; p++) {
      lanes.splat(code.get(a), p * aStep).set(splat);
      sums.forEach((sum, v) => lanes.multiplyAdd(code, sum, splat, values[p * vectors + v]!));
    }
    sums.forEach((sum, v) => lanes.store(code, stored(v), c, sum, v * 16));
  };
}

/** Code for a row whose factors stay in registers while b and c are gone along. */
function outerRow({ code, lanes, k, n, transposeB, a, b, c, aStep, bStep }: Frame): () => void {
  const splats = Array.from({ length: k }, () => code.local('v128'));
  const [sum, value] = [code.local('v128'), code.local('v128')];
  const [bp, cp, end] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const whole = Math.floor(n / lanes.count);
  const step = (v: number, elements: number): void => {
    code.v128(new Uint8Array(16)).set(sum);
    splats.forEach((splat, p) => {
      lanes.load(code, transposeB ? lanes.count : elements, bp, p * bStep + v * 16).set(value);
      lanes.multiplyAdd(code, sum, splat, value);
    });
    lanes.store(code, elements, cp, sum, v * 16);
  };
  return () => {
    splats.forEach((splat, p) => lanes.splat(code.get(a), p * aStep).set(splat));
    code.get(b).set(bp).get(c).set(cp);
    const turns = Math.floor(whole / unrolled);
    offset(code, end, b, turns * unrolled * 16);
    eachStep(code, bp, end, unrolled * 16, () => {
      for (let v = 0; v < unrolled; v++) step(v, lanes.count);
      offset(code, cp, cp, unrolled * 16);
    });
    for (let v = 0; v < whole % unrolled; v++) step(v, lanes.count);
    if (n % lanes.count > 0) step(whole % unrolled, n % lanes.count);
  };
}
