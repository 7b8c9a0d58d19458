/** One gradient against finite differences: along a random direction, or element by element. */
import { formatShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { Differencer, type Difference } from './differences.js';
import { toleranceFor } from './precision.js';
import { position, toReals } from './reals.js';
import type { InputReport, Mismatch } from './report.js';
import type { Source, Workbench } from './workbench.js';

/** Inputs of so many numbers are always compared one by one. */
const fewElements = 32;
/** Of larger ones no more than so many, where the random direction disagrees. */
const mostElements = 4096;
/** How many roundings of the size of y a difference may be off by. */
const roundings = 8;

export interface Comparison {
  readonly bench: Workbench;
  readonly functions: readonly Tensor[];
  /** The tensors through which the gradients of the functions are fed. */
  readonly seeds: readonly Tensor[];
  readonly source: Source;
  /** The gradient of Σ seeds · functions with respect to the source; null where there is none. */
  readonly gradient: Tensor | null;
  readonly delta: number | null;
  readonly tolerance: number | null;
  readonly random: () => number;
}

export type Found = Omit<InputReport, 'input' | 'order'> & {
  readonly mismatch: Omit<Mismatch, 'input' | 'order'> | null;
};

/** Two numbers that ought to be equal. */
interface Pair {
  readonly expected: number;
  readonly got: number;
  readonly error: number;
}

export function compareInput(comparison: Comparison): Found {
  return new Comparer(comparison).run();
}

class Comparer {
  readonly #differencer: Differencer;
  readonly #comparison: Comparison;
  readonly #tolerance: number;
  /** The functions at the point, and the numbers they are multiplied by. */
  readonly #center: readonly Float64Array[];
  readonly #weights: readonly Float64Array[];
  readonly #gradient: Float64Array;
  /** What rounding alone may make of a difference. */
  readonly #rounding: number;
  readonly #shapeNote: string | null;

  constructor(comparison: Comparison) {
    const { bench, functions, seeds, source, gradient, delta, tolerance } = comparison;
    this.#comparison = comparison;
    this.#differencer = new Differencer(bench, source, functions, delta);
    this.#tolerance = tolerance ?? toleranceFor(this.#differencer.epsilon);
    const values = bench.run([...functions, ...seeds]).map(toReals);
    this.#center = values.slice(0, functions.length);
    this.#weights = values.slice(functions.length);
    const { value, point } = this.#differencer;
    const dx = gradient && bench.run([gradient])[0]!;
    this.#gradient = dx ? toReals(dx) : new Float64Array(point.length);
    this.#shapeNote =
      dx && formatShape(dx.shape) !== formatShape(value.shape)
        ? `the gradient has shape ${formatShape(dx.shape)}, and the input ${formatShape(value.shape)}`
        : null;
    let square = 0;
    this.#center.forEach((y, k) => y.forEach((number, i) => (square += (number * this.#weights[k]![i]!) ** 2)));
    this.#rounding = roundings * this.#differencer.epsilon * Math.sqrt(square);
  }

  run(): Found {
    const size = this.#differencer.point.length;
    if (this.#shapeNote) return this.#found(0, { expected: NaN, got: NaN, error: NaN }, null, this.#shapeNote);
    const unequal = this.#center.findIndex((y) => !y.every(Number.isFinite));
    if (unequal >= 0) {
      const note = `'${this.#comparison.functions[unequal]!.name}' itself is not finite at this point`;
      return this.#found(0, { expected: NaN, got: NaN, error: NaN }, null, note);
    }
    if (size <= fewElements) return this.#elements(indices(size));
    const projected = this.#along(new Map(indices(size).map((i) => [i, this.#comparison.random()])));
    if (projected.error <= this.#tolerance) return this.#found(0, projected, null, null);
    const chosen = size <= mostElements ? indices(size) : this.#sample(size);
    const found = this.#elements(chosen);
    // Where every element is right on its own, the direction was the less exact comparison.
    return found.mismatch || chosen.length === size ? found : this.#found(0, projected, null, null);
  }

  /** The non-finite elements of the gradient, and others at random. */
  #sample(size: number): readonly number[] {
    const chosen = new Set(
      indices(size)
        .filter((i) => !Number.isFinite(this.#gradient[i]))
        .slice(0, mostElements),
    );
    const random = this.#comparison.random;
    while (chosen.size < mostElements) chosen.add(Math.floor((Math.abs(random()) * 2 - 1) * size) % size);
    return [...chosen];
  }

  #elements(chosen: readonly number[]): Found {
    const expected = new Map(chosen.map((i) => [i, this.#directional(this.#differencer.along(new Map([[i, 1]])), i)]));
    // Next to large derivatives of the same tensor, small ones are known less well.
    const typical = rootMeanSquare([...expected.values()].filter(Number.isFinite));
    let worst: (Pair & { index: number }) | null = null;
    for (const [i, numeric] of expected) {
      const rounding = this.#rounding / this.#differencer.stepAt(i);
      const pair = compared(numeric, this.#gradient[i]!, typical, rounding);
      if (!worst || !(pair.error <= worst.error)) worst = { ...pair, index: i };
      if (Number.isNaN(worst.error)) break;
    }
    if (!worst) return this.#found(0, { expected: 0, got: 0, error: 0 }, null, null);
    return this.#found(
      chosen.length,
      worst,
      worst.index,
      worst.error <= this.#tolerance ? null : this.#kink(worst.index),
    );
  }

  /** The derivative along one element, whose displacement alone counts. */
  #directional({ plus, minus, displacement }: Difference, i: number): number {
    return this.#change(plus, minus) / displacement[i]!;
  }

  /** The change along a direction, over the step, expected and by the gradient. */
  #along(direction: ReadonlyMap<number, number>): Pair {
    const { plus, minus, displacement } = this.#differencer.along(direction);
    const width = 2 * this.#differencer.step;
    let got = 0;
    let square = 0;
    displacement.forEach((distance, i) => {
      const term = (this.#gradient[i]! * distance) / width;
      got += term;
      square += term * term;
    });
    return compared(this.#change(plus, minus) / width, got, Math.sqrt(square), this.#rounding / this.#differencer.step);
  }

  /** Σ weights · (a - b), in float64. */
  #change(a: readonly Float64Array[], b: readonly Float64Array[]): number {
    let sum = 0;
    a.forEach((y, k) => y.forEach((number, i) => (sum += this.#weights[k]![i]! * (number - b[k]![i]!))));
    return sum;
  }

  /** A word on differences to either side that disagree with each other. */
  #kink(i: number): string | null {
    const { plus, minus, displacement } = this.#differencer.along(new Map([[i, 1]]));
    const width = displacement[i]! / 2;
    const [left, right] = [this.#change(this.#center, minus) / width, this.#change(plus, this.#center) / width];
    const size = Math.max(Math.abs(left), Math.abs(right));
    if (!(Math.abs(left - right) > 0.1 * size + this.#rounding / width)) return null;
    return `the difference to the left is ${short(left)}, to the right ${short(right)}: a kink or a jump may be near`;
  }

  #found(elements: number, { expected, got, error }: Pair, index: number | null, note: string | null): Found {
    const { value, step } = this.#differencer;
    const tolerance = this.#tolerance;
    const numbers = { elements, maxError: error, tolerance, step };
    if (error <= tolerance) return { ...numbers, mismatch: null };
    const element = index === null ? null : position(value.dtype, value.shape, index);
    const stepThere = index === null ? step : this.#differencer.stepAt(index);
    return { ...numbers, mismatch: { element, expected, got, step: stepThere, relativeError: error, tolerance, note } };
  }
}

/** How far two numbers are apart beyond `rounding`, relative to the largest that matters. NaN where one is not finite. */
function compared(expected: number, got: number, typical: number, rounding: number): Pair {
  if (!Number.isFinite(expected) || !Number.isFinite(got)) return { expected, got, error: NaN };
  const apart = Math.max(0, Math.abs(expected - got) - rounding);
  const scale = Math.max(Math.abs(expected), Math.abs(got), typical);
  return { expected, got, error: apart === 0 ? 0 : apart / scale };
}

function indices(size: number): number[] {
  return Array.from({ length: size }, (_, i) => i);
}

function rootMeanSquare(numbers: readonly number[]): number {
  if (numbers.length === 0) return 0;
  return Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
