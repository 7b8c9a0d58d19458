/** One module for a whole plan: a function for each kernel, and an entry that calls them one after another. */
import type { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { sizeOf } from '../../../graph/shape.js';
import type { FunctionRef } from './assembler/code.js';
import { ModuleBuilder } from './assembler/module.js';
import type { EmitContext } from './elements.js';
import type { Fused } from './fuse.js';
import { IntLibrary } from './int-library.js';
import { defineKernel } from './kernel.js';
import { MathLibrary } from './math/library.js';
import { defineMatMul } from './matmul/matmul.js';
import { relaxedSimd } from './matmul/relaxed.js';
import { aligned, placedValues, planMemory } from './memory.js';
import { valuesInPlace } from './in-place.js';
import { holderOf, type AssignStep, type MatMulStep, type Value, type VariableSlot } from './program.js';
import { Resolver } from './resolve.js';
import { bytesOf } from './scalar-ops.js';

/** Where compiled code may fail. */
export interface Site {
  readonly op: Operation;
  /** null for an integer division by zero. */
  readonly bound: { readonly what: string; readonly size: number } | null;
}

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

export function emit(fused: Fused): Emitted {
  return new Emitter(fused).run();
}

class Emitter {
  readonly #fused: Fused;
  readonly #module = new ModuleBuilder();
  readonly #sites: Site[] = [];
  readonly #constants = new Map<NDArray, number>();
  #size = 0;

  constructor(fused: Fused) {
    this.#fused = fused;
  }

  run(): Emitted {
    const module = this.#module;
    const host = module.importFunction('env', 'host', { params: ['i32'], results: [] });
    const place = module.importFunction('env', 'place', { params: ['i32'], results: [] });
    const fail = module.importFunction('env', 'fail', { params: ['i32', 'f64'], results: [] });
    const divide = module.importFunction('env', 'divide', { params: ['i32'], results: [] });
    const poll = module.importFunction('env', 'poll', { params: ['i32'], results: [] });
    const assigned = module.importFunction('env', 'assigned', { params: ['i32'], results: [] });
    const products = new Map<MatMulStep, Product>();
    for (const step of this.#fused.steps) if (step.kind === 'matmul') products.set(step, this.#product(step));
    const scratch = Math.max(0, ...[...products.values()].map((product) => product.scratch));
    const storage = valuesInPlace(this.#fused);
    const memory = planMemory(this.#fused, placedValues(this.#fused), storage, scratch);
    this.#size = memory.size;
    const address = (of: Value | NDArray): number =>
      'data' in of && 'dtype' in of && !('id' in of) ? this.#constant(of) : memory.addressOf.get(of)!;
    const context: EmitContext = {
      libraries: { math: new MathLibrary(module), ints: new IntLibrary(module, divide), isHot: false },
      address,
      place,
      fail,
      site: (op, bound) => this.#sites.push({ op, bound: bound && { what: bound.what, size: bound.size } }) - 1,
    };
    const resolver = new Resolver(this.#fused);
    const calls = this.#fused.steps.map((step, i): Call => {
      if (step.kind === 'host') return { fn: host, operands: [i] };
      if (step.kind === 'assign') {
        const value = holderOf(step.value);
        const from = storage.get(value) === step.variable ? null : address(value.data ?? value);
        return this.#assign(step, from, memory.variables.get(step.variable)!, assigned, i);
      }
      if (step.kind === 'kernel')
        return { fn: defineKernel(module, `kernel${i}`, step, this.#fused, resolver, context), operands: [] };
      return this.#multiply(step, products.get(step)!, memory.scratch, address);
    });
    const read = this.#read();
    const variables = this.#fused.variables.map((slot): PlacedVariable => {
      return { slot, address: memory.variables.get(slot)!, isRead: read.has(slot.initial) };
    });
    const kept = variables.filter(({ slot, isRead }) => isRead && !storage.has(slot.initial));
    const copies = kept.map(({ slot, address: from }) => this.#copy(from, memory.addressOf.get(slot.initial)!, slot));
    module.export(this.#entry(copies, calls, poll), 'run');
    module.importMemory('env', 'memory', { initial: Math.ceil(this.#size / 65536) });
    return {
      bytes: module.finish(),
      sites: this.#sites,
      addressOf: memory.addressOf,
      constants: this.#constants,
      variables,
      size: this.#size,
    };
  }

  #constant(array: NDArray): number {
    let at = this.#constants.get(array);
    if (at === undefined) {
      this.#constants.set(array, (at = this.#size));
      this.#size += aligned(array.size * bytesOf(array.dtype));
    }
    return at;
  }

  /** What somebody reads, in this plan or outside. */
  #read(): ReadonlySet<Value> {
    const { reads, steps, fetches } = this.#fused;
    const read = new Set(fetches.map(holderOf));
    for (const values of reads) for (const value of values) read.add(value);
    for (const step of steps) if (step.kind === 'host') for (const input of step.inputs) read.add(holderOf(input));
    return read;
  }

  /** Brings a new content to the place of its variable, where it is not made there, and reports it. */
  #assign({ variable }: AssignStep, from: number | null, to: number, assigned: FunctionRef, i: number): Call {
    if (from === null) return { fn: assigned, operands: [i] };
    const copy = this.#copy(from, to, variable);
    const fn = this.#module.define(`assign${i}`, { params: [], results: [] }, (code) => {
      code.call(copy).i32(i).call(assigned);
    });
    return { fn, operands: [] };
  }

  #copy(from: number, to: number, { dtype, shape }: VariableSlot): FunctionRef {
    return this.#module.define('copy', { params: [], results: [] }, (code) => {
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
    const relaxed = relaxedSimd();
    return { ...defineMatMul(this.#module, { dtype, m, k, n, transposeA, transposeB, relaxed }), m };
  }

  /** A call for each matrix of the batch. */
  #multiply({ a, b, out }: MatMulStep, product: Product, scratch: number, address: EmitContext['address']): Call {
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
    const fn = this.#module.define('batch', { params: [], results: [] }, (code) => {
      for (let i = 0; i < count; i++) {
        for (const operand of one(i)) code.i32(operand);
        code.call(product.fn);
      }
    });
    return { fn, operands: [] };
  }

  /** Takes whether to ask, before each step, if there is time left. `first`: what runs before all steps. */
  #entry(first: readonly FunctionRef[], calls: readonly Call[], poll: FunctionRef): FunctionRef {
    const type = { params: ['i32'], results: [] } as const;
    const parts: FunctionRef[] = [];
    for (let from = 0; from < calls.length; from += callsInEntry) {
      const some = calls.slice(from, from + callsInEntry);
      parts.push(
        this.#module.define(`part${parts.length}`, type, (code) => {
          some.forEach(({ fn, operands }, i) => {
            code.get(code.params[0]!).if(() => code.i32(from + i).call(poll));
            for (const operand of operands) code.i32(operand);
            code.call(fn);
          });
        }),
      );
    }
    return this.#module.define('run', type, (code) => {
      for (const fn of first) code.call(fn);
      for (const part of parts) code.get(code.params[0]!).call(part);
    });
  }
}

interface Call {
  readonly fn: FunctionRef;
  readonly operands: readonly number[];
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
