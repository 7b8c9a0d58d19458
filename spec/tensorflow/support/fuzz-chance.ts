/** What random programs are made of by chance, and which numbers they may hold. */
import { dtypeInfo, isComplex, isTrainable, type DType } from '../../../src/graph/dtype.js';
import type { Complex } from '../../../src/graph/elements.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { sizeOf } from '../../../src/graph/shape.js';
import type { RegisteredOp, SampleInput } from '../../../src/ops/opdef.js';
import { generator } from '../../ops/support/samples.js';
import type { Data } from './fuzz-program.js';

/** Elements of a tensor at most, and their size: larger numbers make derivatives that rounding decides. */
export const largest = 64;
const greatest = 64;

export class Chance {
  readonly #random: () => number;

  constructor(seed: string) {
    this.#random = generator(seed);
  }

  below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.#random() * n < 1;
  }

  /** An odd multiple of 2^-10 (or 2^-20) in a domain. */
  number([low, high]: readonly [number, number]): number {
    const unit = high - low < 2 ** -5 ? 2 ** -20 : 2 ** -10;
    return (2 * Math.floor((low + this.#random() * (high - low)) / (2 * unit)) + 1) * unit;
  }

  data(dtype: DType, shape: readonly number[], domain: readonly [number, number] = [-2, 2]): Data {
    const { kind } = dtypeInfo(dtype);
    const whole = () => Math.ceil(domain[0]) + this.below(Math.floor(domain[1]) - Math.ceil(domain[0]) + 1);
    const one = kind === 'int' ? whole : kind === 'bool' ? () => this.below(2) : () => this.number(domain);
    const length = sizeOf(shape) * (kind === 'complex' ? 2 : 1);
    return { dtype, shape, data: Array.from({ length }, one) };
  }
}

export function handled(dtype: DType): boolean {
  return ['float32', 'float64', 'complex64', 'complex128', 'int32', 'int64', 'bool'].includes(dtype);
}

export function isCastable(from: DType, to: DType): boolean {
  return isComplex(to) ? isTrainable(from) && handled(from) : handled(from) && !isComplex(from);
}

export function allowedBy(def: RegisteredOp, attr: string): readonly DType[] | null {
  const found = def.parsed.attrs.find(({ name }) => name === attr)?.allowed as readonly DType[] | null | undefined;
  return found ?? null;
}

/** The stated domain of a sample's input; integers and what is not restricted have none. */
export function domainOf(item: SampleInput): readonly [number, number] | null {
  return ('domain' in item ? item.domain : undefined) ?? null;
}

export function numbers(value: NDArray): number[] {
  return Array.from({ length: value.size }, (_, i) => value.element(i)).flatMap((x) =>
    typeof x === 'object' ? [(x as Complex).re, (x as Complex).im] : [Number(x)],
  );
}

export function usable(value: NDArray): boolean {
  if (!handled(value.dtype) || value.size > largest) return false;
  return numbers(value).every((x) => Math.abs(x) <= greatest);
}
