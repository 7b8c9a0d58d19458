/** Central differences: how a function on the workbench changes when one of its inputs does. */
import type { NDArray } from '../graph/ndarray.js';
import type { Tensor } from '../graph/tensor.js';
import { epsilonBetween, stepFor } from './precision.js';
import { fromReals, toReals } from './reals.js';
import { Variable } from '../ops/definitions/variable.js';
import type { Source, Workbench } from './workbench.js';

/** How `ys` change between x + step and x - step. */
export interface Difference {
  /** x₊ - x₋ as it was after rounding to the dtype of x. */
  readonly displacement: Float64Array;
  readonly plus: readonly Float64Array[];
  readonly minus: readonly Float64Array[];
}

/** An input of some functions at a point, ready to be moved. */
export class Differencer {
  readonly point: Float64Array;
  readonly value: NDArray;
  /** The step for numbers of size 1 or less. */
  readonly step: number;
  /** The relative precision of what lies between input and functions. */
  readonly epsilon: number;
  readonly #bench: Workbench;
  readonly #source: Source;
  readonly #ys: readonly Tensor[];
  readonly #fixed: boolean;

  constructor(bench: Workbench, source: Source, ys: readonly Tensor[], delta: number | null) {
    this.#bench = bench;
    this.#source = source;
    this.#ys = ys;
    this.#fixed = delta !== null;
    this.value = bench.valueOf(source);
    this.point = toReals(this.value);
    this.epsilon = epsilonBetween(source instanceof Variable ? source.fetchable : source, ys);
    if (source instanceof Variable) this.epsilon = Math.max(this.epsilon, epsilonBetween(source.handle, ys));
    this.step = delta ?? stepFor(this.epsilon);
  }

  /** How far number `i` of x is moved: with larger numbers further, and always by many of their roundings. */
  stepAt(i: number): number {
    if (this.#fixed) return this.step;
    const size = Math.max(1, Math.abs(this.point[i]!));
    return Math.max(this.step * Math.sqrt(size), 64 * this.epsilon * size);
  }

  /** Moves x along `direction`, given as a multiple of each number's step. */
  along(direction: ReadonlyMap<number, number>): Difference {
    const [plus, minus] = [this.#moved(direction, 1), this.#moved(direction, -1)];
    const displacement = toReals(plus);
    toReals(minus).forEach((x, i) => (displacement[i]! -= x));
    return { displacement, plus: this.#run(plus), minus: this.#run(minus) };
  }

  #moved(direction: ReadonlyMap<number, number>, sign: 1 | -1): NDArray {
    const moved = this.point.slice();
    for (const [i, amount] of direction) moved[i]! += sign * amount * this.stepAt(i);
    return fromReals(this.value.dtype, this.value.shape, moved);
  }

  #run(value: NDArray): readonly Float64Array[] {
    return this.#bench.run(this.#ys, { source: this.#source, value }).map(toReals);
  }
}
