/** One module for a whole plan: a function for each kernel, and an entry that calls them one after another. */
import type { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import type { FunctionRef } from './assembler/code.js';
import { ModuleBuilder, type MemoryLimits } from './assembler/module.js';
import type { EmitContext } from './elements.js';
import { defineChunk, defineRun, serial, splitIn, type Call, type EntryStep } from './entry.js';
import type { Fused } from './fuse.js';
import { valuesInPlace } from './in-place.js';
import { IntLibrary } from './int-library.js';
import { defineKernel } from './kernel.js';
import { MathLibrary } from './math/library.js';
import type { Layout } from './layout.js';
import { placedValues, planMemory, type MemoryPlan } from './memory.js';
import { emitCopy, emitPut } from './copy.js';
import { Products, storageOf } from './products.js';
import {
  holderOf,
  type AssignStep,
  type FlowStep,
  type KernelStep,
  type MatMulStep,
  type Value,
  type VariableSlot,
} from './program.js';
import { Resolver } from './resolve.js';
import { bytesOf } from './scalar-ops.js';
import { worthOf } from './worth.js';

/** Where compiled code may fail. */
export interface Site {
  readonly op: Operation;
  /** The operations that call the function it belongs to, innermost first. */
  readonly callers: readonly Operation[];
  /** null for an integer division by zero. */
  readonly bound: { readonly what: string; readonly size: number } | null;
}

export interface EmitOptions {
  readonly layout: Layout;
  readonly memory: MemoryLimits;
  /** How many may share the work of a step. */
  readonly threads: number;
  /** Whether fused multiply-add may be used in products. */
  readonly relaxed: boolean;
  /** The word where a run notes the number of the step after the last assignment that it has made. */
  readonly progress: number;
}

export interface Emitted {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sites: readonly Site[];
  readonly addressOf: ReadonlyMap<Value, number>;
  readonly constants: ReadonlyMap<NDArray, number>;
  readonly variables: readonly PlacedVariable[];
  /** Bytes of values and scratch. */
  readonly size: number;
  /** Whether threads can share some of its work. */
  readonly isShared: boolean;
}

/** A variable, the byte where it is, and whether the plan needs what it holds beforehand. */
export interface PlacedVariable {
  readonly slot: VariableSlot;
  readonly address: number;
  readonly isRead: boolean;
}

export function emit(fused: Fused, options: EmitOptions): Emitted {
  return new Emitter(fused, options).run();
}

class Emitter {
  readonly #fused: Fused;
  readonly #options: EmitOptions;
  readonly #module = new ModuleBuilder();
  readonly #imports: ReturnType<typeof importAll>;
  readonly #products: Products;
  readonly #storage: ReadonlyMap<Value, VariableSlot>;
  readonly #memory: MemoryPlan;
  readonly #sites: Site[] = [];
  readonly #constants = new Map<NDArray, number>();

  constructor(fused: Fused, options: EmitOptions) {
    this.#fused = fused;
    this.#options = options;
    this.#imports = importAll(this.#module);
    const products = fused.steps.filter((step): step is MatMulStep => step.kind === 'matmul');
    this.#products = new Products(this.#module, products, options);
    this.#storage = valuesInPlace(fused);
    const { scratch } = this.#products;
    this.#memory = planMemory(fused, placedValues(fused), this.#storage, scratch, options.layout);
  }

  run(): Emitted {
    const module = this.#module;
    const calls = this.#calls();
    const variables = this.#fused.variables.map((slot): PlacedVariable => {
      return { slot, address: this.#options.layout.variable(slot), isRead: this.#isRead(slot) };
    });
    const kept = variables.filter(({ slot, isRead }) => isRead && !this.#storage.has(slot.initial));
    const copies = kept.map(({ slot, address: from }) => {
      const to = this.#memory.addressOf.get(slot.initial)!;
      return module.define('copy', { params: [], results: [] }, (code) => emitCopy(code, from, to, slot));
    });
    defineRun(module, copies, calls, this.#imports);
    defineChunk(module, calls);
    module.importMemory('env', 'memory', this.#options.memory);
    return {
      bytes: module.finish(),
      sites: this.#sites,
      addressOf: this.#memory.addressOf,
      constants: this.#constants,
      variables,
      size: this.#memory.size,
      isShared: calls.some((call) => 'split' in call && call.split !== null),
    };
  }

  #calls(): readonly EntryStep[] {
    const { host, place, fail, divide } = this.#imports;
    const context: EmitContext = {
      libraries: { math: new MathLibrary(this.#module), ints: new IntLibrary(this.#module, divide) },
      address: (of) => this.#address(of),
      place,
      fail,
      site: ({ op, callers }, bound) =>
        this.#sites.push({ op, callers, bound: bound && { what: bound.what, size: bound.size } }) - 1,
    };
    const resolver = new Resolver(this.#fused);
    return this.#fused.steps.map((step, i): EntryStep => {
      switch (step.kind) {
        case 'host':
          return serial(host, [i]);
        case 'assign':
          return serial(this.#assign(step, i));
        case 'flow':
          return this.#flow(step);
        case 'kernel':
          return this.#kernel(step, i, resolver, context);
        case 'matmul':
          return this.#products.call(step, this.#memory.scratch, (of) => this.#address(storageOf(of)));
      }
    });
  }

  #flow({ flow, inputs: [input, index], outputs: [output], variable }: FlowStep): EntryStep {
    if (flow !== 'move' && flow !== 'content' && flow !== 'put' && flow !== 'room')
      return { mark: flow, address: input ? this.#address(storageOf(input)) : 0 };
    const type = { params: [], results: [] };
    const to = this.#address(output!);
    if (flow === 'move') {
      const from = this.#address(storageOf(input!));
      return serial(this.#module.define('move', type, (code) => emitCopy(code, from, to, output!)));
    }
    if (flow === 'put') {
      const [from, at] = [input!, index!].map((value) => this.#address(storageOf(value))) as [number, number];
      return serial(this.#module.define('put', type, (code) => emitPut(code, from, at, to, input!)));
    }
    const from = flow === 'room' ? to : this.#options.layout.variable(variable!);
    return serial(
      this.#module.define('content', type, (code) => {
        if (from !== to) emitCopy(code, from, to, output!);
      }),
    );
  }

  #address(of: Value | NDArray): number {
    return 'id' in of ? this.#memory.addressOf.get(of)! : this.#constant(of);
  }

  #constant(array: NDArray): number {
    let at = this.#constants.get(array);
    if (at === undefined) {
      at = this.#options.layout.constant(array.size * bytesOf(array.dtype));
      this.#constants.set(array, at);
    }
    return at;
  }

  #isRead({ initial, key }: VariableSlot): boolean {
    const { reads, steps, fetches } = this.#fused;
    return (
      // What changes perhaps may stay as it was.
      steps.some((step) => step.kind === 'flow' && step.variable?.key === key) ||
      reads.some((read) => read.has(initial)) ||
      steps.some((step) => step.kind === 'host' && step.inputs.some((input) => holderOf(input) === initial)) ||
      fetches.some((fetch) => holderOf(fetch) === initial)
    );
  }

  #kernel(step: KernelStep, i: number, resolver: Resolver, context: EmitContext): Call {
    const { threads } = this.#options;
    // What fails, fails in the thread that can say so.
    const isSplit =
      threads > 1 && !step.members.some((member) => this.#fused.failing.has(member)) && worthOf(step, this.#fused) > 1;
    const name = `kernel${i}`;
    const { fn, operands, parts } = defineKernel(this.#module, name, step, this.#fused, resolver, context, isSplit);
    if (!parts) return serial(fn, operands);
    return { fn, operands: [], split: { ...splitIn(4 * threads, parts.extent, parts.grain), scratch: null } };
  }

  /** Brings a new content to the place of its variable, where it is not made there, and notes that it is there. */
  #assign({ variable, value }: AssignStep, i: number): FunctionRef {
    return this.#module.define(`assign${i}`, { params: [], results: [] }, (code) => {
      if (this.#storage.get(holderOf(value)) !== variable)
        emitCopy(code, this.#address(storageOf(value)), this.#options.layout.variable(variable), variable);
      const { progress } = this.#options;
      const [before, after] = [code.local('i32'), code.local('i32')];
      // In a loop, steps after this one may have been made.
      code.i32(progress).memory('i32.load').set(before);
      code.i32(i + 1).set(after);
      code.i32(progress).get(before).get(after).get(before).get(after).op('i32.gt_s', 'select').memory('i32.store');
    });
  }
}

function importAll(module: ModuleBuilder) {
  const take = (name: string, params: readonly ('i32' | 'f64')[]): FunctionRef =>
    module.importFunction('env', name, { params, results: [] });
  return {
    /** (step): runs a step on the host. */
    host: take('host', ['i32']),
    place: take('place', ['i32']),
    fail: take('fail', ['i32', 'f64']),
    divide: take('divide', ['i32']),
    poll: take('poll', ['i32']),
    share: take('share', ['i32', 'i32']),
  };
}
