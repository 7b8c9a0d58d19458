/** A vector times a matrix where k runs down the matrix's columns: rows are scaled and added up, some columns at a time. */
import type { Code, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import type { Lanes } from './lanes.js';
import { eachBlock, eachStep, offset, scaled, until } from './loops.js';
import { productType, vectorParams, type Emitted, type VectorProduct } from './product.js';

/** Vectors of sums at a time: as many as stay in registers, beside what is loaded. */
const width = 6;
/** Of k, whose sums are added up on their own before they are added to the others. */
const blockSteps = 1024;

interface Columns {
  readonly code: Code;
  readonly lanes: Lanes;
  readonly k: number;
  readonly x: Local;
  readonly rowBytes: number;
  /** Where the columns begin in the first row, and in y. */
  readonly matrix: Local;
  readonly y: Local;
  /** Sums of each element, over every so many-th row. */
  readonly chains: number;
}

/** An element is the sum of its blocks' sums; however columns are grouped, it is the same. */
export function defineSums(module: ModuleBuilder, name: string, product: VectorProduct): Emitted {
  const { lanes, k, length } = product;
  const { size, count } = lanes;
  const wide = width * count;
  const chains = Math.max(1, Math.min(4, Math.floor(8 / lanes.vectors(length))));
  const fn = module.define(name, productType, (code) => {
    const { x, matrix, y, from, to } = vectorParams(code, product);
    const at = code.local('i32');
    scaled(code, matrix, matrix, from, size);
    scaled(code, y, y, from, size);
    code.get(from).set(at);
    const step = (columns: number): void => {
      emitColumns({ code, lanes, k, x, rowBytes: length * size, matrix, y, chains }, columns);
      offset(code, matrix, matrix, columns * size);
      offset(code, y, y, columns * size);
    };
    if (length >= wide) eachStep(code, at, to, wide, () => step(wide));
    const rest = length % wide;
    if (rest > 0) {
      code.get(to).get(at).op('i32.sub').i32(rest).op('i32.eq');
      code.if(() => {
        step(rest);
        code.get(to).set(at);
      });
    }
    if (product.matrix === 'b') return;
    eachStep(code, at, to, count, () => step(count));
    eachStep(code, at, to, 1, () => step(1));
  });
  return { fn, scratch: 0, grain: 1 };
}

function emitColumns(columns: Columns, elements: number): void {
  const { code, lanes, k, chains } = columns;
  const count = lanes.vectors(elements);
  const sums = Array.from({ length: chains * count }, () => code.local('v128'));
  const [xp, row] = [code.local('i32'), code.local('i32')];
  const of = (v: number): number => Math.min(lanes.count, elements - v * lanes.count);
  code.get(columns.x).set(xp).get(columns.matrix).set(row);
  const block = (store: (v: number) => void): void => {
    for (let v = 0; v < count; v++) {
      for (let chain = 1; chain < chains; chain++) {
        code.get(sums[v]!).get(sums[chain * count + v]!);
        lanes.add(code).set(sums[v]!);
      }
      store(v);
      lanes.store(code, of(v), columns.y, sums[v]!, v * 16);
    }
  };
  const add = (v: number): void => {
    lanes.load(code, of(v), columns.y, v * 16).get(sums[v]!);
    lanes.add(code).set(sums[v]!);
  };
  const steps = { ...columns, sums, xp, row, vectors: count, of };
  if (k <= blockSteps) {
    emitSteps(steps, k);
    block(() => undefined);
  } else {
    const [step, end, length] = [code.local('i32'), code.local('i32'), code.local('i32')];
    code
      .i32(0)
      .set(step)
      .i32(Math.floor(k / blockSteps))
      .set(end);
    emitSteps(steps, blockSteps);
    block(() => undefined);
    offset(code, step, step, 1);
    eachBlock(code, step, end, 1, length, () => {
      emitSteps(steps, blockSteps);
      block(add);
    });
    if (k % blockSteps > 0) {
      emitSteps(steps, k % blockSteps);
      block(add);
    }
    [step, end, length].forEach((local) => code.free(local));
  }
  [xp, row, ...sums].forEach((local) => code.free(local));
}

interface Steps extends Columns {
  readonly sums: readonly Local[];
  readonly vectors: number;
  readonly xp: Local;
  readonly row: Local;
  readonly of: (vector: number) => number;
}

/** Sums of so many rows, from nothing; moves to the row after them. */
function emitSteps(columns: Steps, count: number): void {
  const { code, lanes, chains, vectors, rowBytes, sums, xp, row, of } = columns;
  const [splat, value, end] = [code.local('v128'), code.local('v128'), code.local('i32')];
  for (const sum of sums) code.v128(new Uint8Array(16)).set(sum);
  const rows = (many: number): void => {
    for (let chain = 0; chain < many; chain++) {
      lanes.splat(code.get(xp), chain * lanes.size).set(splat);
      for (let v = 0; v < vectors; v++) {
        lanes.load(code, of(v), row, chain * rowBytes + v * 16).set(value);
        lanes.multiplyAdd(code, sums[chain * vectors + v]!, splat, value);
      }
    }
    offset(code, xp, xp, many * lanes.size);
    offset(code, row, row, many * rowBytes);
  };
  if (count >= chains) {
    offset(code, end, xp, Math.floor(count / chains) * chains * lanes.size);
    until(code, xp, end, () => rows(chains));
  }
  if (count % chains > 0) rows(count % chains);
  [splat, value, end].forEach((local) => code.free(local));
}
