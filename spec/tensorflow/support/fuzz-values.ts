/** The values of a random program here and in TensorFlow. */
import { NDArray } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { sizeOf } from '../../../src/graph/shape.js';
import { Tensor } from '../../../src/graph/tensor.js';
import type { Gradient } from '../../../src/ops/opdef.js';
import { arrayDifference, decodeArray } from './arrays.js';
import { resultPairs } from './compare.js';
import { numbers } from './fuzz-chance.js';
import type { BuiltProgram } from './fuzz-build.js';
import type { Both } from './fuzz-compare.js';
import type { Recorder } from './recorder.js';
import type { TensorFlowAnswer, TensorFlowResult } from './worker.js';

/** Factor on the tolerances of single rules: errors add up over a program. */
const tolerance = 10;
/** The same for 64-bit values that come of 32-bit ones. */
const narrowTolerance = 1e6;

export interface Difference {
  /** Of 'same sums' and 'zeros' there is no difference but in form: the latter are null on one side. Of 'wrong shape' TensorFlow's gradient has not the shape of its x. */
  readonly kind: 'values' | 'pattern' | 'both fail' | 'same sums' | 'zeros' | 'wrong shape';
  readonly what: string;
  /** The number of the tensor among all that are compared, and what both say. */
  readonly at: number;
  readonly ours?: NDArray;
  readonly theirs?: NDArray;
  /** All that was computed. */
  readonly values?: readonly NDArray[];
}

/** What is compared: tensors of ours, those of TensorFlow by name, and how. */
interface Wanted {
  readonly title: string;
  readonly ours: Gradient | null;
  readonly tensors: readonly Tensor[];
  readonly names: readonly string[];
  /** What it is the gradient of: its number among those fetched; -1 for what is no gradient. */
  readonly x: number;
}

/** How much of their form gradients may differ in. */
export interface Leniency {
  /** Whether they need only be the same sums, if one of them is slices. */
  readonly sums: boolean;
  /** Whether one may be null where the other is zeros. */
  readonly zeros: boolean;
}

export function valueDifference(
  built: BuiltProgram,
  calls: Recorder['calls'],
  theirs: TensorFlowAnswer['calls'],
  fetches: readonly Tensor[],
  { answer, session, feeds }: Both,
  loose: Leniency,
  xs: readonly (readonly Tensor[])[],
): Difference | null {
  let wanted: readonly Wanted[];
  try {
    wanted = wantedOf(calls, theirs, fetches, answer, loose, xs);
  } catch (error) {
    return { kind: 'pattern', what: (error as Error).message, at: -1 };
  }
  let values: readonly NDArray[];
  try {
    values = session.runSync(
      wanted.flatMap(({ tensors }) => tensors),
      new Map([...feeds].filter(([tensor]) => built.feeds.has(tensor))),
    );
  } catch (error) {
    const { message } = error as Error;
    if (answer.error) return { kind: 'both fail', what: `${message} / ${answer.error.message}`, at: -1 };
    return { kind: 'pattern', what: `only we fail to run: ${message}`, at: -1 };
  }
  if (answer.error)
    return { kind: 'pattern', what: `only TensorFlow fails to run: ${briefly(answer.error.message)}`, at: -1 };
  return compareAll(wanted, values, answer);
}

function wantedOf(
  calls: Recorder['calls'],
  theirs: TensorFlowAnswer['calls'],
  fetches: readonly Tensor[],
  answer: TensorFlowAnswer,
  loose: Leniency,
  xs: readonly (readonly Tensor[])[],
): readonly Wanted[] {
  const wanted = fetches.map((tensor, i): Wanted => {
    const renamed = answer.renamed?.[tensor.op.name];
    return {
      title: `step value ${i}`,
      ours: tensor,
      tensors: [tensor],
      x: -1,
      names: [renamed ? `${renamed}:${tensor.index}` : tensor.name],
    };
  });
  calls.forEach(({ results }, call) =>
    results.forEach((result, i) => {
      const title = `call ${call}, result ${i}`;
      const other = theirs[call]!.results[i]!;
      const x = fetches.indexOf(xs[call]![i]!);
      const bothTensors = result instanceof Tensor && other !== null && 'tensor' in other;
      const oneNull = (result === null) !== (other === null);
      if (oneNull ? loose.zeros : loose.sums && result !== null && !bothTensors) {
        wanted.push({ title, ours: result, tensors: partsOf(result), names: namesOf(other), x });
        return;
      }
      for (const [part, tensor, name] of resultPairs(title, result, other))
        wanted.push({ title: part, ours: tensor, tensors: [tensor], names: [name], x });
    }),
  );
  return wanted;
}

function partsOf(result: Gradient | null): readonly Tensor[] {
  if (result === null) return [];
  if (result instanceof Tensor) return [result];
  return [result.values, result.indices, ...(result.denseShape ? [result.denseShape] : [])];
}

function namesOf(result: TensorFlowResult): readonly string[] {
  if (result === null) return [];
  return 'tensor' in result ? [result.tensor] : result.slices.filter((name) => name !== null);
}

function compareAll(
  wanted: readonly Wanted[],
  values: readonly NDArray[],
  answer: TensorFlowAnswer,
): Difference | null {
  const isNarrow = narrowness();
  let form: Difference | null = null;
  let at = 0;
  for (const one of wanted) {
    const mine = values.slice(at, at + one.tensors.length);
    const theirs = one.names.map((name) => decodeArray(answer.values![name]!));
    const found = compareOne(one, mine, theirs, at, isNarrow);
    if (found?.kind === 'values' && hasWrongShape(mine, theirs, one.x < 0 ? undefined : values[one.x]))
      return { ...found, kind: 'wrong shape' };
    if (found?.kind === 'values' || found?.kind === 'pattern') return { ...found, values };
    form ??= found;
    at += one.tensors.length;
  }
  return form;
}

/** Whether both are zeros, ours in the shape of x and TensorFlow's in another one. */
function hasWrongShape(ours: readonly NDArray[], theirs: readonly NDArray[], x: NDArray | undefined): boolean {
  const [a, b] = [ours[0]!, theirs[0]!];
  if (!x || ours.length > 1 || theirs.length > 1 || a.shape.join() !== x.shape.join()) return false;
  return b.shape.join() !== x.shape.join() && [a, b].every((value) => numbers(value).every((number) => number === 0));
}

function compareOne(
  { title, ours, tensors, names }: Wanted,
  mine: readonly NDArray[],
  theirs: readonly NDArray[],
  at: number,
  isNarrow: (op: Operation) => boolean,
): Difference | null {
  if (mine.length === 0 || theirs.length === 0) {
    const [there] = [...mine, ...theirs] as [NDArray];
    const what = `${title} is null ${mine.length === 0 ? 'here' : 'in TensorFlow'}, and [${there.shape}] on the other side`;
    return { kind: numbers(there).every((x) => x === 0) ? 'zeros' : 'pattern', what, at };
  }
  const wide = mine[0]!.dtype === 'float64' || mine[0]!.dtype === 'complex128';
  const factor = wide && isNarrow(tensors[0]!.op) ? narrowTolerance : tolerance;
  const what = `${title} (${tensors[0]!.name})`;
  const alike = mine.length === theirs.length && mine[0]!.shape.join() === theirs[0]!.shape.join();
  if (mine.length === theirs.length && mine.every((value, k) => arrayDifference(value, theirs[k]!, factor) === null))
    return null;
  const parts = alike ? { ours: mine[0]!, theirs: theirs[0]! } : {};
  const plain = ours instanceof Tensor && names.length === 1;
  const difference = arrayDifference(...(plain ? ([mine[0]!, theirs[0]!] as const) : sums(mine, theirs)), factor);
  if (difference !== null)
    return { kind: 'values', what: `${what}${plain ? '' : ', summed'}: ${difference}`, at, ...parts };
  return { kind: 'same sums', what: `${what} is ${describeParts(mine)}, TensorFlow's ${describeParts(theirs)}`, at };
}

const describeParts = ([values, indices]: readonly NDArray[]): string =>
  indices ? `slices of [${values!.shape}]` : `a tensor of [${values!.shape}]`;

/** Both gradients with all their rows. */
function sums(a: readonly NDArray[], b: readonly NDArray[]): [NDArray, NDArray] {
  const count = Math.max(...[a, b].map((parts) => rowsOf(parts)));
  return [dense(a, count), dense(b, count)];
}

function rowsOf([values, indices]: readonly NDArray[]): number {
  if (!indices) return values!.shape[0] ?? 0;
  return Math.max(0, ...Array.from({ length: indices.size }, (_, i) => Number(indices.element(i)) + 1));
}

function dense([values, indices]: readonly NDArray[], count: number): NDArray {
  if (!indices) return values!;
  const { dtype, shape } = values!;
  const rest = shape.slice(1);
  const size = sizeOf(rest);
  const total = Array.from({ length: count * size }, () => 0);
  for (let i = 0; i < indices.size; i++)
    for (let j = 0; j < size; j++)
      total[Number(indices.element(i)) * size + j]! += Number(values!.element(i * size + j));
  return NDArray.from(total, dtype, [count, ...rest]);
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

/** An error of TensorFlow's runtime without what stands in every one of them. */
function briefly(message: string): string {
  const lines = message
    .split('\n')
    .filter((line) => !/^(Graph execution error|Detected at node|Node: |\s*$)/.test(line));
  return lines.slice(0, 3).join('\n');
}
