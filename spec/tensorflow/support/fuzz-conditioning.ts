/** Whether a value is so sensitive that rounding decides it. */
import { isComplex, isFloating } from '../../../src/graph/dtype.js';
import { Graph } from '../../../src/graph/graph.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { Session } from '../../../src/session/session.js';
import { one } from '../../../src/ops/call.js';
import type { Difference } from './fuzz-values.js';
import { buildProgram } from './fuzz-build.js';
import { allSteps, isLeaf, type Program } from './fuzz-program.js';
import { Recorder } from './recorder.js';

/** Roundings that may add up to something where the result itself is zero but for them. */
const roundings = 64;

/** Whether roundings of the largest number in the program are as much, or a rounding error in every step changes the value so. */
export function isIllConditioned(program: Program, { at, ours, theirs, values }: Difference): boolean {
  if (!ours || !theirs || ours.shape.join() !== theirs.shape.join()) return false;
  const off = distance(ours, theirs);
  if (off <= roundings * epsilon(program) * largest(values!)) return true;
  let most = 0;
  for (let i = 0; i < 8; i++) {
    const other = perturbed(program, values!, i)?.[at];
    // Not even the shape is certain.
    if (!other || other.shape.join() !== ours.shape.join()) return true;
    most = Math.max(most, distance(ours, other));
  }
  return off <= 100 * most;
}

function distance(a: NDArray, b: NDArray): number {
  return Math.max(0, ...Array.from({ length: a.size }, (_, i) => gap(a.element(i), b.element(i))));
}

function epsilon({ steps }: Program): number {
  const narrow = ['float32', 'complex64'];
  const wide = allSteps(steps).every(
    (step) =>
      (!isLeaf(step) || !narrow.includes(step.value.dtype)) &&
      (step.kind !== 'op' || !narrow.includes(step.attrs.DstT as string)),
  );
  return wide ? 2 ** -52 : 2 ** -23;
}

function largest(values: readonly NDArray[]): number {
  let most = 0;
  for (const array of values)
    if (isFloating(array.dtype))
      for (const x of array.data as Float64Array) if (Number.isFinite(x)) most = Math.max(most, Math.abs(x));
  return most;
}

function gap(a: unknown, b: unknown): number {
  const parts = (x: unknown): number[] =>
    typeof x === 'object' ? [(x as { re: number }).re, (x as { im: number }).im] : [Number(x)];
  const [p, q] = [parts(a), parts(b)];
  return Math.max(
    ...p
      .map((x, i) => (x === q[i] || (Number.isNaN(x) && Number.isNaN(q[i])) ? 0 : Math.abs(x - q[i]!)))
      .map((x) => (Number.isNaN(x) ? Infinity : x)),
  );
}

/** A rounding error or two for each element of tensor number `n`. */
function noise(value: NDArray, n: number, times: number): NDArray {
  const { dtype, shape, size } = value;
  const step = dtype === 'float64' || dtype === 'complex128' ? 2 ** -50 : 2 ** -22;
  const one = (i: number): number => 1 + step * (((i * 7 + times * 3 + n * 5) % 5) - 2);
  return NDArray.from(
    Array.from({ length: size }, (_, i) => (isComplex(dtype) ? { re: one(i), im: 0 } : one(i))),
    dtype,
    shape,
  );
}

/** Our values in the order of a comparison, everything computed forwards being a rounding error off. */
function perturbed(program: Program, values: readonly NDArray[], times: number): readonly NDArray[] | null {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  let n = 0;
  const perturb = (tensor: Tensor): Tensor => {
    const value = values[n++]!;
    if (!isFloating(tensor.dtype) && !isComplex(tensor.dtype)) return tensor;
    return one('Mul', [tensor, noise(value, n, times)]);
  };
  try {
    const { feeds, init, tensors } = graph.asDefault(() => buildProgram(program, recorder, 'p0', perturb));
    const session = new Session({ graph });
    session.runSync(init);
    const results = recorder.calls
      .flatMap((call) => call.results)
      .flatMap((result) => {
        if (result === null) return [];
        if (result instanceof Tensor) return [result];
        return [result.values, result.indices, ...(result.denseShape ? [result.denseShape] : [])];
      });
    return session.runSync([...tensors, ...results], feeds);
  } catch {
    return null;
  }
}
