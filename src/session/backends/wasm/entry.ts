/** The entries of a module: a whole run, and one chunk of one of its jobs. */
import type { Code, FunctionRef, Local } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';
import { EntryWriter, parse } from './flow-emit.js';

/** A call of the run, which any number of threads may share. */
export interface Call {
  readonly fn: FunctionRef;
  readonly operands: readonly number[];
  /** Null where one thread makes it whole. */
  readonly split: Split | null;
}

/** `fn` takes a range as its last two operands. */
export interface Split {
  readonly extent: number;
  /** Of a chunk, the last one may be shorter. */
  readonly size: number;
  readonly scratch: Scratch | null;
}

/** The operand that is so much more for each thread: where its own scratch is, or its number. */
export interface Scratch {
  readonly operand: number;
  readonly bytes: number;
}

/** A mark among calls; where it decides, by the bool at an address. */
export interface Mark {
  readonly mark: 'loop' | 'while' | 'again' | 'if' | 'else' | 'end';
  readonly address: number;
}

export type EntryStep = Call | Mark;

export interface EntryImports {
  /** (step): asks whether there is time left. */
  readonly poll: FunctionRef;
  /** (job, chunks): has a job done. */
  readonly share: FunctionRef;
}

export function serial(fn: FunctionRef, operands: readonly number[] = []): Call {
  return { fn, operands, split: null };
}

/** `chunks` at least, if there is so much; parts begin at multiples of `grain`. */
export function splitIn(chunks: number, extent: number, grain: number): Pick<Split, 'extent' | 'size'> {
  return { extent, size: Math.max(Math.ceil(extent / chunks / grain), 1) * grain };
}

/**
 * (polls): runs all steps, asking before each, and before each iteration, if there is time left where `polls` is not 0. Where nobody can
 * be asked, it takes nothing. `first`: what runs before all steps.
 */
export function defineRun(
  module: ModuleBuilder,
  name: string,
  first: readonly FunctionRef[],
  steps: readonly (EntryStep | null)[],
  imports: EntryImports | null,
): void {
  const writer = new EntryWriter(module, imports);
  const run = module.define(name, writer.type, (code) => {
    for (const fn of first) code.call(fn);
    writer.write(code, parse(steps));
  });
  module.export(run);
}

/** (job, chunk, thread): makes one chunk of a job, with scratch of that thread. */
export function defineChunk(module: ModuleBuilder, steps: readonly (EntryStep | null)[]): void {
  const jobs = steps.filter((step): step is Call => step !== null && 'split' in step && step.split !== null);
  if (jobs.length === 0) return;
  const type = { params: ['i32', 'i32', 'i32'], results: [] } as const;
  const defined = jobs.map((call, i) => {
    return module.define(`job${i}`, { params: ['i32', 'i32'], results: [] }, (code) =>
      emitJob(code, call, call.split!),
    );
  });
  const chunk = module.define('chunk', type, (code) => {
    const [job, index, thread] = code.params as readonly [Local, Local, Local];
    const choose = (from: number, to: number): void => {
      if (to - from === 1) return void code.get(index).get(thread).call(defined[from]!);
      const middle = (from + to) >> 1;
      code.get(job).i32(middle).op('i32.lt_s');
      code.if(
        () => choose(from, middle),
        () => choose(middle, to),
      );
    };
    choose(0, defined.length);
  });
  module.export(chunk);
}

function emitJob(code: Code, { fn, operands }: Call, { extent, size, scratch }: Split): void {
  const [index, thread] = code.params as readonly [Local, Local];
  operandsFor(code, operands, scratch, thread);
  code.get(index).i32(size).op('i32.mul');
  const end = code.local('i32');
  code.get(index).i32(size).op('i32.mul').i32(size).op('i32.add').tee(end).i32(extent);
  code.get(end).i32(extent).op('i32.lt_s', 'select').call(fn);
}

/** Pushes operands, with the scratch of that thread. */
export function operandsFor(code: Code, operands: readonly number[], scratch: Scratch | null, thread: Local): void {
  operands.forEach((operand, i) => {
    code.i32(operand);
    if (scratch?.operand === i) code.get(thread).i32(scratch.bytes).op('i32.mul', 'i32.add');
  });
}
