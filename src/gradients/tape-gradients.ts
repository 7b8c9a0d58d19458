/** The gradients that a tape gives: the walk of `gradients`, kept to what the tape recorded. */
import { dtypeInfo } from '../graph/dtype.js';
import type { Graph } from '../graph/graph.js';
import type { Operation } from '../graph/operation.js';
import { unrecorded } from '../graph/recorders.js';
import type { Tensor } from '../graph/tensor.js';
import { graphOf } from '../ops/call.js';
import { onesLike } from '../ops/definitions/array-fill.js';
import { Variable } from '../ops/definitions/variable.js';
import type { IndexedSlices } from '../ops/indexed-slices.js';
import type { Gradient } from '../ops/opdef.js';
import { gradientsThrough, type UnconnectedGradients } from './gradients.js';
import type { Recording } from './recording.js';
import { checkGradY, type GradY } from './seeds.js';
import { tensorBehind, type TapeOperand } from './structures.js';

/** What is asked of a tape, checked and flat. */
export interface TapeRequest {
  readonly fn: string;
  readonly targets: readonly TapeOperand[];
  readonly sources: readonly TapeOperand[];
  readonly outputGradients: readonly GradY[];
  readonly unconnectedGradients: UnconnectedGradients;
}

/** A target, and the gradient that starts at it. */
interface Start {
  readonly target: TapeOperand;
  readonly y: Tensor | IndexedSlices;
  readonly dy: GradY;
}

/**
 * One gradient, or null, for each source.
 * @throws InvalidArgumentError for operands of several graphs; DTypeError and ShapeError for an output gradient that does not fit its target
 */
export function gradientsOn(recording: Recording, request: TapeRequest): readonly (Gradient | null)[] {
  const { fn, targets, sources, unconnectedGradients } = request;
  const dys = request.outputGradients.map((dy, i) => checkOutputGradient(fn, targets[i]!, dy, i));
  const graph = graphOf(fn, [...targets, ...sources, ...dys.filter((dy) => dy !== null)]);
  const isNew = madeFromNowOn(graph);
  const recorded = (op: Operation): boolean => recording.leadsOn(op) || isNew(op);
  const known = new Set(sources.filter((source) => recording.knows(tensorBehind(source))));
  const walk = (starts: readonly Start[], xs: readonly TapeOperand[], through: typeof recorded): (Gradient | null)[] =>
    gradientsThrough(
      starts.map(({ y }) => y),
      xs,
      { gradYs: starts.map(({ dy }) => dy), unconnectedGradients, name: 'gradient_tape' },
      through,
    );
  const build = (): (Gradient | null)[] => {
    const starts = startsAt(targets, dys);
    const found = known.size > 0 ? walk(starts, [...known], recorded) : [];
    const gradientOf = new Map([...known].map((source, i) => [source, found[i]!]));
    return sources.map((source) => {
      if (known.has(source)) return gradientOf.get(source)!;
      // What the tape does not know has no gradient but its own, where it is a target.
      const own = starts.filter(({ target }) => tensorBehind(target) === tensorBehind(source));
      return own.length > 0 || unconnectedGradients === 'zero' ? walk(own, [source], isNew)[0]! : null;
    });
  };
  return graph.attempt(() => graph.atSite(() => graph.asDefault(build)));
}

/** Whether an operation is newer than this call: that the value of a target variable is read now is part of the walk. */
function madeFromNowOn(graph: Graph): (op: Operation) => boolean {
  const start = graph.version;
  return (op) => (op.graph === graph ? op.id >= start : !graph.reaches(op.graph));
}

/** Where gradient starts: complex targets have ones too, strings and handles have none. */
function startsAt(targets: readonly TapeOperand[], dys: readonly GradY[]): readonly Start[] {
  return targets.flatMap((target, i) => {
    const { kind } = dtypeInfo(target.dtype);
    if (kind === 'string' || kind === 'handle') return [];
    // To be differentiated is no use of a variable that a tape should take note of.
    const y = target instanceof Variable ? unrecorded(() => target.toTensor()) : target;
    return [{ target, y, dy: dys[i] ?? (kind === 'complex' ? onesLike(y) : null) }];
  });
}

function checkOutputGradient(fn: string, y: TapeOperand, gradY: GradY, i: number): GradY {
  return gradY === null ? null : checkGradY(fn, y, gradY, i, 'outputGradients');
}
