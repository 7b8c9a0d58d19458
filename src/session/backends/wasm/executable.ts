/** A plan compiled for concrete feed shapes, at its place in a session's memory: what runs it. */
import {
  DeadlineExceededError,
  FailedPreconditionError,
  InvalidArgumentError,
  TapelessError,
} from '../../../graph/errors.js';
import { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { sizeOf } from '../../../graph/shape.js';
import { Kernel } from '../../../ops/evaluate.js';
import { opDef, type FunctionRunner } from '../../../ops/opdef.js';
import type { RunLimits } from '../../plan.js';
import { bytesOf, type RunMetadata, type Timing } from '../../run-metadata.js';
import type { LoadedBodies } from '../bodies.js';
import type { Emitted, PlacedVariable } from './emit.js';
import { engine, type Module } from './engine.js';
import type { Banded } from './bands.js';
import type { Fused } from './fuse.js';
import { outputsOf } from './memory.js';
import { callersOf, holderOf, type HostStep, type Value, type VariableSlot } from './program.js';
import { Loops } from './regions.js';
import type { Resident, Residents } from './residents.js';
import { stepInfos } from './step-infos.js';

interface Host {
  readonly step: HostStep;
  readonly kernel: Kernel;
  readonly wanted: readonly boolean[];
}

interface Variable {
  readonly placed: PlacedVariable;
  readonly resident: Resident;
  /** The step of its first assignment; infinite where there is none. */
  readonly assignedAt: number;
}

/** A value in memory. */
interface Place {
  readonly value: Value;
  readonly address: number;
  view: Float32Array;
}

interface FedPlace {
  /** Null where compiled code does not read it. */
  readonly place: Place | null;
  /** Where it is read as an array. */
  readonly kept: Value | null;
}

/** Does a job of the running instance: its number, and how many chunks it has. */
export type Share = (job: number, chunks: number) => void;

export class Instance {
  readonly #fused: Banded;
  readonly #emitted: Emitted;
  readonly #residents: Residents;
  readonly #bodies: LoadedBodies;
  readonly #enter: (polls: number) => void;
  readonly #hosts = new Map<number, Host>();
  readonly #variables: readonly Variable[];
  readonly #places = new Map<Value, Place>();
  readonly #feeds: readonly FedPlace[];
  /** What is there as arrays in this run, besides or instead of memory. */
  readonly #arrays = new Map<Value, NDArray>();
  /** What may be something else in the next iteration of a loop. */
  readonly #changing: ReadonlySet<Value>;
  readonly #hasFlow: boolean;
  readonly #place: number[] = [];
  #buffer: ArrayBuffer;
  #progress: Int32Array;
  #limits: RunLimits | null = null;
  #timing: Timing | null = null;
  #functions: FunctionRunner | null = null;
  #failedAt = -1;

  constructor(
    fused: Banded,
    emitted: Emitted,
    module: Module,
    residents: Residents,
    bodies: LoadedBodies,
    share: (chunk: unknown) => Share,
  ) {
    this.#fused = fused;
    this.#emitted = emitted;
    this.#residents = residents;
    this.#bodies = bodies;
    const { heap } = residents;
    for (const [array, address] of emitted.constants)
      heap.view(array.dtype, address, array.size).set(array.data as Float32Array);
    for (const [value, address] of emitted.addressOf)
      this.#places.set(value, { value, address, view: heap.view(value.dtype, address, sizeOf(value.shape!)) });
    this.#buffer = heap.buffer;
    this.#progress = new Int32Array(heap.buffer, heap.progress, 1);
    this.#variables = emitted.variables.map((placed) => ({
      placed,
      resident: residents.of(placed.slot),
      assignedAt: firstAssignment(fused, placed.slot),
    }));
    this.#hasFlow = fused.steps.some(({ kind }) => kind === 'flow');
    this.#changing = changing(fused);
    const used = readers(fused);
    this.#feeds = fused.feeds.map((value) => ({
      place: this.#places.get(value) ?? null,
      kept: used.has(value) ? value : null,
    }));
    fused.steps.forEach((step, i) => {
      if (step.kind !== 'host') return;
      const wanted = step.outputs.map((output) => used.has(output) || this.#places.has(output));
      this.#hosts.set(i, { step, kernel: new Kernel(opDef(step.op.type), step.op), wanted });
    });
    const env = {
      memory: heap.memory,
      host: (i: number) => this.#host(i),
      poll: (i: number) => this.#poll(i),
      place: (index: number) => void this.#place.push(index),
      fail: (site: number, index: number) => this.#fail(site, index),
      divide: (site: number) => this.#divide(site),
      share: (job: number, chunks: number) => shared(job, chunks),
    };
    const { exports } = new engine!.Instance(module, { env });
    const shared = share(exports['chunk']);
    this.#enter = exports['run'] as (polls: number) => void;
  }

  /** Whether all variables that branches or loops may need hold something; if not, it takes a run to say whether they do need it. */
  get isReady(): boolean {
    const { variables } = this.#residents.resources;
    return (
      !this.#hasFlow || this.#variables.every(({ placed, resident }) => !placed.isRead || variables.has(resident.key))
    );
  }

  /** Feeds are read, never kept; results have storage of their own. */
  run(feeds: readonly (NDArray | null)[], limits: RunLimits): readonly NDArray[] {
    this.#look();
    this.#limits = limits;
    this.#failedAt = -1;
    this.#progress[0] = 0;
    try {
      for (let i = 0; i < feeds.length; i++) this.#feed(this.#feeds[i]!, feeds[i]!);
      for (const { placed, resident } of this.#variables)
        // The operation itself says what is wrong.
        if (placed.isRead && !this.#residents.bring(resident)) throw this.#uninitialized(placed.slot);
      if (limits.trace) this.#timed(limits.trace);
      else this.#enter(limits.deadline < Infinity ? 1 : 0);
      this.#look();
      return this.#fused.fetches.map((fetch) => this.#fetched(fetch));
    } finally {
      this.#handOver();
      if (this.#arrays.size > 0) this.#arrays.clear();
      this.#place.length = 0;
      this.#limits = null;
      this.#functions = null;
    }
  }

  #timed(trace: RunMetadata): void {
    this.#timing = trace.begin(() => stepInfos(this.#fused, this.#emitted.bands));
    try {
      this.#enter(1);
    } finally {
      this.#timing.end();
      this.#timing = null;
    }
  }

  /** Makes views again where memory has grown since. */
  #look(): void {
    const { heap } = this.#residents;
    if (this.#buffer === heap.buffer) return;
    this.#buffer = heap.buffer;
    this.#progress = new Int32Array(heap.buffer, heap.progress, 1);
    for (const place of this.#places.values()) {
      const { dtype, shape } = place.value;
      place.view = heap.view(dtype, place.address, sizeOf(shape!));
    }
  }

  #feed({ place, kept }: FedPlace, array: NDArray | null): void {
    if (!array) return;
    if (place) place.view.set(array.data as Float32Array);
    if (kept) this.#arrays.set(kept, array);
  }

  /** The session's variables are what memory holds, as far as this run has come. */
  #handOver(): void {
    for (const { resident, assignedAt } of this.#variables)
      if (resident.current !== resident.own && this.#progress[0]! > assignedAt) this.#residents.hand(resident);
  }

  #uninitialized({ op, handle, dtype, shape }: VariableSlot): unknown {
    const inputs = op.inputs.map((input) => (input.dtype === 'resource' ? handle : NDArray.filled(dtype, shape, 0)));
    try {
      new Kernel(opDef(op.type), op).run(inputs, this.#residents.resources);
    } catch (error) {
      return this.#explained(error, op);
    }
    return new FailedPreconditionError(`The variable of '${op.name}' holds nothing.`, op.details());
  }

  #fetched(value: Value): NDArray {
    const holder = holderOf(value);
    const known = holder.data ?? this.#arrays.get(holder);
    const array = known ? known.copy() : this.#read(holder);
    return value.shape === null || value === holder ? array : array.reshape(value.shape);
  }

  /** The value as an array that nobody else writes to. */
  #array(value: Value): NDArray {
    const holder = holderOf(value);
    const known = holder.data ?? this.#arrays.get(holder);
    const array = known ?? this.#read(holder);
    if (!known && !this.#changing.has(holder)) this.#arrays.set(holder, array);
    return value.shape === null || value === holder ? array : array.reshape(value.shape);
  }

  #read(value: Value): NDArray {
    return new NDArray(value.dtype, value.shape!, this.#places.get(value)!.view.slice() as never);
  }

  #host(i: number): void {
    const { step, kernel, wanted } = this.#hosts.get(i)!;
    const { op } = step;
    this.#look();
    const before = this.#progress[0]!;
    try {
      const inputs = step.inputs.map((input) => this.#array(input));
      this.#functions ??= this.#bodies.runner(this.#limits!);
      const results = kernel.run(inputs, this.#residents.resources, wanted, this.#functions);
      this.#look();
      step.outputs.forEach((output, k) => wanted[k] && this.#take(output, results[k]!));
      this.#timing?.wrote(bytesOf(results));
      // Bodies that it ran have noted their own progress.
      this.#progress[0] = Math.max(before, i + 1);
    } catch (error) {
      this.#failedAt = i;
      this.#progress[0] = Math.max(before, i);
      throw this.#explained(error, op, step.callers);
    }
  }

  #poll(i: number): void {
    this.#timing?.step(i);
    if (Date.now() <= this.#limits!.deadline) return;
    const step = this.#fused.steps[i]!;
    const { op } = step.kind === 'kernel' ? step.members[0]! : step;
    const callers = callersOf(step);
    const error = new DeadlineExceededError(
      `The run took too long: it stopped before '${op.name}' (${op.type}, created at ${op.createdAt}).${this.#effectsBefore(i, op, callers)}`,
      op.details(),
    );
    throw this.#inCalls(error, i, callers);
  }

  #take(output: Value, array: NDArray): void {
    // What the session holds in memory changes.
    const isOwn = (array.data as Float32Array).buffer === this.#buffer;
    this.#arrays.set(output, isOwn ? array.copy() : array);
    const place = this.#places.get(output);
    if (!place) return;
    if (array.shape.join() !== output.shape!.join()) {
      throw new InvalidArgumentError(
        `${output.op.type} '${output.op.name}' gives the shape [${array.shape.join(', ')}] where [${output.shape!.join(', ')}] was inferred.`,
      );
    }
    place.view.set(array.data as Float32Array);
  }

  #explained(error: unknown, op: Operation, callers: readonly Operation[] = []): unknown {
    if (!(error instanceof TapelessError)) return error;
    const at = this.#failedAt < 0 ? this.#progress[0]! : this.#failedAt;
    error.message += ` [${op.type} created at ${op.createdAt}]${this.#effectsBefore(at, op, callers)}`;
    return this.#inCalls(error, at, callers);
  }

  /** Adds the calls that the error is in. */
  #inCalls(error: Error, at: number, callers: readonly Operation[]): Error {
    callers.forEach((op, i) => {
      const outside = callers.slice(i + 1);
      error.message += ` [${op.type} created at ${op.createdAt}]${this.#effectsBefore(at, op, outside)}`;
    });
    return error;
  }

  #fail(site: number, index: number): never {
    const { what, size } = this.#emitted.sites[site]!.bound!;
    const element = this.#place.length > 0 ? `${what}[${this.#place.join(',')}]` : what;
    throw this.#error(site, `${element} = ${index} is not in [0, ${size})`);
  }

  #divide(site: number): never {
    throw this.#error(site, 'Integer division by zero');
  }

  #error(site: number, message: string): unknown {
    const { op, callers } = this.#emitted.sites[site]!;
    return this.#explained(new InvalidArgumentError(`${op.type} '${op.name}': ${message}`, op.details()), op, callers);
  }

  /** What a function, or the plan, that fails at `failing` leaves behind, as a sentence for its error. */
  #effectsBefore(at: number, failing: Operation, callers: readonly Operation[]): string {
    const done = new Set<Operation>();
    for (const step of this.#fused.steps.slice(0, at)) {
      if (step.kind !== 'host' && step.kind !== 'assign') continue;
      const chain = [step.op, ...callersOf(step)];
      const op = chain.at(-callers.length - 1);
      const isHere = callers.every((caller, i) => chain.at(i - callers.length) === caller);
      if (op && isHere && op !== failing && opDef(op.type).effect === 'write') done.add(op);
    }
    if (done.size === 0) return '';
    const names = [...done].slice(0, 3).map(({ name }) => `'${name}'`);
    return ` What this run had already written stays: ${names.join(', ')}${done.size > 3 ? ' …' : ''}.`;
  }
}

/** All values that the host, or the caller, reads. */
function readers({ steps, fetches }: Fused): ReadonlySet<Value> {
  const used = new Set<Value>(fetches.map(holderOf));
  for (const step of steps) if (step.kind === 'host') for (const input of step.inputs) used.add(holderOf(input));
  return used;
}

function changing({ steps }: Fused): ReadonlySet<Value> {
  const loops = new Loops(steps);
  return new Set(steps.flatMap((step, at) => (loops.has(at) ? outputsOf(step) : [])));
}

function firstAssignment({ steps }: Fused, slot: VariableSlot): number {
  const at = steps.findIndex((step) => step.kind === 'assign' && step.variable === slot);
  return at < 0 ? Infinity : at;
}
