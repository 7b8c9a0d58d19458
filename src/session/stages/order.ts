/** Puts operations in the order they run: as created, but reads of a variable before writes they do not depend on. */
import type { Operation } from '../../graph/operation.js';
import type { Tensor } from '../../graph/tensor.js';
import { originOf } from '../../ops/capture.js';
import { opDef } from '../../ops/opdef.js';
import type { Stage } from '../plan.js';
import { listing } from './prune.js';

export const order: Stage = {
  name: 'order',
  run(plan) {
    const writes = plan.operations.some((op) => opDef(op.type).effect === 'write');
    return writes ? { ...plan, operations: new Scheduler(plan.operations).run() } : plan;
  },
  show: (plan) => listing(plan.operations),
};

/** Kahn's algorithm over the plan's operations, oldest first, in which a write waits for the reads that may precede it. */
class Scheduler {
  readonly #operations: readonly Operation[];
  readonly #waitsFor = new Map<Operation, number>();
  readonly #consumers = new Map<Operation, Operation[]>();
  readonly #readers = new Map<Tensor, Set<Operation>>();

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
    for (const op of operations) this.#consumers.set(op, []);
    for (const op of operations) {
      const before = new Set([...op.inputs.map((input) => input.op), ...op.controlInputs]);
      let count = 0;
      for (const producer of before) {
        const consumers = this.#consumers.get(producer);
        if (!consumers) continue;
        consumers.push(op);
        count++;
      }
      this.#waitsFor.set(op, count);
      if (opDef(op.type).effect === 'read') for (const handle of handlesOf(op)) this.#readersOf(handle).add(op);
    }
  }

  run(): Operation[] {
    const result: Operation[] = [];
    const ready: Operation[] = [];
    const writes: Operation[] = [];
    const offer = (op: Operation): void => void (opDef(op.type).effect === 'write' ? writes : ready).push(op);
    for (const op of this.#operations) if (this.#waitsFor.get(op) === 0) offer(op);
    for (let next = 0; result.length < this.#operations.length;) {
      const op = next < ready.length ? ready[next++]! : this.#takeWrite(writes);
      result.push(op);
      if (opDef(op.type).effect === 'read') for (const handle of handlesOf(op)) this.#readersOf(handle).delete(op);
      for (const consumer of this.#consumers.get(op)!) {
        const left = this.#waitsFor.get(consumer)! - 1;
        this.#waitsFor.set(consumer, left);
        if (left === 0) offer(consumer);
      }
    }
    return result;
  }

  /** The oldest write that no outstanding read must precede; the oldest of all where they wait for each other. */
  #takeWrite(writes: Operation[]): Operation {
    writes.sort((a, b) => a.id - b.id);
    const free = writes.findIndex((write) => !this.#hasEarlierReader(write));
    return writes.splice(Math.max(free, 0), 1)[0]!;
  }

  #hasEarlierReader(write: Operation): boolean {
    const readers = handlesOf(write).flatMap((handle) => [...this.#readersOf(handle)]);
    if (readers.length === 0) return false;
    const after = this.#descendants(write);
    return readers.some((reader) => !after.has(reader));
  }

  #descendants(op: Operation): ReadonlySet<Operation> {
    const seen = new Set<Operation>();
    const stack = [op];
    for (let next = stack.pop(); next; next = stack.pop()) {
      for (const consumer of this.#consumers.get(next)!) {
        if (seen.has(consumer)) continue;
        seen.add(consumer);
        stack.push(consumer);
      }
    }
    return seen;
  }

  #readersOf(handle: Tensor): Set<Operation> {
    let readers = this.#readers.get(handle);
    if (!readers) this.#readers.set(handle, (readers = new Set()));
    return readers;
  }
}

/** The resources an operation works on, traced back through operations that pass them on. */
function handlesOf(op: Operation): Tensor[] {
  return op.inputs.filter((input) => input.dtype === 'resource').map(originOf);
}
