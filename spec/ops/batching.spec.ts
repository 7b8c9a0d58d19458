/** The batching rule of every op's record: all rows at once give what the op gives row by row, on its samples. */
import { describe, expect, test } from '@jest/globals';
import { allocate, isComplex, isFloating } from '../../src/graph/dtype.js';
import { readElement, writeElement } from '../../src/graph/elements.js';
import { Graph } from '../../src/graph/graph.js';
import { NDArray } from '../../src/graph/ndarray.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { call } from '../../src/ops/call.js';
import { constant, placeholder } from '../../src/ops/definitions/constant.js';
import { vectorizedMap } from '../../src/ops/definitions/vectorized-map.js';

import { Session } from '../../src/session/session.js';
import { allOps, placeholderShape, type Knowledge } from '../tensorflow/support/ops.js';
import { disagreement } from './support/agreement.js';
import { sampleCases, type SampleCase } from './support/samples.js';
import { stackArrays } from './support/stack.js';

const count = 3;
const only = process.env.TAPELESS_OPS?.split(',');
const ops = allOps()
  .filter(
    ({ name, samples, effect, parsed }) =>
      parsed.inputs.length > 0 && samples.length > 0 && effect === 'pure' && (!only || only.includes(name)),
  )
  .map((def) => [def.name, def] as const);

/** What is compared: the flat inputs of a sample, which of them have rows, and what they are in each row. */
interface Case {
  readonly sample: SampleCase;
  readonly arrays: readonly NDArray[];
  readonly stacked: readonly boolean[];
}

/** The elements of an array, moved on by `by` places. */
function rolled(array: NDArray, by: number): NDArray {
  const { size, dtype, shape } = array;
  const data = allocate(dtype, size);
  for (let i = 0; i < size; i++) writeElement(dtype, data, i, readElement(dtype, array.data, (i + by) % size));
  return new NDArray(dtype, shape, data);
}

function rowOf({ arrays, stacked }: Case, row: number, rolls: readonly boolean[]): readonly NDArray[] {
  return arrays.map((array, i) => (stacked[i] && rolls[i] && array.size > 0 ? rolled(array, row) : array));
}

function nested<T>({ inputs }: SampleCase, flatOperands: readonly T[]): (T | T[])[] {
  let next = 0;
  return inputs.map((input) =>
    input instanceof NDArray ? flatOperands[next++]! : input.map(() => flatOperands[next++]!),
  );
}

/** The op on each row by itself; null where it is an error. */
function rowByRow(given: Case, rolls: readonly boolean[]): readonly (readonly NDArray[])[] | null {
  try {
    return Array.from({ length: count }, (_, row) => {
      const graph = new Graph();
      const outputs = graph.asDefault(() => {
        const operands = rowOf(given, row, rolls).map((array) => constant(array, { dtype: array.dtype }) as Tensor);
        return call(given.sample.def.name, nested(given.sample, operands), given.sample.attrs).outputs;
      });
      return new Session({ graph, backend: 'interpret' }).runSync([...outputs]);
    });
  } catch {
    return null;
  }
}

/** What the op gives on all rows at once; null where there is no way but a loop, and a loop is not allowed. */
function allAtOnce(
  given: Case,
  rolls: readonly boolean[],
  knowledge: Knowledge,
  fallbackToWhileLoop: boolean,
): readonly NDArray[] | null {
  const graph = new Graph();
  const feeds = new Map<Tensor, NDArray>();
  const elems: Tensor[] = [];
  const build = (): readonly Tensor[] => {
    const shared = given.arrays.map((array, i): Tensor | null => {
      if (!given.stacked[i]) return constant(array, { dtype: array.dtype });
      const all = stackArrays(Array.from({ length: count }, (_, row) => rowOf(given, row, rolls)[i]!));
      const tensor = placeholder(array.dtype, placeholderShape(all.shape, knowledge, elems.length)) as Tensor;
      feeds.set(tensor, all);
      elems.push(tensor);
      return null;
    });
    const fn = (rows: readonly Tensor[]): readonly Tensor[] => {
      let next = 0;
      const operands = shared.map((operand) => operand ?? rows[next++]!);
      return call(given.sample.def.name, nested(given.sample, operands), given.sample.attrs).outputs;
    };
    const options = { fallbackToWhileLoop, warn: false };
    return vectorizedMap(fn as (rows: unknown) => unknown, elems, options) as unknown as readonly Tensor[];
  };
  try {
    return new Session({ graph, backend: 'interpret' }).runSync([...graph.asDefault(build)], feeds);
  } catch (error) {
    if (!fallbackToWhileLoop && (error as Error).message.includes('no way to run')) return null;
    throw error;
  }
}

/** Each input alone, and all of them. */
function casesOf(sample: SampleCase): readonly Case[] {
  const arrays = sample.inputs.flat();
  const alone = arrays.map((_, i) => ({ sample, arrays, stacked: arrays.map((_, k) => k === i) }));
  return arrays.length > 1 ? [...alone, { sample, arrays, stacked: arrays.map(() => true) }] : alone;
}

const isSmooth = ({ dtype }: NDArray): boolean => isFloating(dtype) || isComplex(dtype);

/** Whether rows give results of different shapes, which nothing could stack. */
const isRagged = (rows: readonly (readonly NDArray[])[]): boolean =>
  rows.some((row) => row.some((value, i) => value.shape.join() !== rows[0]![i]!.shape.join()));

/** Compares both ways. @returns whether a loop was needed */
function needsLoop(given: Case, knowledge: Knowledge): boolean {
  const context = `${given.sample.key}, ${knowledge}, stacked ${given.stacked.join()}`;
  let rolls: readonly boolean[] = given.arrays.map(() => true);
  let expected = rowByRow(given, rolls);
  if (!expected || isRagged(expected)) {
    // Axes, shapes and the like are the same in all rows.
    rolls = given.arrays.map(isSmooth);
    expected = rowByRow(given, rolls);
  }
  if (!expected) throw new Error(`${context}: it fails row by row`);
  const fast = allAtOnce(given, rolls, knowledge, false);
  const values = fast ?? allAtOnce(given, rolls, knowledge, true)!;
  const differences = values.map((value, i) => disagreement(value, stackArrays(expected.map((row) => row[i]!))));
  expect({ context, differences }).toEqual({ context, differences: values.map(() => null) });
  return fast === null;
}

/**
 * The arguments that must be the same for all rows: where one of them is not, there is no way but a loop. Axes, shapes, bounds
 * and counts, of which the shape of a result depends; and ops that are seldom, or whose results differ in shape.
 */
const loops: Readonly<Record<string, string>> = {
  All: 'reduction_indices',
  Any: 'reduction_indices',
  ArgMax: 'dimension',
  ArgMin: 'dimension',
  AvgPoolGrad: 'orig_input_shape',
  BroadcastGradientArgs: 's0 s1',
  BroadcastTo: 'shape',
  ConcatOffset: 'concat_dim shape',
  ConcatV2: 'axis',
  ConjugateTranspose: 'perm',
  Conv2D: 'filter',
  Conv2DBackpropFilter: 'input filter_sizes',
  Conv2DBackpropInput: 'input_sizes filter',
  Cumprod: 'axis',
  Cumsum: 'axis',
  DepthwiseConv2dNative: 'filter',
  DepthwiseConv2dNativeBackpropFilter: 'input filter_sizes out_backprop',
  DepthwiseConv2dNativeBackpropInput: 'input_sizes filter',
  DynamicStitch: 'indices',
  Equal: 'x y',
  EuclideanNorm: 'reduction_indices',
  ExpandDims: 'dim',
  Fill: 'dims',
  GatherV2: 'axis',
  ListDiff: 'x y',
  Max: 'reduction_indices',
  Mean: 'reduction_indices',
  Min: 'reduction_indices',
  NotEqual: 'x y',
  OneHot: 'depth',
  Pad: 'paddings',
  PadV2: 'paddings',
  PlaceholderWithDefault: 'input',
  Prod: 'reduction_indices',
  Range: 'start limit delta',
  Reshape: 'shape',
  ReverseV2: 'axis',
  ScatterNd: 'shape',
  SegmentMax: 'segment_ids',
  SegmentMin: 'segment_ids',
  SegmentSum: 'segment_ids',
  Slice: 'size begin',
  Split: 'split_dim',
  SplitV: 'size_splits split_dim',
  StatelessRandomGetKeyCounter: 'seed',
  StatelessRandomNormalV2: 'shape key counter alg',
  StatelessRandomUniformFullIntV2: 'shape key counter alg',
  StatelessRandomUniformIntV2: 'shape key counter alg minval maxval',
  StatelessRandomUniformV2: 'shape key counter alg',
  StridedSlice: 'begin end strides',
  StridedSliceGrad: 'shape begin end strides',
  Sum: 'reduction_indices',
  Tile: 'multiples',
  Transpose: 'perm',
  Unique: 'x',
  UnsortedSegmentSum: 'num_segments',
  Where: 'input',
};

describe.each(['static shapes', 'unknown dims', 'unknown rank'] as const)('%s', (knowledge) => {
  test.each(ops)('%s', (name, def) => {
    const looped = new Set<string>();
    for (const sample of sampleCases(def)) {
      const names = sample.inputs.flatMap((input, i) => [input].flat().map(() => def.parsed.inputs[i]!.name));
      for (const given of casesOf(sample)) {
        const slow = needsLoop(given, knowledge);
        const alone = given.stacked.filter(Boolean).length === 1;
        if (slow && alone) looped.add(names[given.stacked.indexOf(true)]!);
      }
    }
    if (knowledge === 'static shapes') expect([...looped].join(' ')).toBe(loops[name] ?? '');
  });
});
