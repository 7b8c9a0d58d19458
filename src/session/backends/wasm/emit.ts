/** One module for a whole plan: a function for each kernel, and an entry that calls them one after another. */
import type { NDArray } from '../../../graph/ndarray.js';
import { sizeOf } from '../../../graph/shape.js';
import type { FunctionRef } from './assembler/code.js';
import type { EmitContext } from './elements.js';
import type { Fused } from './fuse.js';
import { defineKernel } from './kernel.js';
import { relaxedSimd } from './matmul/relaxed.js';
import { valuesInPlace } from './in-place.js';
import { aligned, layOut, placedValues, planMemory, type Layout, type MemoryPlan } from './memory.js';
import { ModuleParts, type Site } from './parts.js';
import {
  holderOf,
  type AssignStep,
  type MatMulStep,
  type ProgramStep,
  type Value,
  type VariableSlot,
} from './program.js';
import { Resolver } from './resolve.js';
import { bytesOf } from './scalar-ops.js';

export interface Emitted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sites: readonly Site[];
  readonly addressOf: ReadonlyMap<Value, number>;
  readonly constants: ReadonlyMap<NDArray, number>;
  readonly variables: readonly PlacedVariable[];
  /** Bytes of memory. */
  readonly size: number;
}

/** A variable, the byte where it is, and whether the plan needs what it holds beforehand. */
export interface PlacedVariable {
  readonly slot: VariableSlot;
  readonly address: number;
  readonly isRead: boolean;
}

/** Calls in a function of the entry at most: engines compile function by function. */
const callsInEntry = 500;

/** A module for a session's plan: it imports its memory, and exports `run`. */
export function emit(fused: Fused): Emitted {
  const parts = new ModuleParts({ relaxed: relaxedSimd(), hosted: true });
  const plan = new PlanEmitter(fused, parts);
  const memory = plan.place(layOut(fused.variables, plan.scratch));
  const constants = new Map<NDArray, number>();
  let { size } = memory;
  const { run, variables } = plan.emit(memory, (array) => {
    const known = constants.get(array);
    const address = known ?? size;
    constants.set(array, address);
    if (known === undefined) size += aligned(array.size * bytesOf(array.dtype));
    return address;
  });
  const { module, sites } = parts;
  module.export(run, 'run').importMemory('env', 'memory', { initial: Math.ceil(size / 65536) });
  return { bytes: module.finish(), sites, addressOf: memory.addressOf, constants, variables, size };
}

export interface EmittedPlan {
  /** The entry: takes, where the module is hosted, whether to ask before each step if there is time left. */
  readonly run: FunctionRef;
  readonly variables: readonly PlacedVariable[];
}

/** Emits one plan into a module: first its products, then, once all things have their places, the rest. */
export class PlanEmitter {
  /** Bytes that its products need to work in. */
  readonly scratch: number;
  readonly #fused: Fused;
  readonly #parts: ModuleParts;
  readonly #products = new Map<MatMulStep, Product>();
  readonly #storage: ReadonlyMap<Value, VariableSlot>;

  constructor(fused: Fused, parts: ModuleParts) {
    this.#fused = fused;
    this.#parts = parts;
    this.#storage = valuesInPlace(fused);
    for (const step of fused.steps) if (step.kind === 'matmul') this.#products.set(step, this.#product(step));
    this.scratch = Math.max(0, ...[...this.#products.values()].map((product) => product.scratch));
  }

  place(layout: Layout): MemoryPlan {
    return planMemory(this.#fused, placedValues(this.#fused), this.#storage, layout);
  }

  /** `constant` gives the place of a constant, which may not meet any of `memory`. */
  emit(memory: MemoryPlan, constant: (array: NDArray) => number): EmittedPlan {
    const address = (of: Value | NDArray): number =>
      'data' in of && 'dtype' in of && !('id' in of) ? constant(of) : memory.addressOf.get(of)!;
    const resolver = new Resolver(this.#fused);
    const calls = this.#fused.steps.map((step, i) => this.#step(step, i, memory, address, resolver));
    const variables = this.#fused.variables.map((slot): PlacedVariable => {
      return { slot, address: memory.variables.get(slot)!, isRead: this.#isRead(slot.initial) };
    });
    const kept = variables.filter(({ slot, isRead }) => isRead && !this.#storage.has(slot.initial));
    const copies = kept.map(({ slot, address: from }) => this.#copy(from, memory.addressOf.get(slot.initial)!, slot));
    return {
      run: this.#entry(
        copies,
        calls.filter((call) => call !== null),
      ),
      variables,
    };
  }

  /** The call that does a step; null where nothing is left to do. */
  #step(
    step: ProgramStep,
    i: number,
    memory: MemoryPlan,
    address: EmitContext['address'],
    resolver: Resolver,
  ): Call | null {
    const { module, sites, hosted, libraries, place, fail } = this.#parts;
    switch (step.kind) {
      case 'host':
        return { fn: hosted!.host, operands: [i], step: i };
      case 'assign': {
        const value = holderOf(step.value);
        const from = this.#storage.get(value) === step.variable ? null : address(value.data ?? value);
        return this.#assign(step, from, memory.variables.get(step.variable)!, i);
      }
      case 'matmul':
        return { ...this.#multiply(step, this.#products.get(step)!, memory.scratch, address), step: i };
      case 'kernel': {
        const context: EmitContext = {
          libraries,
          address,
          place,
          fail,
          site: (op, bound) => sites.push({ op, bound: bound && { what: bound.what, size: bound.size }, step: i }) - 1,
        };
        return { fn: defineKernel(module, `kernel${i}`, step, this.#fused, resolver, context), operands: [], step: i };
      }
    }
  }

  #isRead(initial: Value): boolean {
    const { reads, steps, fetches } = this.#fused;
    return (
      reads.some((read) => read.has(initial)) ||
      steps.some((step) => step.kind === 'host' && step.inputs.some((input) => holderOf(input) === initial)) ||
      fetches.some((fetch) => holderOf(fetch) === initial)
    );
  }

  /** Brings a new content to the place of its variable, where it is not made there, and reports it. */
  #assign({ variable }: AssignStep, from: number | null, to: number, i: number): Call | null {
    const { hosted } = this.#parts;
    if (from === null) return hosted && { fn: hosted.assigned, operands: [i], step: i };
    const copy = this.#copy(from, to, variable);
    if (!hosted) return { fn: copy, operands: [], step: i };
    const fn = this.#parts.module.define(`assign${i}`, { params: [], results: [] }, (code) => {
      code.call(copy).i32(i).call(hosted.assigned);
    });
    return { fn, operands: [], step: i };
  }

  #copy(from: number, to: number, { dtype, shape }: VariableSlot): FunctionRef {
    return this.#parts.module.define('copy', { params: [], results: [] }, (code) => {
      code
        .i32(to)
        .i32(from)
        .i32(sizeOf(shape) * bytesOf(dtype))
        .op('memory.copy');
    });
  }

  #product({ a, out, transposeA, transposeB }: MatMulStep): Product {
    const [m, n] = out.shape!.slice(-2) as [number, number];
    const k = a.shape!.at(transposeA ? -2 : -1)!;
    const dtype = out.dtype as 'float32' | 'float64' | 'int32';
    return { ...this.#parts.product({ dtype, m, k, n, transposeA, transposeB }), m };
  }

  /** A call for each matrix of the batch. */
  #multiply(
    { a, b, out }: MatMulStep,
    product: Product,
    scratch: number,
    address: EmitContext['address'],
  ): Omit<Call, 'step'> {
    const batch = out.shape!.slice(0, -2);
    const at = (value: Value): number => {
      const holder = holderOf(value);
      return address(holder.data ?? holder);
    };
    const count = batch.reduce((product, dim) => product * dim, 1);
    const one = (i: number): readonly number[] => [
      at(a) + matrixOffset(a, batch, i),
      at(b) + matrixOffset(b, batch, i),
      at(out) + matrixOffset(out, batch, i),
      scratch,
      0,
      product.m,
    ];
    if (count === 1) return { fn: product.fn, operands: one(0) };
    const fn = this.#parts.module.define('batch', { params: [], results: [] }, (code) => {
      for (let i = 0; i < count; i++) {
        for (const operand of one(i)) code.i32(operand);
        code.call(product.fn);
      }
    });
    return { fn, operands: [] };
  }

  /** `first`: what runs before all steps. */
  #entry(first: readonly FunctionRef[], calls: readonly Call[]): FunctionRef {
    const { module, hosted } = this.#parts;
    const type = { params: hosted ? (['i32'] as const) : [], results: [] };
    const parts: FunctionRef[] = [];
    for (let from = 0; from < calls.length; from += callsInEntry) {
      const some = calls.slice(from, from + callsInEntry);
      parts.push(
        module.define(`part${parts.length}`, type, (code) => {
          for (const { fn, operands, step } of some) {
            if (hosted) code.get(code.params[0]!).if(() => code.i32(step).call(hosted.poll));
            for (const operand of operands) code.i32(operand);
            code.call(fn);
          }
        }),
      );
    }
    return module.define('run', type, (code) => {
      for (const fn of first) code.call(fn);
      for (const part of parts) {
        if (hosted) code.get(code.params[0]!);
        code.call(part);
      }
    });
  }
}

interface Call {
  readonly fn: FunctionRef;
  readonly operands: readonly number[];
  readonly step: number;
}

interface Product {
  readonly fn: FunctionRef;
  readonly scratch: number;
  readonly m: number;
}

/** Bytes from the start of `value` to the matrix that belongs to matrix `i` of a batch. */
function matrixOffset({ shape, dtype }: Value, batch: readonly number[], i: number): number {
  const own = shape!.slice(0, -2);
  const size = shape!.slice(-2).reduce((product, dim) => product * dim, 1) * bytesOf(dtype);
  let [offset, stride, rest] = [0, 1, i];
  for (let axis = batch.length - 1; axis >= 0; axis--) {
    const index = rest % batch[axis]!;
    rest = Math.floor(rest / batch[axis]!);
    const dim = own[axis - (batch.length - own.length)];
    if (dim === undefined) continue;
    if (dim !== 1) offset += index * stride;
    stride *= dim;
  }
  return offset * size;
}
