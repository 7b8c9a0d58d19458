/** What the specs named after TensorFlow's tests share. */
import { expect } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { computeGradient, type ComputeGradientOptions } from '../../../src/testing/index.js';

/** Runs `build` in a graph of its own. */
export function inGraph<T>(build: (graph: tl.Graph) => T): T {
  const graph = new tl.Graph();
  return graph.asDefault(() => build(graph));
}

/** The values of tensors and slices (made dense), as nested arrays, with the variables of their graph initialised. */
export function values(fetches: readonly (tl.Tensor | tl.IndexedSlices | null)[], feeds: tl.Feeds = {}): unknown[] {
  const dense = fetches.map((fetch) => tl.convertToTensor(fetch!));
  const { graph } = dense[0]!;
  const session = new tl.Session({ graph });
  session.runSync(graph.asDefault(() => tl.globalVariablesInitializer()));
  return session.runSync(dense, feeds).map((value) => value.toArray());
}

export const value = (fetch: tl.Tensor | tl.IndexedSlices | null, feeds: tl.Feeds = {}): unknown =>
  values([fetch], feeds)[0];

/** The only gradient of `y`, which must be a tensor. */
export function gradient(y: tl.Tensor, x: tl.Tensor | tl.Variable, options: tl.GradientOptions = {}): tl.Tensor {
  const [dx] = tl.gradients(y, x, options);
  expect(dx).toBeInstanceOf(tl.Tensor);
  return dx as tl.Tensor;
}

/** Constants of a shape, all of one value. */
export const filled = (
  shape: readonly number[],
  fill = 1,
  options: Readonly<Record<string, unknown>> = {},
): tl.Tensor => tl.constant(fill, { ...options, shape: [...shape] });

/** TensorFlow's `compute_gradient_error`: the largest difference between the two Jacobians; NaN where either has one. */
export async function gradientError(
  x: tl.Tensor | tl.Variable,
  y: tl.Tensor,
  options: ComputeGradientOptions = {},
): Promise<number> {
  const { theoretical, numeric } = await computeGradient(x, y, options);
  let worst = 0;
  theoretical.data.forEach((number, i) => {
    const error = Math.abs(number - numeric.data[i]!);
    if (!(error <= worst)) worst = Number.isNaN(worst) ? worst : error;
  });
  return worst;
}

/** Numbers like NumPy's `randn`, the same ones for the same seed. */
export function normals(count: number, seed: number): number[] {
  const random = uniforms(2 * count, seed);
  return Array.from(
    { length: count },
    (_, i) => Math.sqrt(-2 * Math.log(1 - random[2 * i]!)) * Math.cos(2 * Math.PI * random[2 * i + 1]!),
  );
}

/** Numbers in [0, 1), the same ones for the same seed. */
export function uniforms(count: number, seed: number): number[] {
  let state = seed >>> 0;
  return Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  });
}

/** Compares nests of numbers to rounding: `|a - b| <= tolerance · (1 + |b|)`, infinities and NaNs exactly. */
export function expectClose(actual: unknown, expected: unknown, tolerance = 1e-6): void {
  const [a, b] = [[actual].flat(Infinity), [expected].flat(Infinity)] as [number[], number[]];
  expect(a).toHaveLength(b.length);
  const off = a.filter((x, i) => !(Object.is(x, b[i]) || Math.abs(x - b[i]!) <= tolerance * (1 + Math.abs(b[i]!))));
  if (off.length > 0) expect(a).toEqual(b);
}
