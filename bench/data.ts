/** Inputs and weights: numbers that are the same in every run. */
import type { Values } from './types.js';

/** Uniform in [-1, 1), by a 32-bit generator. */
function* uniform(seed: number): Generator<number, never> {
  let state = seed >>> 0;
  for (;;) {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    yield ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  }
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Numbers in [-scale, scale). */
export function numbers(shape: readonly number[], seed: number, scale = 1): Values {
  const source = uniform(seed);
  return { shape, data: Float32Array.from({ length: sizeOf(shape) }, () => scale * source.next().value) };
}

export function doubles(shape: readonly number[], seed: number, scale = 1): Values {
  const source = uniform(seed);
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, () => scale * source.next().value) };
}

/** Weights of a dense layer: [rows, columns], of a scale that keeps activations near 1. */
export const dense = (rows: number, columns: number, seed: number): Values =>
  numbers([rows, columns], seed, Math.sqrt(3 / rows));

export const zeros = (shape: readonly number[]): Values => ({ shape, data: new Float32Array(sizeOf(shape)) });

export const filled = (shape: readonly number[], value: number): Values => ({
  shape,
  data: new Float32Array(sizeOf(shape)).fill(value),
});

/** Rows of class labels, one of `classes` each. */
export function oneHot(rows: number, classes: number): Values {
  const data = new Float32Array(rows * classes);
  for (let i = 0; i < rows; i++) data[i * classes + ((i * 7) % classes)] = 1;
  return { shape: [rows, classes], data };
}
