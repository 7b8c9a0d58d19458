/** The elementary functions in WebAssembly, applied to arrays, and what they are checked against. */
import type { BinaryOp, UnaryOp } from '../../../src/ops/expr.js';
import { binary, unary } from '../../../src/ops/scalar.js';
import { MathLibrary, type MathFunction } from '../../../src/session/backends/wasm/math/library.js';
import { VectorMap } from './support.js';

export type DType = 'float32' | 'float64';
export type Values = Float32Array | Float64Array;

/** Whether there is time for many more arguments. */
export const sweep = process.env['TAPELESS_SWEEP'] === '1';
export const unaries = ['exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'tan', 'tanh', 'erf', 'erfc'] as const;
export const binaries = ['pow', 'floormod'] as const;
export const dtypes = ['float32', 'float64'] as const;
export const arrays = { float32: Float32Array, float64: Float64Array };
export const digits = { float32: 24, float64: 53 };
export const least = { float32: -149, float64: -1074 };

const maps = new Map<string, VectorMap>();

export function apply<T extends Values>(name: MathFunction, dtype: DType, ...args: readonly T[]): T {
  const key = `${name}.${dtype}`;
  let map = maps.get(key);
  if (!map) {
    map = new VectorMap(args.length as 1 | 2, (module) => {
      const ref = new MathLibrary(module).function(name, dtype);
      return (code) => code.call(ref);
    });
    maps.set(key, map);
  }
  return map.apply(...args);
}

export const reference = (name: MathFunction, dtype: DType): ((...args: number[]) => number) =>
  ((binaries as readonly string[]).includes(name)
    ? binary(name as BinaryOp, dtype)
    : unary(name as UnaryOp, dtype)) as unknown as (...args: number[]) => number;
