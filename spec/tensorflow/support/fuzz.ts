/** Runs random programs here and in TensorFlow, many to a request, and shrinks those that differ. */
import { Graph } from '../../../src/graph/graph.js';
import { Session } from '../../../src/session/session.js';
import { encodeArray } from './arrays.js';
import { statistics } from './compare.js';
import { compareProgram, type Outcome } from './fuzz-compare.js';
import { faultOf } from './fuzz-limits.js';
import { generate } from './fuzz-generate.js';
import { buildProgram } from './fuzz-build.js';
import { printProgram } from './fuzz-print.js';
import { allSteps, isFlow, type Program } from './fuzz-program.js';
import { kindOf, shrink } from './fuzz-shrink.js';
import { Recorder } from './recorder.js';
import { Matcher } from './structure.js';
import { FlowMatcher } from './structure-flow.js';
import { tensorFlow } from './worker.js';

export interface Failure {
  readonly seed: number;
  readonly program: Program;
  readonly what: string;
}

export interface Report {
  readonly programs: number;
  readonly calls: number;
  readonly ops: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<Outcome['kind'], number>;
  /** What happened how often, besides agreement. */
  readonly notes: ReadonlyMap<string, number>;
  readonly failures: readonly Failure[];
}

const batchSize = 16;
/** Programs `first` to `first + count - 1`. */
export async function fuzz(first: number, count: number, mostFailures = 5): Promise<Report> {
  const tally = new Tally();
  const running: Promise<void>[] = [];
  for (let from = first; from < first + count; from += batchSize) {
    const seeds = Array.from({ length: Math.min(batchSize, first + count - from) }, (_, i) => from + i);
    running.push(batch(seeds.map(generate), tally));
    // One batch is built here while TensorFlow works on the one before.
    if (running.length > 2) await running.shift();
    if (tally.failures.length >= mostFailures) break;
  }
  await Promise.all(running);
  return tally;
}

class Tally implements Report {
  programs = 0;
  calls = 0;
  readonly ops = new Map<string, number>();
  readonly outcomes = new Map<Outcome['kind'], number>();
  readonly notes = new Map<string, number>();
  readonly failures: Failure[] = [];

  readonly #kinds = new Map<string, number>();

  isNew(what: string): boolean {
    count(this.#kinds, kindOf(what));
    return this.#kinds.get(kindOf(what)) === 1;
  }

  add(program: Program, outcome: Outcome): void {
    this.programs++;
    this.calls += program.calls.length;
    for (const step of allSteps(program.steps)) count(this.ops, step.kind === 'op' ? step.op : step.kind);
    count(this.outcomes, outcome.kind);
    if (outcome.kind !== 'same' && outcome.kind !== 'differs')
      count(
        this.notes,
        `${outcome.kind}: ${outcome.what
          .split('\n')[0]!
          .replaceAll(/'[^']*'|p\d*\/[\w/]*|-?[\d.]+(e-?\d+)?|\([^)]*\)|\[[^\]]*\]/g, '#')
          .slice(0, 160)}`,
      );
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

async function batch(programs: readonly Program[], tally: Tally): Promise<void> {
  const buildable = programs.filter(builds);
  const outcomes = (await together(buildable)) ?? (await Promise.all(buildable.map(alone)));
  for (const [i, program] of buildable.entries()) {
    // Programs of one graph share what TensorFlow keeps for a graph, such as how sums are spread: by itself a program may be the same.
    if (outcomes[i]!.kind === 'differs') outcomes[i] = await alone(program);
    tally.add(program, outcomes[i]!);
  }
  const rest = programs.filter((program) => !buildable.includes(program));
  for (const program of rest) {
    const outcome = await alone(program);
    tally.add(program, outcome);
    outcomes.push(outcome);
  }
  for (const [i, program] of [...buildable, ...rest].entries()) {
    const outcome = outcomes[i]!;
    if (outcome.kind !== 'differs') continue;
    // One of each kind is enough to look at.
    if (!tally.isNew(outcome.what)) continue;
    const found = await shrink(program, outcome.what, async (smaller) => {
      const again = await alone(smaller);
      return again.kind === 'differs' ? again.what : null;
    });
    tally.failures.push({ seed: program.seed, ...found });
  }
}

function builds(program: Program): boolean {
  const graph = new Graph();
  try {
    graph.asDefault(() => buildProgram(program, new Recorder(graph), 'p'));
    return true;
  } catch {
    return false;
  }
}

/** The outcome of one program in a graph of its own. */
export async function alone(program: Program): Promise<Outcome> {
  const recorder = new Recorder(new Graph(), { bare: true });
  try {
    recorder.graph.asDefault(() => buildProgram(program, recorder, 'p'));
  } catch (error) {
    return refused(program, recorder, error as Error);
  }
  return (await together([program]))![0]!;
}

/** What building threw must be what TensorFlow throws too, in the same call. */
async function refused(program: Program, recorder: Recorder, error: Error): Promise<Outcome> {
  const isCall = 'gradients' in (recorder.steps.at(-1) ?? {});
  if (!isCall) return { kind: 'differs', what: `a forward node is refused: ${error.message}` };
  const answer = await tensorFlow().ask({ steps: recorder.steps, feeds: {}, init: [], fetches: [], run: false });
  if (answer.failed === recorder.steps.length - 1)
    return { kind: 'both fail', what: `${error.message} / ${answer.error!.message}` };
  // It got less far for a reason of its own.
  if (answer.error) return theirFailure(program, answer.error);
  return { kind: 'differs', what: `only we fail: ${error.stack ?? error.message}` };
}

/** The outcomes of programs in one graph; null where something fails, and each has to be looked at by itself. */
async function together(programs: readonly Program[]): Promise<Outcome[] | null> {
  if (programs.length === 0) return [];
  const graph = new Graph();
  const recorder = new Recorder(graph, { bare: true });
  const built = graph.asDefault(() => programs.map((program, i) => buildProgram(program, recorder, `p${i}`)));
  const init = built.flatMap((program) => program.init);
  const fetches = built.map(({ tensors }) => tensors.filter(({ dtype }) => dtype !== 'resource'));
  const feeds = new Map(built.flatMap(({ feeds: some }) => [...some]));
  const answer = await tensorFlow().ask({
    steps: recorder.steps,
    feeds: Object.fromEntries([...feeds].map(([tensor, array]) => [tensor.name, encodeArray(array)])),
    init: init.map(({ name }) => name),
    fetches: fetches.flat().map(({ name }) => name),
    run: true,
  });
  if (answer.error && programs.length > 1) return null;
  if (answer.error && answer.failed !== 'run') return [theirFailure(programs[0]!, answer.error)];
  const session = new Session({ graph });
  session.runSync(init);
  return programs.map((program, i) => {
    const renamed = answer.renamed ?? {};
    const matcher = program.steps.some(isFlow)
      ? new FlowMatcher(graph, renamed, statistics)
      : new Matcher(graph, renamed, statistics);
    return compareProgram(program, built[i]!, fetches[i]!, { recorder, answer, matcher, session, feeds });
  });
}

function theirFailure(program: Program, { type, message }: { type: string; message: string }): Outcome {
  const fault = faultOf(program, message);
  if (fault) return { kind: 'TensorFlow fails', what: fault };
  return { kind: 'differs', what: `only TensorFlow fails: ${type}: ${message}` };
}

/** A failure with all that reproduces it. */
export function explain({ seed, program, what }: Failure): string {
  return [
    `Program ${seed}: TAPELESS_FUZZ=1 TAPELESS_FUZZ_SEED=${seed} npm run test:tensorflow -- fuzz`,
    'Shrunk to:',
    printProgram(program),
    what,
    `TAPELESS_FUZZ_PROGRAM='${JSON.stringify(program)}'`,
  ].join('\n');
}

export function reportLines({ programs, calls, ops, outcomes, notes }: Report): string[] {
  const sorted = <K>(counts: ReadonlyMap<K, number>) => [...counts].sort((a, b) => b[1] - a[1]);
  return [
    `${programs} programs, ${calls} calls of gradients, ${ops.size} different ops.`,
    ...sorted(outcomes).map(([kind, n]) => `${n} ${kind}`),
    ...sorted(notes).map(([note, n]) => `  ${n} × ${note}`),
  ];
}
