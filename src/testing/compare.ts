/** One gradient against finite differences: along a random direction, or element by element. */
import { formatShape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { Differencer } from './differences.js';
import { toleranceFor } from './precision.js';
import { position, toReals } from './reals.js';
import type { InputReport, Mismatch } from './report.js';
import type { Source, Workbench } from './workbench.js';

/** Inputs of so many numbers are compared one by one, larger ones along random directions. */
const fewElements = 32;
/** A second look is taken with steps so much shorter: a kink within the first may then be out of reach. */
const shorter = 1 / 16;
/** How many roundings of the size of y a difference may be off by, and a gradient of less than double precision. */
const roundings = 8;
const gradientRoundings = 64;

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
  /** The functions at the point as they are, and the numbers they are multiplied by. */
  readonly #values: readonly Float64Array[];
  readonly #weights: readonly Float64Array[];
  readonly #gradient: Float64Array;
  /** The size of the weighted functions: what roundings are relative to. */
  readonly #size: number;
  readonly #shapeNote: string | null;

  constructor(comparison: Comparison) {
    const { bench, functions, seeds, source, gradient, delta, tolerance } = comparison;
    this.#comparison = comparison;
    this.#differencer = new Differencer(bench, source, functions, delta);
    const { value, point, epsilon, ownEpsilon } = this.#differencer;
    this.#tolerance = tolerance ?? toleranceFor(ownEpsilon, epsilon);
    const values = bench.run([...functions, ...seeds]).map(toReals);
    this.#values = values.slice(0, functions.length);
    this.#weights = values.slice(functions.length);
    const dx = gradient && bench.run([gradient])[0]!;
    this.#gradient = dx ? toReals(dx) : new Float64Array(point.length);
    this.#shapeNote =
      dx && formatShape(dx.shape) !== formatShape(value.shape)
        ? `the gradient has shape ${formatShape(dx.shape)}, and the input ${formatShape(value.shape)}`
        : null;
    let square = 0;
    this.#values.forEach((y, k) => y.forEach((number, i) => (square += (number * this.#weights[k]![i]!) ** 2)));
    this.#size = Math.sqrt(square);
  }

  run(): Found {
    const unknown = { expected: NaN, got: NaN, error: NaN };
    if (this.#shapeNote) return this.#found(0, unknown, null, this.#shapeNote);
    const endless = this.#values.findIndex((y) => !y.every(Number.isFinite));
    if (endless >= 0) {
      const note = `'${this.#comparison.functions[endless]!.name}' itself is not finite at this point`;
      return this.#found(0, unknown, null, note);
    }
    return this.#search(
      Array.from(this.#gradient, (_, i) => i),
      null,
    );
  }

  /**
   * Compares along one random direction; where that disagrees, along each half of the elements, and so on down to a few
   * elements that are compared one by one.
   */
  #search(chosen: readonly number[], known: Pair | null): Found {
    if (chosen.length <= fewElements) return this.#elements(chosen);
    const pair = known ?? this.#along(chosen);
    if (pair.error <= this.#tolerance) return this.#found(0, pair, null, null);
    const middle = chosen.length >> 1;
    const halves = [chosen.slice(0, middle), chosen.slice(middle)].map((half) => ({ half, pair: this.#along(half) }));
    halves.sort((a, b) => badness(b.pair) - badness(a.pair));
    const found = halves.map(
      ({ half, pair: part }) =>
        () =>
          this.#search(half, part),
    );
    const first = found[0]!();
    if (first.mismatch) return first;
    // Where all the parts are right, the direction was the less exact comparison.
    const second = found[1]!();
    return second.mismatch || second.maxError >= first.maxError ? second : first;
  }

  /** The change of the functions along a random direction of these elements, over the step, and the same by the gradient. */
  #along(chosen: readonly number[]): Pair {
    const direction = new Map(chosen.map((i) => [i, this.#comparison.random()]));
    return this.#lookTwice((part) => {
      const { plus, minus, displacement } = this.#differencer.along(direction, part);
      const width = 2 * this.#differencer.step * part;
      let [got, square] = [0, 0];
      for (const i of chosen) {
        const term = (this.#gradient[i]! * displacement[i]!) / width;
        got += term;
        square += term * term;
      }
      return compared(this.#change(plus, minus) / width, got, Math.sqrt(square), this.#rounding(width / 2));
    });
  }

  #elements(chosen: readonly number[]): Found {
    const differences = new Map(chosen.map((i) => [i, this.#derivative(i, 1)]));
    // Next to large derivatives of the same tensor, small ones are known less well.
    const typical = rootMeanSquare([...differences.values()].filter(Number.isFinite));
    let worst: (Pair & { index: number }) | null = null;
    for (const [i, difference] of differences) {
      const pair = this.#lookTwice((part) => {
        const expected = part === 1 ? difference : this.#derivative(i, part);
        return compared(expected, this.#gradient[i]!, typical, this.#rounding(part * this.#differencer.stepAt(i)));
      });
      if (!worst || badness(pair) > badness(worst)) worst = { ...pair, index: i };
    }
    if (!worst) return this.#found(0, { expected: 0, got: 0, error: 0 }, null, null);
    const note = worst.error <= this.#tolerance ? null : this.#kink(worst.index);
    return this.#found(chosen.length, worst, worst.index, note);
  }

  /** The central difference at element `i`, whose displacement alone counts. */
  #derivative(i: number, part: number): number {
    const { plus, minus, displacement } = this.#differencer.along(new Map([[i, 1]]), part);
    return this.#change(plus, minus) / displacement[i]!;
  }

  /** What `look` finds at the full step; or at a shorter one, where that agrees better and is not worse by rounding. */
  #lookTwice(look: (part: number) => Pair & { readonly scale: number }): Pair {
    const first = look(1);
    if (first.error <= this.#tolerance || this.#comparison.delta !== null) return first;
    const second = look(shorter);
    const rounding = this.#rounding(shorter * this.#differencer.step);
    return second.error <= this.#tolerance && rounding <= this.#tolerance * second.scale ? second : first;
  }

  /** What rounding alone may make of a derivative found with that step. */
  #rounding(step: number): number {
    const { epsilon, ownEpsilon } = this.#differencer;
    const ofGradient = epsilon > ownEpsilon ? gradientRoundings * epsilon : 0;
    return this.#size * ((roundings * ownEpsilon) / step + ofGradient);
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
    const { center } = this.#differencer;
    const [left, right] = [this.#change(center, minus) / width, this.#change(plus, center) / width];
    const size = Math.max(Math.abs(left), Math.abs(right));
    if (!(Math.abs(left - right) > 0.1 * size + this.#rounding(width))) return null;
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
function compared(expected: number, got: number, typical: number, rounding: number): Pair & { readonly scale: number } {
  const scale = Math.max(Math.abs(expected), Math.abs(got), typical);
  if (!Number.isFinite(expected) || !Number.isFinite(got)) return { expected, got, scale, error: NaN };
  const apart = Math.max(0, Math.abs(expected - got) - rounding);
  return { expected, got, scale, error: apart === 0 ? 0 : apart / scale };
}

function badness({ error }: Pair): number {
  return Number.isNaN(error) ? Infinity : error;
}

function rootMeanSquare(numbers: readonly number[]): number {
  if (numbers.length === 0) return 0;
  return Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
