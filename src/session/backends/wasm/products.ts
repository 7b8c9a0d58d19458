/** Calls of matrix products, for each matrix of their batches. */
import { sizeOf } from '../../../graph/shape.js';
import type { FunctionRef } from './assembler/code.js';
import { defineMatMul, type MatMulEmitted } from './matmul/matmul.js';
import type { ModuleParts } from './parts.js';
import { holderOf, type MatMulStep, type Value } from './program.js';
import type { Ranged, ScratchPlace } from './ranges.js';
import { bytesOf } from './scalar-ops.js';

export interface ProductOptions {
  readonly relaxed: boolean;
}

/** Operations below which a product stays on one thread. */
const fewOperations = 1 << 19;
/** Each part may pack an operand for itself, which takes as long as the products of some ten rows. */
const fewRows = 96;

/** A function for a product step; equal ones share it. */
export class Products {
  readonly #parts: ModuleParts;
  readonly #options: ProductOptions;
  readonly #of = new Map<MatMulStep, MatMulEmitted>();

  constructor(parts: ModuleParts, steps: readonly MatMulStep[], options: ProductOptions) {
    this.#parts = parts;
    this.#options = options;
    for (const step of steps) this.#of.set(step, this.#define(step));
  }

  /** Bytes of scratch for a thread. */
  get scratch(): number {
    return Math.max(0, ...[...this.#of.values()].map(({ scratch }) => scratch));
  }

  work(step: MatMulStep, scratch: ScratchPlace, address: (of: Value) => number): Ranged {
    const { a, b, out } = step;
    const { fn, grain: tile } = this.#of.get(step)!;
    const [m, n] = out.shape!.slice(-2) as [number, number];
    const batch = out.shape!.slice(0, -2);
    const count = sizeOf(batch);
    const one = (i: number): readonly number[] => [
      address(a) + matrixOffset(a, batch, i),
      address(b) + matrixOffset(b, batch, i),
      address(out) + matrixOffset(out, batch, i),
      scratch.address,
    ];
    const { bytes } = scratch;
    const worth = (2 * count * m * n * kOf(step)) / fewOperations;
    if (count === 1) {
      const own = { operand: 3, bytes };
      return { fn, operands: one(0), scratch: own, extent: m, grain: 1, tile, least: fewRows, worth };
    }
    const all = this.#batch(fn, count, m, one);
    const own = { operand: 0, bytes };
    return { fn: all, operands: [scratch.address], scratch: own, extent: count, grain: 1, tile: 1, least: 1, worth };
  }

  /** (scratch, from, to): the matrices of a batch from one number below another. */
  #batch(fn: FunctionRef, count: number, m: number, one: (i: number) => readonly number[]): FunctionRef {
    return this.#parts.module.define('batch', { params: ['i32', 'i32', 'i32'], results: [] }, (code) => {
      const [scratch, from, to] = code.params as [never, never, never];
      for (let i = 0; i < count; i++) {
        code.get(from).i32(i).op('i32.le_s').get(to).i32(i).op('i32.gt_s', 'i32.and');
        code.if(() => {
          for (const operand of one(i).slice(0, 3)) code.i32(operand);
          code.get(scratch).i32(0).i32(m).call(fn);
        });
      }
    });
  }

  #define(step: MatMulStep): MatMulEmitted {
    const { out, transposeA, transposeB } = step;
    const [m, n] = out.shape!.slice(-2) as [number, number];
    const dtype = out.dtype as 'float32' | 'float64' | 'int32';
    const spec = { dtype, m, k: kOf(step), n, transposeA, transposeB, relaxed: this.#options.relaxed };
    const key = Object.values(spec).join();
    const { module, products } = this.#parts;
    let defined = products.get(key);
    if (!defined) products.set(key, (defined = defineMatMul(module, spec)));
    return defined;
  }
}

function kOf({ a, transposeA }: MatMulStep): number {
  return a.shape!.at(transposeA ? -2 : -1)!;
}

/** Bytes from the start of `value` to the matrix that belongs to matrix `i` of a batch. */
function matrixOffset(value: Value, batch: readonly number[], i: number): number {
  const { shape, dtype } = value;
  const own = shape!.slice(0, -2);
  const size = shape!.slice(-2).reduce((product, dim) => product * dim, 1) * bytesOf(dtype);
  let [offset, stride, rest] = [0, 1, i];
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const index = rest % batch[axis]!;
    rest = Math.floor(rest / batch[axis]!);
    const dim = own[axis - (batch.length - own.length)];
    if (dim === undefined) continue;
    if (dim !== 1) offset += index * stride;
    stride *= dim;
  }
  return offset * size;
}

/** The place of a value's storage, or of the constant that it is. */
export function storageOf(value: Value): Value | NonNullable<Value['data']> {
  const holder = holderOf(value);
  return holder.data ?? holder;
}
