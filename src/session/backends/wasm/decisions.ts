/** What attempts at lowering a plan have found out, for the next one. */
import type { Operation } from '../../../graph/operation.js';
import type { Barred } from './contents.js';

export class Decisions {
  readonly barred: Barred = new Set();
  /** The elements of lists, by where lists begin. */
  readonly shapes = new Map<Operation, readonly number[]>();
  readonly #onHost = new Set<Operation>();
  readonly #isInline: boolean;

  /** `isInline`: whether functions and lists are part of the plan, where they can be. */
  constructor(isInline: boolean) {
    this.#isInline = isInline;
  }

  /** Whether calls of functions, and operations on lists, are for the host. */
  isOnHost(op: Operation): boolean {
    return !this.#isInline || this.#onHost.has(op);
  }

  leaveToHost(op: Operation): void {
    this.#onHost.add(op);
  }
}
