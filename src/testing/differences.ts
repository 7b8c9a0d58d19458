/** Central differences: how a function on the workbench changes when one of its inputs does. */
import type { DType } from '../graph/dtype.js';
import type { NDArray } from '../graph/ndarray.js';
import type { Tensor } from '../graph/tensor.js';
import { one } from '../ops/call.js';
import { epsilonBetween, epsilonOf, stepFor } from './precision.js';
import { fromReals, toReals } from './reals.js';
import { wideDType, widened } from './wide.js';
import { tensorOf, type Source, type Workbench } from './workbench.js';

/** How `ys` change between x + step and x - step. */
export interface Difference {
  /** x₊ - x₋ as it was after rounding to the dtype of x. */
  readonly displacement: Float64Array;
  readonly plus: readonly Float64Array[];
  readonly minus: readonly Float64Array[];
}

/** The same functions in float64. */
interface Wide {
  readonly x: Tensor;
  readonly ys: readonly Tensor[];
  readonly center: readonly Float64Array[];
}

/**
 * An input of some functions at a point, ready to be moved. Functions of less than double precision are evaluated in
 * float64, where their operations allow it: steps can then be small enough to stay clear of kinks.
 */
export class Differencer {
  readonly point: Float64Array;
  readonly value: NDArray;
  /** The functions at the point. */
  readonly center: readonly Float64Array[];
  /** The step for numbers of size 1 or less. */
  readonly step: number;
  /** The relative precision of the functions as they are, which is that of their gradients. */
  readonly epsilon: number;
  /** The relative precision with which they are evaluated here. */
  readonly ownEpsilon: number;
  readonly #bench: Workbench;
  readonly #dtype: DType;
  readonly #x: Tensor;
  readonly #ys: readonly Tensor[];
  readonly #fixed: boolean;

  constructor(bench: Workbench, source: Source, ys: readonly Tensor[], delta: number | null) {
    this.#bench = bench;
    this.#fixed = delta !== null;
    this.value = bench.valueOf(source);
    this.point = toReals(this.value);
    const x = tensorOf(source);
    const values = bench.run(ys).map(toReals);
    this.epsilon = Math.max(epsilonOf(source.dtype), epsilonBetween(x, ys));
    const wide = this.epsilon > epsilonOf('float64') ? this.#widened(x, ys, values) : null;
    this.#x = wide?.x ?? x;
    this.#ys = wide?.ys ?? ys;
    this.#dtype = wide ? wideDType(source.dtype) : source.dtype;
    this.ownEpsilon = wide ? Math.max(epsilonOf('float64'), epsilonBetween(wide.x, wide.ys)) : this.epsilon;
    this.step = delta ?? stepFor(this.ownEpsilon);
    this.center = wide?.center ?? values;
  }

  /** How far number `i` of x is moved: with larger numbers further, and always by many of their roundings. */
  stepAt(i: number): number {
    if (this.#fixed) return this.step;
    const size = Math.max(1, Math.abs(this.point[i]!));
    return Math.max(this.step * Math.sqrt(size), 64 * this.ownEpsilon * size);
  }

  /** Moves x along `direction`, given as a multiple of each number's step, `part` of the way. */
  along(direction: ReadonlyMap<number, number>, part = 1): Difference {
    const [plus, minus] = [this.#moved(direction, 1, part), this.#moved(direction, -1, part)];
    const displacement = toReals(plus);
    toReals(minus).forEach((x, i) => (displacement[i]! -= x));
    return { displacement, plus: this.#run(plus), minus: this.#run(minus) };
  }

  #widened(x: Tensor, ys: readonly Tensor[], values: readonly Float64Array[]): Wide | null {
    const { dtype, shape } = this.value;
    const value = fromReals(wideDType(dtype), shape, this.point);
    const isVariable = x.dtype === 'resource';
    const wideX = isVariable
      ? this.#bench.variable(value)
      : one('Placeholder', [], { dtype: value.dtype, shape: x.shape });
    const wideYs = widened(this.#bench, x, wideX, ys);
    if (!wideYs) return null;
    const center = this.#bench.run(wideYs, { tensor: wideX, value }).map(toReals);
    // A function that comes out differently, because it rounds or overflows on purpose, is differenced as it is.
    const alike = center.every((y, k) => isClose(y, values[k]!, Math.sqrt(this.epsilon)));
    return alike ? { x: wideX, ys: wideYs, center } : null;
  }

  #moved(direction: ReadonlyMap<number, number>, sign: 1 | -1, part: number): NDArray {
    const moved = this.point.slice();
    for (const [i, amount] of direction) moved[i]! += sign * part * amount * this.stepAt(i);
    return fromReals(this.#dtype, this.value.shape, moved);
  }

  #run(value: NDArray): readonly Float64Array[] {
    return this.#bench.run(this.#ys, { tensor: this.#x, value }).map(toReals);
  }
}

function isClose(a: Float64Array, b: Float64Array, tolerance: number): boolean {
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return a.length === b.length && a.every((x, i) => Math.abs(x - b[i]!) <= tolerance * largest);
}
