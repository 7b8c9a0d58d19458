/** One module for a whole plan: a function for each kernel, and an entry that calls them one after another. */
import type { NDArray } from '../../../graph/ndarray.js';
import type { FunctionRef } from './assembler/code.js';
import type { MemoryLimits } from './assembler/module.js';
import { Convolutions } from './conv/calls.js';
import type { EmitContext } from './elements.js';
import { defineChunk, defineRun, serial, splitIn, type EntryStep } from './entry.js';
import type { Band, Banded } from './bands.js';
import { valuesInPlace } from './in-place.js';
import { defineKernel, defineSharedSum, type DefinedKernel } from './kernel.js';
import type { Layout } from './layout.js';
import { placedValues, planMemory, type MemoryPlan } from './memory.js';
import { emitCopy, emitPut } from './copy.js';
import { ModuleParts, type Site } from './parts.js';
import { Products, storageOf } from './products.js';
import {
  holderOf,
  type AssignStep,
  type FlowStep,
  type ConvolutionStep,
  type KernelStep,
  type MatMulStep,
  type ProgramStep,
  type Value,
  type VariableSlot,
} from './program.js';
import { Loops } from './regions.js';
import { callOf, callsOfBand, type Ranged } from './ranges.js';
import { defineScatter } from './scatter.js';
import { bytesOf } from './scalar-ops.js';
import { SharedSums } from './shared-sums.js';
import { worthOf } from './worth.js';

export interface EmitOptions {
  readonly layout: Layout;
  /** How many may share the work of a step. */
  readonly threads: number;
  /** Whether fused multiply-add may be used in products. */
  readonly relaxed: boolean;
  /** The word where a run notes the number of the step after the last assignment that it has made. */
  readonly progress: number;
}

export interface Emitted extends EmittedPlan {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sites: readonly Site[];
}

export interface EmittedPlan {
  readonly addressOf: ReadonlyMap<Value, number>;
  readonly constants: ReadonlyMap<NDArray, number>;
  readonly variables: readonly PlacedVariable[];
  /** Bytes of values and scratch. */
  readonly size: number;
  /** Whether threads can share some of its work. */
  readonly isShared: boolean;
  /** Those that are one call: of others there are fewer rows than threads. */
  readonly bands: readonly Band[];
}

/** A variable, the byte where it is, and whether the plan needs what it holds beforehand. */
export interface PlacedVariable {
  readonly slot: VariableSlot;
  readonly address: number;
  readonly isRead: boolean;
}

export interface ModuleOptions extends EmitOptions {
  readonly memory: MemoryLimits;
  /** Whether functions keep their names. */
  readonly names?: boolean;
}

type RowStep = KernelStep | MatMulStep | ConvolutionStep;

/** A session's plan whose values have their places, and the module that it is for. */
export interface Placed {
  readonly plan: PlanEmitter;
  readonly parts: ModuleParts;
  readonly options: ModuleOptions;
}

export function place(fused: Banded, options: ModuleOptions): Placed {
  const parts = new ModuleParts(true);
  return { plan: new PlanEmitter(fused, parts, options), parts, options };
}

/** The module of a session's plan: it imports `memory`, and exports `run` and what threads need. */
export function emit({ plan, parts, options }: Placed): Emitted {
  const emitted = plan.run('run');
  const { module, sites } = parts;
  const { memory, names = false } = options;
  return { ...emitted, bytes: module.importMemory('env', 'memory', memory).finish({ names }), sites };
}

/** Emits one plan into a module. Made, it has asked for the place of its values; run, for those of constants too. */
export class PlanEmitter {
  readonly fused: Banded;
  readonly #options: EmitOptions;
  readonly #parts: ModuleParts;
  readonly #products: Products;
  readonly #convolutions: Convolutions;
  readonly #sums: SharedSums;
  /** Values in the place of variables. */
  readonly storage: ReadonlyMap<Value, VariableSlot>;
  readonly memory: MemoryPlan;
  /** Bytes that products and convolutions work in, of each thread. */
  readonly #scratchEach: number;
  /** Bytes that products, convolutions and sums work in. */
  readonly scratch: number;
  readonly #constants = new Map<NDArray, number>();
  readonly #loops: Loops;

  constructor(fused: Banded, parts: ModuleParts, options: EmitOptions) {
    this.fused = fused;
    this.#options = options;
    this.#parts = parts;
    this.#loops = new Loops(fused.steps);
    const products = fused.steps.filter((step): step is MatMulStep => step.kind === 'matmul');
    this.#products = new Products(parts, products, options);
    this.storage = valuesInPlace(fused);
    const convolutions = fused.steps.filter((step): step is ConvolutionStep => step.kind === 'convolution');
    this.#convolutions = new Convolutions(parts.module, convolutions, options);
    this.#scratchEach = Math.max(this.#products.scratch, this.#convolutions.scratch);
    this.#sums = new SharedSums(fused, options.threads);
    this.scratch = Math.max(this.#scratchEach * options.threads, this.#sums.scratch);
    this.memory = planMemory(fused, placedValues(fused), this.storage, this.scratch, options.layout);
  }

  /** `name`: what its entry is exported as. */
  run(name: string): EmittedPlan {
    const { module, hosted } = this.#parts;
    const calls = this.#calls();
    const read = this.#read();
    const variables = this.fused.variables.map((slot): PlacedVariable => {
      const { key } = slot;
      // What changes perhaps may stay as it was.
      const mayStay = this.fused.steps.some((step) => step.kind === 'flow' && step.variable?.key === key);
      const isRead = mayStay || read.has(slot.initial);
      return { slot, address: this.#options.layout.variable(slot), isRead };
    });
    const kept = variables.filter(({ slot, isRead }) => isRead && !this.storage.has(slot.initial));
    const copies = kept.map(({ slot, address: from }) => {
      const to = this.memory.addressOf.get(slot.initial)!;
      return module.define('copy', { params: [], results: [] }, (code) => emitCopy(code, from, to, slot));
    });
    defineRun(module, name, copies, calls, hosted);
    defineChunk(module, calls);
    return {
      addressOf: this.memory.addressOf,
      constants: this.#constants,
      variables,
      size: this.memory.size,
      isShared: calls.some((call) => call !== null && 'split' in call && call.split !== null),
      bands: this.fused.bands.filter(({ from }) => calls[from + 1] === null),
    };
  }

  /** Null for a step that is part of a band which began before. */
  #calls(): readonly (EntryStep | null)[] {
    const { steps, bands } = this.fused;
    const { threads } = this.#options;
    const calls: (EntryStep | null)[] = [];
    for (const { from, to, rows } of [...bands, { from: steps.length, to: steps.length, rows: 0 }]) {
      for (let i = calls.length; i < from; i++) calls.push(this.#call(steps[i]!, i));
      if (from === to) break;
      const works = steps.slice(from, to).map((step, i) => this.#work(step as RowStep, from + i));
      calls.push(...callsOfBand(this.#parts.module, `band${from}`, works, rows, threads));
    }
    return calls;
  }

  #call(step: ProgramStep, i: number): EntryStep {
    switch (step.kind) {
      case 'host':
        return serial(this.#parts.hosted!.host, [i]);
      case 'assign':
        return serial(this.#assign(step, i));
      case 'flow':
        return this.#flow(step);
      case 'scatter':
        return serial(defineScatter(this.#parts, `scatter${i}`, step, i, (of) => this.#address(storageOf(of))));
      case 'kernel':
        return (
          this.#sum(step, i) ?? (this.#isShared(step) ? this.#whole(step, i) : serial(this.#kernel(step, i, false).fn))
        );
      case 'matmul':
      case 'convolution':
        return this.#whole(step, i);
    }
  }

  #whole(step: RowStep, i: number): EntryStep {
    return callOf(this.#work(step, i), this.#options.threads);
  }

  /** What goes through rows, so that any of them can be asked for. */
  #work(step: RowStep, i: number): Ranged {
    const scratch = { address: this.memory.scratch, bytes: this.#scratchEach };
    if (step.kind === 'matmul') return this.#products.work(step, scratch, (of) => this.#address(storageOf(of)));
    if (step.kind === 'convolution') return this.#convolutions.work(step, scratch, (of) => this.#address(of));
    const { fn, hasParts } = this.#kernel(step, i, true);
    const { extent, grain } = this.fused.nests.of(step);
    const least = hasParts ? grain : extent;
    return {
      fn,
      operands: [],
      scratch: null,
      extent,
      grain: least,
      tile: least,
      least: 1,
      worth: worthOf(step, this.fused),
    };
  }

  #flow({ flow, inputs: [input, index], outputs: [output], variable }: FlowStep): EntryStep {
    if (flow !== 'move' && flow !== 'content' && flow !== 'put' && flow !== 'room')
      return { mark: flow, address: input ? this.#address(storageOf(input)) : 0 };
    const type = { params: [], results: [] };
    const to = this.#address(output!);
    if (flow === 'move') {
      const from = this.#address(storageOf(input!));
      return serial(this.#parts.module.define('move', type, (code) => emitCopy(code, from, to, output!)));
    }
    if (flow === 'put') {
      const [from, at] = [input!, index!].map((value) => this.#address(storageOf(value))) as [number, number];
      return serial(this.#parts.module.define('put', type, (code) => emitPut(code, from, at, to, input!)));
    }
    const from = flow === 'room' ? to : this.#options.layout.variable(variable!);
    return serial(
      this.#parts.module.define('content', type, (code) => {
        if (from !== to) emitCopy(code, from, to, output!);
      }),
    );
  }

  #address(of: Value | NDArray): number {
    return 'id' in of ? this.memory.addressOf.get(of)! : this.#constant(of);
  }

  #constant(array: NDArray): number {
    let at = this.#constants.get(array);
    if (at === undefined) {
      at = this.#options.layout.constant(array.size * bytesOf(array.dtype), array);
      this.#constants.set(array, at);
    }
    return at;
  }

  /** What somebody reads, in this plan or outside. */
  #read(): ReadonlySet<Value> {
    const { reads, steps, fetches } = this.fused;
    const read = new Set(fetches.map(holderOf));
    for (const values of reads) for (const value of values) read.add(value);
    for (const step of steps) if (step.kind === 'host') for (const input of step.inputs) read.add(holderOf(input));
    return read;
  }

  /** Whether threads may share it; what fails, fails in the thread that can say so. */
  #isShared(step: KernelStep): boolean {
    const { extent, grain } = this.fused.nests.of(step);
    const fails = step.members.some((member) => this.fused.failing.has(member));
    return this.#options.threads > 1 && !fails && extent >= 2 * grain && worthOf(step, this.fused) > 1;
  }

  /** A reduction whose terms threads share, if it is one. */
  #sum(step: KernelStep, i: number): EntryStep | null {
    const sum = this.#sums.of(step);
    if (!sum) return null;
    const { module } = this.#parts;
    const { nests } = this.fused;
    const defined = defineSharedSum(module, `kernel${i}`, step, nests, this.#context(i), sum, this.memory.scratch);
    const { fn, last, shares, grain } = defined;
    return { fn, operands: [], split: { ...splitIn(4 * this.#options.threads, shares, grain), scratch: null, last } };
  }

  #kernel(step: KernelStep, i: number, isRanged: boolean): DefinedKernel {
    return defineKernel(this.#parts.module, `kernel${i}`, step, this.fused.nests, this.#context(i), isRanged);
  }

  #context(i: number): EmitContext {
    const { sites, libraries, place, fail } = this.#parts;
    return {
      libraries,
      address: (of) => this.#address(of),
      place,
      fail,
      site: ({ op, callers }, bound) =>
        sites.push({ op, callers, bound: bound && { what: bound.what, size: bound.size }, step: i }) - 1,
    };
  }

  /** Brings a new content to the place of its variable, where it is not made there, and notes that it is there. */
  #assign({ variable, value }: AssignStep, i: number): FunctionRef {
    return this.#parts.module.define(`assign${i}`, { params: [], results: [] }, (code) => {
      if (this.storage.get(holderOf(value)) !== variable)
        emitCopy(code, this.#address(storageOf(value)), this.#options.layout.variable(variable), variable);
      const { progress } = this.#options;
      const note = (): unknown =>
        code
          .i32(progress)
          .i32(i + 1)
          .memory('i32.store');
      // In a loop, steps after this one may have been made.
      if (!this.#loops.has(i)) return void note();
      code
        .i32(progress)
        .memory('i32.load')
        .i32(i + 1)
        .op('i32.lt_s')
        .if(note);
    });
  }
}
