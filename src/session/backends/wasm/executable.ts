/** A plan compiled for concrete feed shapes, with memory of its own: what runs it. */
import type { DType } from '../../../graph/dtype.js';
import {
  DeadlineExceededError,
  FailedPreconditionError,
  InvalidArgumentError,
  OutOfMemoryError,
  TapelessError,
} from '../../../graph/errors.js';
import { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { sizeOf } from '../../../graph/shape.js';
import { Kernel } from '../../../ops/evaluate.js';
import { opDef, type FunctionRunner, type Resources } from '../../../ops/opdef.js';
import type { RunLimits } from '../../plan.js';
import type { Emitted, PlacedVariable } from './emit.js';
import { engine, type Memory, type Module } from './engine.js';
import type { Fused } from './fuse.js';
import { holderOf, type AssignStep, type HostStep, type Value, type VariableSlot } from './program.js';

interface Host {
  readonly step: HostStep;
  readonly kernel: Kernel;
  readonly wanted: readonly boolean[];
}

interface Run {
  readonly resources: Resources;
  readonly limits: RunLimits;
  readonly functions: FunctionRunner;
}

interface Resident {
  readonly placed: PlacedVariable;
  /** What was last brought from the session, or given to it. */
  array: NDArray | null;
}

export class Instance {
  readonly #fused: Fused;
  readonly #emitted: Emitted;
  readonly #memory: Memory;
  readonly #run: (polls: number) => void;
  readonly #hosts = new Map<number, Host>();
  readonly #variables: readonly Resident[];
  /** What is there as arrays in this run, besides or instead of memory. */
  readonly #arrays = new Map<Value, NDArray>();
  readonly #place: number[] = [];
  #current: Run | null = null;
  #at = 0;

  constructor(fused: Fused, emitted: Emitted, module: Module) {
    this.#fused = fused;
    this.#emitted = emitted;
    this.#memory = memoryOf(emitted.size);
    this.#variables = emitted.variables.map((placed) => ({ placed, array: null }));
    for (const [array, address] of emitted.constants) this.#write(array, address);
    const used = readers(fused);
    fused.steps.forEach((step, i) => {
      if (step.kind !== 'host') return;
      const wanted = step.outputs.map((output) => used.has(output));
      this.#hosts.set(i, { step, kernel: new Kernel(opDef(step.op.type), step.op), wanted });
    });
    const env = {
      memory: this.#memory,
      host: (i: number) => this.#host(i),
      assigned: (i: number) => this.#assigned(i),
      poll: (i: number) => this.#poll(i),
      place: (index: number) => void this.#place.push(index),
      fail: (site: number, index: number) => this.#fail(site, index),
      divide: (site: number) => this.#divide(site),
    };
    this.#run = new engine!.Instance(module, { env }).exports['run'] as (polls: number) => void;
  }

  run(feeds: readonly (NDArray | null)[], current: Run): readonly NDArray[] {
    this.#current = current;
    this.#at = -1;
    try {
      this.#fused.feeds.forEach((value, i) => {
        const array = feeds[i];
        if (!array) return;
        this.#arrays.set(value, array);
        const address = this.#emitted.addressOf.get(value);
        if (address !== undefined) this.#write(array, address);
      });
      for (const variable of this.#variables) this.#bring(variable, current.resources);
      this.#run(current.limits.deadline < Infinity ? 1 : 0);
      return this.#fused.fetches.map((fetch) => this.#array(fetch));
    } finally {
      this.#arrays.clear();
      this.#place.length = 0;
      this.#current = null;
    }
  }

  /** Brings what a variable holds, unless it is there. @throws FailedPreconditionError where it holds nothing and is read */
  #bring(variable: Resident, resources: Resources): void {
    const { slot, address, isRead } = variable.placed;
    const held = resources.variables.get(slot.key);
    if (!isRead || (held && held === variable.array)) return;
    // The operation itself says what is wrong.
    if (!held) throw this.#uninitialized(slot, resources);
    this.#write(held, address);
    variable.array = held;
  }

  #uninitialized({ op, handle, dtype, shape }: VariableSlot, resources: Resources): unknown {
    const inputs = op.inputs.map((input) => (input.dtype === 'resource' ? handle : NDArray.filled(dtype, shape, 0)));
    try {
      new Kernel(opDef(op.type), op).run(inputs, resources);
    } catch (error) {
      return this.#explained(error, op);
    }
    return new FailedPreconditionError(`The variable of '${op.name}' holds nothing.`, op.details());
  }

  /** From here on the session's variable is what this memory holds: a new array each time, so that others see it has changed. */
  #assigned(i: number): void {
    const step = this.#fused.steps[i] as AssignStep;
    const variable = this.#variables.find(({ placed }) => placed.slot === step.variable)!;
    const { dtype, shape } = step.variable;
    variable.array = new NDArray(dtype, shape, this.#view(dtype, variable.placed.address, sizeOf(shape)) as never);
    this.#current!.resources.variables.set(step.variable.key, variable.array);
    this.#at = i + 1;
  }

  /** The value as an array that nobody else writes to. */
  #array(value: Value): NDArray {
    const holder = holderOf(value);
    const known = holder.data ?? this.#arrays.get(holder);
    const array = known ?? this.#read(holder);
    if (!known) this.#arrays.set(holder, array);
    return value.shape === null || value === holder ? array : array.reshape(value.shape);
  }

  #view(dtype: DType, address: number, length: number): Float32Array {
    const { buffer } = this.#memory;
    const make = views[dtype as keyof typeof views];
    return new make(buffer, address, length) as Float32Array;
  }

  #read({ dtype, shape, ...value }: Value): NDArray {
    const address = this.#emitted.addressOf.get(this.#fused.values[value.id]!)!;
    return new NDArray(dtype, shape!, this.#view(dtype, address, sizeOf(shape!)).slice() as never);
  }

  #write({ dtype, data, size }: NDArray, address: number): void {
    this.#view(dtype, address, size).set(data as Float32Array);
  }

  #host(i: number): void {
    const { step, kernel, wanted } = this.#hosts.get(i)!;
    const { op } = step;
    const { resources, functions } = this.#current!;
    this.#at = i;
    try {
      const inputs = step.inputs.map((input) => this.#array(input));
      const results = kernel.run(inputs, resources, wanted, functions);
      step.outputs.forEach((output, k) => wanted[k] && this.#take(output, results[k]!));
      this.#at = i + 1;
    } catch (error) {
      throw this.#explained(error, op);
    }
  }

  #poll(i: number): void {
    if (Date.now() <= this.#current!.limits.deadline) return;
    const step = this.#fused.steps[i]!;
    const { op } = step.kind === 'kernel' ? step.members[0]! : step;
    throw new DeadlineExceededError(
      `The run took too long: it stopped before '${op.name}' (${op.type}, created at ${op.createdAt}).${this.#effectsBefore(i)}`,
      op.details(),
    );
  }

  #take(output: Value, array: NDArray): void {
    this.#arrays.set(output, array);
    const address = this.#emitted.addressOf.get(output);
    if (address === undefined) return;
    if (array.shape.join() !== output.shape!.join()) {
      throw new InvalidArgumentError(
        `${output.op.type} '${output.op.name}' gives the shape [${array.shape.join(', ')}] where [${output.shape!.join(', ')}] was inferred.`,
      );
    }
    this.#write(array, address);
  }

  #explained(error: unknown, op: Operation): unknown {
    if (error instanceof TapelessError)
      error.message += ` [${op.type} created at ${op.createdAt}]${this.#effectsBefore(this.#at)}`;
    return error;
  }

  #fail(site: number, index: number): never {
    const { op, bound } = this.#emitted.sites[site]!;
    const { what, size } = bound!;
    const element = this.#place.length > 0 ? `${what}[${this.#place.join(',')}]` : what;
    throw this.#error(op, `${element} = ${index} is not in [0, ${size})`);
  }

  #divide(site: number): never {
    throw this.#error(this.#emitted.sites[site]!.op, 'Integer division by zero');
  }

  #error(op: Operation, message: string): unknown {
    return this.#explained(new InvalidArgumentError(`${op.type} '${op.name}': ${message}`, op.details()), op);
  }

  /** What a failing run leaves behind, as a sentence for its error. */
  #effectsBefore(at: number): string {
    const before = this.#fused.steps
      .slice(0, Math.max(at, 0))
      .flatMap((step) => (step.kind === 'kernel' ? [] : [step.op]));
    const done = [...new Set(before)].filter(({ type }) => opDef(type).effect === 'write');
    if (done.length === 0) return '';
    const names = done.slice(0, 3).map(({ name }) => `'${name}'`);
    return ` What this run had already written stays: ${names.join(', ')}${done.length > 3 ? ' …' : ''}.`;
  }
}

const views = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array as unknown as typeof Float64Array,
  bool: Uint8Array,
};

/** All values that a step, or the caller, reads. */
function readers({ steps, reads, fetches }: Fused): ReadonlySet<Value> {
  const used = new Set<Value>(fetches.map(holderOf));
  for (const step of steps) if (step.kind === 'host') for (const input of step.inputs) used.add(holderOf(input));
  for (const read of reads) for (const value of read) used.add(value);
  return used;
}

function memoryOf(bytes: number): Memory {
  const pages = Math.ceil(bytes / 65536);
  try {
    if (pages <= 65536) return new engine!.Memory({ initial: pages });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  throw new OutOfMemoryError(`The plan needs ${bytes} bytes of memory, which cannot be had.`);
}
