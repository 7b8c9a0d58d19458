/** One random program here and in TensorFlow: shapes, nodes, nulls and values. */
import type { NDArray } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { formatShape, mergeShapes, shapesEqual } from '../../../src/graph/shape.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import type { Session } from '../../../src/session/session.js';
import { arrayDifference, decodeArray } from './arrays.js';
import { resultPairs, statistics } from './compare.js';
import { isIllConditioned } from './fuzz-conditioning.js';
import { densifying } from './fuzz-limits.js';
import type { BuiltProgram } from './fuzz-build.js';
import { allSteps, type Program } from './fuzz-program.js';
import type { Recorder } from './recorder.js';
import { StructureError, type Matcher } from './structure.js';
import type { FlowMatcher } from './structure-flow.js';
import type { TensorFlowAnswer } from './worker.js';

/** What became of a program. Only 'differs' is a failure. */
export type Outcome =
  | { readonly kind: 'same' }
  /** Static shapes are known better here, and fewer nodes were needed for the same values. */
  | { readonly kind: 'better known'; readonly what: string }
  /** A static shape is known better in TensorFlow, which folds more constants: only values are compared. */
  | { readonly kind: 'less known'; readonly what: string }
  /** Slices that an op had to make dense are called otherwise. */
  | { readonly kind: 'other names'; readonly what: string }
  /** Values differ by no more than rounding the inputs makes a difference. */
  | { readonly kind: 'ill-conditioned'; readonly what: string }
  /** Slices given to a rule that uses them twice are made dense once. */
  | { readonly kind: 'dense once'; readonly what: string }
  /** Both refuse. */
  | { readonly kind: 'both fail'; readonly what: string }
  /** TensorFlow fails where its faults are known. */
  | { readonly kind: 'TensorFlow fails'; readonly what: string }
  | { readonly kind: 'differs'; readonly what: string };

/** Factor on the tolerances of single rules: errors add up over a program. */
const tolerance = 10;
/** The same for 64-bit values that come of 32-bit ones. */
const narrowTolerance = 1e6;

/** Programs of one graph, in both worlds. */
export interface Both {
  readonly recorder: Recorder;
  readonly answer: TensorFlowAnswer;
  readonly matcher: Matcher | FlowMatcher;
  readonly session: Session;
  readonly feeds: ReadonlyMap<Tensor, NDArray>;
}

export function compareProgram(program: Program, built: BuiltProgram, fetches: readonly Tensor[], both: Both): Outcome {
  const calls = both.recorder.calls.slice(...built.calls);
  const theirs = both.answer.calls.slice(...built.calls);
  const nodes = compareNodes(program, built, calls, theirs, fetches, both);
  if (nodes.kind === 'differs') return nodes;
  const difference = valueDifference(built, calls, theirs, fetches, both);
  if (difference === null) return nodes;
  if (difference.kind === 'values' && isIllConditioned(program, difference))
    return { kind: 'ill-conditioned', what: difference.what };
  return { kind: difference.kind === 'both fail' ? 'both fail' : 'differs', what: difference.what };
}

function compareNodes(
  program: Program,
  built: BuiltProgram,
  calls: Recorder['calls'],
  theirs: TensorFlowAnswer['calls'],
  fetches: readonly Tensor[],
  { answer, matcher }: Both,
): Outcome {
  let known = 0;
  for (const { name, shape } of fetches) {
    const their = answer.shapes![name]!;
    if (shapesEqual(shape, their)) continue;
    const what = `${name} has the shape ${formatShape(shape)}, TensorFlow's ${formatShape(their)}`;
    const merged = mergeShapes(shape, their);
    if (merged === undefined) return { kind: 'differs', what };
    // Gradients that hang on the shape are made in another way.
    if (!shapesEqual(merged, shape)) return { kind: 'less known', what };
    known++;
  }
  for (const [i, call] of calls.entries()) {
    const before = statistics.better;
    try {
      matcher.compare(call, theirs[i]!);
    } catch (error) {
      if (!(error instanceof StructureError)) throw error;
      const [line] = error.message.split('\n') as [string];
      known += statistics.better - before;
      if (known > 0) return { kind: 'better known', what: line };
      if (built.slices && allSteps(program.steps).some((step) => step.kind === 'op' && densifying.has(step.op)))
        return { kind: 'dense once', what: line };
      if (error.onlyName && built.slices) return { kind: 'other names', what: line };
      return { kind: 'differs', what: `call ${i}: ${error.message}` };
    }
    known += statistics.better - before;
  }
  return { kind: 'same' };
}

export interface Difference {
  readonly kind: 'values' | 'pattern' | 'both fail';
  readonly what: string;
  /** The number of the tensor among all that are compared, and what both say. */
  readonly at: number;
  readonly ours?: NDArray;
  readonly theirs?: NDArray;
  /** All that was computed. */
  readonly values?: readonly NDArray[];
}

function valueDifference(
  built: BuiltProgram,
  calls: Recorder['calls'],
  theirs: TensorFlowAnswer['calls'],
  fetches: readonly Tensor[],
  { answer, session, feeds }: Both,
): Difference | null {
  const wanted = fetches.map((tensor, i): [string, Tensor, string] => [
    `step value ${i}`,
    tensor,
    answer.renamed?.[tensor.op.name] ? `${answer.renamed[tensor.op.name]}:${tensor.index}` : tensor.name,
  ]);
  try {
    calls.forEach(({ results }, call) =>
      results.forEach((result, i) =>
        wanted.push(...resultPairs(`call ${call}, result ${i}`, result, theirs[call]!.results[i]!)),
      ),
    );
  } catch (error) {
    return { kind: 'pattern', what: (error as Error).message, at: -1 };
  }
  let values: readonly NDArray[];
  try {
    values = session.runSync(
      wanted.map(([, tensor]) => tensor),
      new Map([...feeds].filter(([tensor]) => built.feeds.has(tensor))),
    );
  } catch (error) {
    const { message } = error as Error;
    if (answer.error) return { kind: 'both fail', what: `${message} / ${answer.error.message}`, at: -1 };
    return { kind: 'pattern', what: `only we fail to run: ${message}`, at: -1 };
  }
  if (answer.error) return { kind: 'pattern', what: `only TensorFlow fails to run: ${answer.error.message}`, at: -1 };
  const isNarrow = narrowness();
  for (const [at, [title, tensor, name]] of wanted.entries()) {
    const ours = values[at]!;
    const expected = decodeArray(answer.values![name]!);
    const wide = ours.dtype === 'float64' || ours.dtype === 'complex128';
    const factor = wide && isNarrow(tensor.op) ? narrowTolerance : tolerance;
    const difference = arrayDifference(ours, expected, factor);
    if (difference === null) continue;
    return { kind: 'values', what: `${title} (${tensor.name}): ${difference}`, at, ours, theirs: expected, values };
  }
  return null;
}

/** Whether something of 32 bits goes into an operation. */
function narrowness(): (op: Operation) => boolean {
  const known = new Map<Operation, boolean>();
  const isNarrow = (op: Operation): boolean => {
    const before = known.get(op);
    if (before !== undefined) return before;
    const narrow =
      op.outputs.some(({ dtype }) => dtype === 'float32' || dtype === 'complex64') ||
      op.inputs.some((input) => isNarrow(input.op));
    known.set(op, narrow);
    return narrow;
  };
  return isNarrow;
}
