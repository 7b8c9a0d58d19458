/** The values of a random program here and in TensorFlow. */
import { NDArray } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { sizeOf } from '../../../src/graph/shape.js';
import { Tensor } from '../../../src/graph/tensor.js';
import type { Gradient } from '../../../src/ops/opdef.js';
import { arrayDifference, decodeArray } from './arrays.js';
import { resultPairs } from './compare.js';
import type { BuiltProgram } from './fuzz-build.js';
import type { Both } from './fuzz-compare.js';
import type { Recorder } from './recorder.js';
import type { TensorFlowAnswer } from './worker.js';

/** Factor on the tolerances of single rules: errors add up over a program. */
const tolerance = 10;
/** The same for 64-bit values that come of 32-bit ones. */
const narrowTolerance = 1e6;

export interface Difference {
  /** Of 'same sums' there is no difference but in form. */
  readonly kind: 'values' | 'pattern' | 'both fail' | 'same sums';
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
  readonly ours: Gradient;
  readonly tensors: readonly Tensor[];
  readonly names: readonly string[];
}

/** @param loose whether gradients need only be the same sums, if one of them is slices */
export function valueDifference(
  built: BuiltProgram,
  calls: Recorder['calls'],
  theirs: TensorFlowAnswer['calls'],
  fetches: readonly Tensor[],
  { answer, session, feeds }: Both,
  loose: boolean,
): Difference | null {
  let wanted: readonly Wanted[];
  try {
    wanted = wantedOf(calls, theirs, fetches, answer, loose);
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
  if (answer.error) return { kind: 'pattern', what: `only TensorFlow fails to run: ${answer.error.message}`, at: -1 };
  return compareAll(wanted, values, answer);
}

function wantedOf(
  calls: Recorder['calls'],
  theirs: TensorFlowAnswer['calls'],
  fetches: readonly Tensor[],
  answer: TensorFlowAnswer,
  loose: boolean,
): readonly Wanted[] {
  const wanted = fetches.map((tensor, i): Wanted => {
    const renamed = answer.renamed?.[tensor.op.name];
    return {
      title: `step value ${i}`,
      ours: tensor,
      tensors: [tensor],
      names: [renamed ? `${renamed}:${tensor.index}` : tensor.name],
    };
  });
  calls.forEach(({ results }, call) =>
    results.forEach((result, i) => {
      const title = `call ${call}, result ${i}`;
      const other = theirs[call]!.results[i]!;
      if (loose && result !== null && other !== null && !(result instanceof Tensor && 'tensor' in other)) {
        const names = 'tensor' in other ? [other.tensor] : other.slices.filter((name) => name !== null);
        wanted.push({ title, ours: result, tensors: partsOf(result), names });
        return;
      }
      for (const [part, tensor, name] of resultPairs(title, result, other))
        wanted.push({ title: part, ours: tensor, tensors: [tensor], names: [name] });
    }),
  );
  return wanted;
}

function partsOf(result: Gradient): readonly Tensor[] {
  if (result instanceof Tensor) return [result];
  return [result.values, result.indices, ...(result.denseShape ? [result.denseShape] : [])];
}

function compareAll(
  wanted: readonly Wanted[],
  values: readonly NDArray[],
  answer: TensorFlowAnswer,
): Difference | null {
  const isNarrow = narrowness();
  let form: Difference | null = null;
  let at = 0;
  for (const { title, ours, tensors, names } of wanted) {
    const mine = values.slice(at, at + tensors.length);
    const their = names.map((name) => decodeArray(answer.values![name]!));
    const wide = mine[0]!.dtype === 'float64' || mine[0]!.dtype === 'complex128';
    const factor = wide && isNarrow(tensors[0]!.op) ? narrowTolerance : tolerance;
    const what = `${title} (${tensors[0]!.name})`;
    const i = mine.findIndex((value, k) => their[k] === undefined || arrayDifference(value, their[k], factor) !== null);
    const at0 = at;
    at += tensors.length;
    if (i < 0 && mine.length === their.length) continue;
    if (ours instanceof Tensor && names.length === 1)
      return {
        kind: 'values',
        what: `${what}: ${arrayDifference(mine[0]!, their[0]!, factor)}`,
        at: at0,
        ours: mine[0]!,
        theirs: their[0]!,
        values,
      };
    const difference = arrayDifference(...sums(mine, their), factor);
    if (difference !== null) {
      const alike = mine.length === their.length && mine[0]!.shape.join() === their[0]!.shape.join();
      const both = alike ? { ours: mine[0]!, theirs: their[0]! } : {};
      return { kind: 'values', what: `${what}, summed: ${difference}`, at: at0, ...both, values };
    }
    form ??= {
      kind: 'same sums',
      what: `${what} is ${describeParts(mine)}, TensorFlow's ${describeParts(their)}`,
      at: at0,
    };
  }
  return form;
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
