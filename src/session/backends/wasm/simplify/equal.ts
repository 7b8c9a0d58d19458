/** Which values are the same: equal operations on equal inputs. */
import type { NDArray } from '../../../../graph/ndarray.js';
import { ExprTable } from '../affine.js';
import type { LoweredStep } from '../lower.js';
import type { FlowStep, Value } from '../program.js';

/** Elements of a constant that is compared with others by its content. */
const compared = 32;

export class EqualValues {
  readonly #values: readonly Value[];
  readonly #barriers: ReadonlySet<Value>;
  readonly #table = new ExprTable((position) => this.#placeOf(this.#values[position]!));
  readonly #constants = new Map<string, number>();
  /** What is known between the marks that are open: outside them it may not have been computed, or be something else by now. */
  readonly #known: Map<string, Value>[] = [new Map()];

  /** @param barriers values that stand for others, but not in the eyes of who looks for equals */
  constructor(values: readonly Value[], barriers: ReadonlySet<Value>) {
    this.#values = values;
    this.#barriers = barriers;
  }

  pass({ flow }: FlowStep): void {
    if (flow === 'again' || flow === 'end' || flow === 'else') this.#known.pop();
    if (flow === 'loop' || flow === 'if' || flow === 'else') this.#known.push(new Map());
  }

  /** A value made before that is the same; null, and from now on it is known, where there is none. */
  find(value: Value): Value | null {
    const { dtype, shape } = value;
    return this.#find(`${dtype}[${shape!.join()}] ${this.#table.id(value.root!)}`, value);
  }

  findProduct({ a, b, out, transposeA, transposeB }: Extract<LoweredStep, { kind: 'matmul' }>): Value | null {
    const operands = [a, b].map((value) => `${this.#placeOf(value)}[${value.shape!.join()}]`);
    return this.#find(`matmul ${operands.join()} ${transposeA} ${transposeB} [${out.shape!.join()}]`, out);
  }

  #find(key: string, value: Value): Value | null {
    for (const known of this.#known) {
      const same = known.get(key);
      if (same) return same;
    }
    this.#known.at(-1)!.set(key, value);
    return null;
  }

  /** The number of what holds the elements. What comes after a barrier is not what was before it. */
  #placeOf(value: Value): number {
    let holder = value;
    while (holder.alias && !this.#barriers.has(holder)) holder = holder.alias;
    return holder.data && holder.data.size <= compared ? this.#constant(holder.data, holder.id) : holder.id;
  }

  #constant(array: NDArray, id: number): number {
    const elements = Array.from({ length: array.size }, (_, i) => array.element(i));
    const key = `${array.dtype}[${array.shape.join()}] ${elements.map((x) => (Object.is(x, -0) ? '-0' : String(x))).join()}`;
    const known = this.#constants.get(key);
    if (known === undefined) this.#constants.set(key, id);
    return known ?? id;
  }
}
