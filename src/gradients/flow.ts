/** Where gradient went in a walk, and the ways it took. */
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import type { Gradient } from '../ops/opdef.js';
import { sourcesOf } from './paths.js';

const shownAtEachEnd = 5;

/** The ways along which gradient came from ys, each as long as there is one. */
export interface Ways {
  /** The operations that gradient came to, and how many there are on the longest way to each, itself included. */
  readonly lengths: ReadonlyMap<Operation, number>;
  /** The operations on the longest way to `op`, first that of y and last `op`. */
  readonly to: (op: Operation) => readonly Operation[];
}

/** A record of a walk: which sources of each differentiated operation got gradient. */
export class Flow {
  /** In the order of the walk: an operation comes after all that passed gradient on to it. */
  readonly #passed = new Map<Operation, readonly boolean[]>();

  /** What a walk tells. */
  readonly observe = (op: Operation, dxs: readonly (Gradient | null)[]): void => {
    this.#passed.set(
      op,
      dxs.map((dx) => dx !== null),
    );
  };

  /** Whether gradient went from `op` to its source number `i`. */
  passes(op: Operation, i: number): boolean {
    return this.#passed.get(op)?.[i] ?? false;
  }

  /** The outputs of `op` that gradient was passed on to. */
  receivers(op: Operation): ReadonlySet<Tensor> {
    const found = new Set<Tensor>();
    for (const user of this.#passed.keys()) {
      sourcesOf(user).forEach((source, i) => source.op === op && this.passes(user, i) && found.add(source));
    }
    return found;
  }

  /** The ways from `ys` through such sources as `follow` holds of. */
  ways(ys: readonly Tensor[], follow: (source: Tensor) => boolean = () => true): Ways {
    const lengths = new Map(ys.map((y) => [y.op, 1]));
    const before = new Map<Operation, Operation>();
    for (const op of this.#passed.keys()) {
      const length = lengths.get(op);
      if (length === undefined) continue;
      sourcesOf(op).forEach((source, i) => {
        if (!this.passes(op, i) || !follow(source) || (lengths.get(source.op) ?? 0) > length) return;
        lengths.set(source.op, length + 1);
        before.set(source.op, op);
      });
    }
    const to = (end: Operation): readonly Operation[] => {
      const way: Operation[] = [];
      for (let op: Operation | undefined = end; op; op = before.get(op)) way.push(op);
      return way.reverse();
    };
    return { lengths, to };
  }
}

/** The names on a way, without the middle where it is long. */
export function namesOn(way: readonly Operation[]): string {
  const names = way.map((op) => op.name);
  const hidden = names.length - 2 * shownAtEachEnd;
  if (hidden > 1) names.splice(shownAtEachEnd, hidden, `… ${hidden} more …`);
  return names.join(' → ');
}
