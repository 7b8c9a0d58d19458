/** One random program here and in TensorFlow: shapes, nodes, nulls and values. */
import type { NDArray } from '../../../src/graph/ndarray.js';
import { formatShape, mergeShapes, shapesEqual } from '../../../src/graph/shape.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import type { Session } from '../../../src/session/session.js';
import { statistics } from './compare.js';
import { isIllConditioned } from './fuzz-conditioning.js';
import { faultOf, givingSlices, handingOn, ofDensifying, wrongShape } from './fuzz-limits.js';
import type { BuiltProgram } from './fuzz-build.js';
import { allSteps, isFlow, type Program } from './fuzz-program.js';
import type { Call, Recorder } from './recorder.js';
import { StructureError, type Matcher, type TheirCall } from './structure.js';
import { FlowMatcher } from './structure-flow.js';
import { valueDifference } from './fuzz-values.js';
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
  /** Second derivatives through control flow come along other nodes. */
  | { readonly kind: 'own ways'; readonly what: string }
  /** A gradient through a conditional is slices of other rows, or a tensor, with the same sums. */
  | { readonly kind: 'other slices'; readonly what: string }
  /** A second derivative through control flow is null on one side, and zeros on the other. */
  | { readonly kind: 'zeros for null'; readonly what: string }
  /** Both refuse. */
  | { readonly kind: 'both fail'; readonly what: string }
  /** TensorFlow fails where its faults are known. */
  | { readonly kind: 'TensorFlow fails'; readonly what: string }
  | { readonly kind: 'differs'; readonly what: string };

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
  const again = both.matcher instanceof FlowMatcher && both.matcher.again;
  const xs = program.calls.map((entry) => entry.xs.map((x) => built.tensorOf(x)));
  const loose = { sums: program.steps.some(isFlow) || nodes.kind === 'dense once', zeros: again };
  const difference = valueDifference(built, calls, theirs, fetches, both, loose, xs);
  if (difference === null) return nodes;
  const fault = both.answer.error && faultOf(program, both.answer.error.message);
  if (fault && difference.kind === 'pattern') return { kind: 'TensorFlow fails', what: fault };
  if (difference.kind === 'wrong shape') return { kind: 'TensorFlow fails', what: wrongShape };
  if (difference.kind === 'zeros') return { kind: 'zeros for null', what: difference.what };
  if (difference.kind === 'same sums')
    return nodes.kind === 'same' ? { kind: 'other slices', what: difference.what } : nodes;
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
  both: Both,
): Outcome {
  const { answer, matcher } = both;
  const worse = statistics.worse;
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
      if (statistics.worse > worse) return { kind: 'less known', what: line };
      if (isDenseOnce(program, built, call, theirs[i]!, both)) return { kind: 'dense once', what: line };
      if (error.onlyName && built.slices) return { kind: 'other names', what: line };
      if (matcher instanceof FlowMatcher && matcher.again) return { kind: 'own ways', what: line };
      return { kind: 'differs', what: `call ${i}: ${error.message}` };
    }
    known += statistics.better - before;
  }
  return { kind: 'same' };
}

/** Whether nodes differ in nothing but where and how often slices are made dense. */
function isDenseOnce(
  program: Program,
  { slices }: BuiltProgram,
  call: Call,
  theirs: TheirCall,
  { recorder, matcher }: Both,
): boolean {
  const ops = new Set(allSteps(program.steps).flatMap((step) => (step.kind === 'op' ? [step.op] : [])));
  if (slices && handingOn.some((op) => ops.has(op))) return true;
  if (!slices && !givingSlices.some((op) => ops.has(op))) return false;
  const isOwn = (name: string): boolean => matcher instanceof FlowMatcher && matcher.isInside(name);
  const typesOf = (nodes: readonly (readonly [name: string, type: string])[]): readonly string[] =>
    nodes.flatMap(([name, type]) => (isOwn(name) ? [] : [type])).sort();
  const ours = Array.from({ length: call.end - call.first }, (_, i) => recorder.graph.at(call.first + i));
  const [a, b] = [
    typesOf(ours.map(({ name, type }) => [name, type])),
    typesOf(theirs.nodes.map(({ name, op }) => [name, op])),
  ];
  const rest = (types: readonly string[]): string => types.filter((type) => !ofDensifying.has(type)).join();
  return rest(a) === rest(b) && [a, b].some((types) => types.includes('UnsortedSegmentSum'));
}
