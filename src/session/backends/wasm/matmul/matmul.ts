/** Matrix products as functions of a WebAssembly module, for shapes that are known when they are written. */
import type { FunctionRef } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { defineGeneral } from './general.js';
import { Lanes, type MatMulDType } from './lanes.js';
import { productParams, productType } from './product.js';
import { defineRows, hasShortRows } from './rows.js';
import { defineVector } from './vector.js';

export interface MatMulSpec {
  readonly dtype: MatMulDType;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Whether a is [k, m] in memory instead of [m, k], and b [n, k] instead of [k, n]; rows follow one another. */
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Whether fused multiply-add may be used; int32 never does. */
  readonly relaxed: boolean;
}

export interface MatMulEmitted {
  /**
   * (a, b, c, scratch, from, to): byte addresses, and the rows [from, to) of c that are wanted; 0 and m for all of them. Those are
   * overwritten; nothing else is but scratch. Each thread has scratch of its own.
   */
  readonly fn: FunctionRef;
  /** Bytes of scratch, a multiple of 16; where it is 0, the address does not matter. Operands lie anywhere; vectors are fastest at multiples of 16. */
  readonly scratch: number;
  /** Splits at multiples of so many rows leave no tile in part, or few. */
  readonly grain: number;
}

/**
 * The function for one shape, a few kilobytes of code at most. An element of c depends on the specification alone, so it has the
 * same bits however rows are split. Products are added to it in order of k, in blocks whose sums are added in order; where m or n is 1,
 * several sums of every so many-th product run side by side and are added at the end. Without `relaxed`, each product is
 * rounded before it is added. int32 wraps. Where k is 0, c is filled with zeros.
 */
export function defineMatMul(module: ModuleBuilder, spec: MatMulSpec): MatMulEmitted {
  const { dtype, m, k, n, transposeA, transposeB, relaxed } = spec;
  const lanes = new Lanes(dtype, relaxed);
  const name = `matmul_${dtype}_${m}x${k}x${n}${transposeA ? '_ta' : ''}${transposeB ? '_tb' : ''}`;
  // What has one row or one column lies in memory alike either way.
  const product = {
    lanes,
    m,
    k,
    n,
    transposeA: transposeA && m > 1 && k > 1,
    transposeB: transposeB && k > 1 && n > 1,
  };
  if (m === 0 || n === 0 || k === 0) return { fn: defineZeros(module, name, n * lanes.size), scratch: 0, grain: 1 };
  if (m === 1 || n === 1) return defineVector(module, name, product);
  if (hasShortRows(product)) return defineRows(module, name, product);
  return defineGeneral(module, name, product);
}

function defineZeros(module: ModuleBuilder, name: string, rowBytes: number): FunctionRef {
  return module.define(name, productType, (code) => {
    const { c, from, to } = productParams(code.params);
    if (rowBytes === 0) return;
    code.get(c).get(from).i32(rowBytes).op('i32.mul', 'i32.add').i32(0);
    code.get(to).get(from).op('i32.sub').i32(rowBytes).op('i32.mul').memoryFill();
  });
}
