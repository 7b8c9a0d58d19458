/** A matrix times a vector where k runs along the matrix's rows: each of them is read in order, several at a time. */
import type { Code, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import type { Lanes } from './lanes.js';
import { eachStep, offset, scaled, until } from './loops.js';
import { high32, high64, low32, low64 } from './pack.js';
import { productType, vectorParams, type Emitted, type VectorProduct } from './product.js';

/** Rows at a time. */
const group = 4;
/** Chunks of a row that are written out one by one rather than in a loop. */
const unrolled = 4;

interface Rows {
  readonly code: Code;
  readonly lanes: Lanes;
  readonly k: number;
  readonly x: Local;
  /** The first of the rows. */
  readonly row: Local;
  readonly rows: number;
  /** Sums of each row, over every so many-th vector of it. */
  readonly chains: number;
}

/** An element is the sum of its lanes' sums in order of k, added in halves: the same however rows are grouped. */
export function defineDots(module: ModuleBuilder, name: string, product: VectorProduct): Emitted {
  const { lanes, k, length } = product;
  const rowBytes = k * lanes.size;
  const fn = module.define(name, productType, (code) => {
    const { x, matrix, y, from, to } = vectorParams(code, product);
    const [row, target, at] = [code.local('i32'), code.local('i32'), code.local('i32')];
    const chains = length >= group ? 1 : 4;
    const shared = { code, lanes, k, x, row, chains };
    scaled(code, row, matrix, from, rowBytes);
    scaled(code, target, y, from, lanes.size);
    code.get(from).set(at);
    const step = (rows: number): void => {
      const sums = emitRows({ ...shared, rows });
      for (let i = 0; i < rows; i += lanes.count) {
        const part = sums.slice(i, i + lanes.count);
        const total = emitTotals(code, lanes, part);
        lanes.store(code, part.length, target, total, i * lanes.size);
      }
      sums.forEach((sum) => code.free(sum));
      offset(code, row, row, rows * rowBytes);
      offset(code, target, target, rows * lanes.size);
    };
    if (length >= group) eachStep(code, at, to, group, () => step(group));
    eachStep(code, at, to, 1, () => step(1));
  });
  return { fn, scratch: 0, grain: 1 };
}

/** One vector for each row, whose lanes add up to the row's product with x. */
function emitRows({ code, lanes, k, x, row, rows, chains }: Rows): Local[] {
  const [xp, rp, end] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const sums = Array.from({ length: rows * chains }, () => code.local('v128'));
  const [xs, ws] = [code.local('v128'), code.local('v128')];
  for (const sum of sums) code.v128(new Uint8Array(16)).set(sum);
  const chunk = (elements: number, index: number, chain: number): void => {
    lanes.load(code, elements, xp, index * 16).set(xs);
    for (let r = 0; r < rows; r++) {
      lanes.load(code, elements, rp, r * k * lanes.size + index * 16).set(ws);
      lanes.multiplyAdd(code, sums[r * chains + chain]!, xs, ws);
    }
  };
  code.get(x).set(xp).get(row).set(rp);
  const chunks = Math.floor(k / lanes.count);
  const turns = chunks <= unrolled ? 0 : Math.floor(chunks / chains);
  if (turns > 0) {
    offset(code, end, x, turns * chains * 16);
    until(code, xp, end, () => {
      for (let chain = 0; chain < chains; chain++) chunk(lanes.count, chain, chain);
      offset(code, xp, xp, chains * 16);
      offset(code, rp, rp, chains * 16);
    });
  }
  const left = chunks - turns * chains;
  for (let i = 0; i < left; i++) chunk(lanes.count, i, i % chains);
  if (k % lanes.count > 0) chunk(k % lanes.count, left, left % chains);
  for (let r = 0; r < rows; r++)
    for (let chain = 1; chain < chains; chain++) {
      code.get(sums[r * chains]!).get(sums[r * chains + chain]!);
      lanes.add(code).set(sums[r * chains]!);
    }
  [xp, rp, end, xs, ws].forEach((local) => code.free(local));
  sums.forEach((sum, i) => i % chains > 0 && code.free(sum));
  return sums.filter((_, i) => i % chains === 0);
}

/** A vector of the sums of the lanes of each vector, in the first one's local. */
function emitTotals(code: Code, lanes: Lanes, vectors: readonly Local[]): Local {
  const [first] = vectors as readonly [Local];
  if (lanes.count === 2) {
    const other = vectors[1] ?? first;
    code.get(first).get(other).shuffle(low64).get(first).get(other).shuffle(high64);
    lanes.add(code).set(first);
    return first;
  }
  const [p, q, r, s] = vectors.length === 1 ? [first, first, first, first] : (vectors as [Local, Local, Local, Local]);
  const halves = (x: Local, y: Local): void => {
    code.get(x).get(y).shuffle(low32).get(x).get(y).shuffle(high32);
    lanes.add(code);
  };
  const [left, right] = [code.local('v128'), code.local('v128')];
  halves(p, q);
  code.set(left);
  halves(r, s);
  code.set(right);
  code.get(left).get(right).shuffle(low64).get(left).get(right).shuffle(high64);
  lanes.add(code).set(first);
  code.free(left);
  code.free(right);
  return first;
}
