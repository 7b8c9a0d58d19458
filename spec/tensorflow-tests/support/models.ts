/** The models of TensorFlow's tests of Jacobians: layers with variables, an LSTM cell, a small classifier of images. */
import { expect } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { expectClose, normals, values } from './build.js';

let seed = 1;

/** Numbers like those of `random_normal`, the same ones in every run. */
export const randomNormal = (shape: readonly number[], scale = 1): tl.Tensor =>
  tl.constant(
    normals(
      shape.reduce((a, b) => a * b, 1),
      seed++,
    ).map((x) => scale * x),
    { shape: [...shape] },
  );

const weights = (shape: readonly number[], name: string): tl.Variable =>
  tl.variable(randomNormal(shape, 1 / Math.sqrt(shape[0]!)), { name });

type Layer = (x: tl.Tensor) => tl.Tensor;

/** A layer that can be called many times, with the variables that it is made with. */
export function dense(inputs: number, units: number, activation: Layer = tl.identity): Layer {
  const kernel = weights([inputs, units], 'kernel');
  const bias = weights([units], 'bias');
  return (x) => activation(tl.nn.biasAdd(tl.matmul(x, kernel), bias.value()));
}

/** Layers of the same size, each with a relu. */
export function fullyConnected(size: number, layers: number): Layer {
  const all = Array.from({ length: layers }, () => dense(size, size, tl.nn.relu));
  return (x) => all.reduce((activation, layer) => layer(activation), x);
}

export interface LstmState {
  readonly c: tl.Tensor;
  readonly h: tl.Tensor;
}

/** TensorFlow's BasicLSTMCell: the four gates by one product, a forget bias of one. */
export function lstmCell(size: number): (x: tl.Tensor, state: LstmState) => LstmState {
  const gates = dense(2 * size, 4 * size);
  return (x, { c, h }) => {
    const [i, j, f, o] = tl.split(gates(tl.concat([x, h], 1)), 4, { axis: 1 });
    const next = c.multiply(f!.add(1).sigmoid()).add(i!.sigmoid().multiply(j!.tanh()));
    return { c: next, h: next.tanh().multiply(o!.sigmoid()) };
  };
}

export const zeroState = (batch: number, size: number): LstmState => ({
  c: tl.zeros([batch, size]),
  h: tl.zeros([batch, size]),
});

/** A few steps of the cell: the first state that is differentiated by, and the last one. */
export function lstm(batch: number, size: number, steps: number): readonly [initial: tl.Tensor, final: tl.Tensor] {
  const inputs = Array.from({ length: steps }, () => randomNormal([batch, size]));
  const cell = lstmCell(size);
  const initial = zeroState(batch, size);
  return [initial.c, inputs.reduce((state, x) => cell(x, state), initial).c];
}

/** TensorFlow's `dynamic_rnn`: a loop over the steps, in which a sequence that has ended keeps its state. */
export function dynamicLstm(inputs: tl.Tensor, lengths: readonly number[], size: number): LstmState {
  const cell = lstmCell(size);
  const initial = zeroState(lengths.length, size);
  const byTime = tl.transpose(inputs, [1, 0, 2]);
  const length = tl.expandDims(tl.constant(lengths, { dtype: 'int32' }), 1);
  const [, c, h] = tl.whileLoop(
    (time) => time.less(byTime.shape![0]!),
    (time, c, h) => {
      const next = cell(tl.gather(byTime, time), { c, h });
      const goesOn = time.less(length);
      return [time.add(1), tl.where(goesOn, next.c, c), tl.where(goesOn, next.h, h)] as const;
    },
    [tl.constant(0, { dtype: 'int32' }) as tl.Tensor, initial.c, initial.h],
  );
  return { c, h };
}

/** A convolution with a filter of 3 x 3 that keeps the size, of images [batch, height, width, channels], and a relu. */
function convolution(channels: number, filters: number): Layer {
  const layer = dense(9 * channels, filters, tl.nn.relu);
  return (x) => {
    const [, height, width] = x.shape as readonly number[];
    const padded = tl.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]); // prettier-ignore
    const offsets = [0, 1, 2];
    const parts = offsets.flatMap((row) =>
      offsets.map((column) => tl.slice(padded, [0, row, column, 0], [-1, height!, width!, -1])),
    );
    const rows = layer(tl.reshape(tl.concat(parts, 3), [-1, 9 * channels]));
    return tl.reshape(rows, [-1, height!, width!, filters]);
  };
}

/** The largest of each 2 x 2 pixels. */
const maxPool: Layer = (x) => {
  const [, height, width, channels] = x.shape as readonly number[];
  const grouped = tl.reshape(x, [-1, height! / 2, 2, width! / 2, 2, channels!]);
  return tl.reduceMax(grouped, { axis: [2, 4] });
};

/** Twice a convolution and a pooling, then two layers; images are [8, 8], and there is no dropout outside training. */
export function imageClassifier(): Layer {
  const [first, second] = [convolution(1, 2), convolution(2, 3)];
  const [hidden, logits] = [dense(2 * 2 * 3, 5, tl.nn.relu), dense(5, 10)];
  return (images) => {
    const pooled = [first, second].reduce(
      (y, layer) => maxPool(layer(y)),
      tl.reshape(images, [-1, 8, 8, 1]) as tl.Tensor,
    );
    return logits(hidden(tl.reshape(pooled, [-1, 2 * 2 * 3])));
  };
}

/** The same values in one run, to rounding. */
export function sameValues(found: readonly tl.Tensor[], expected: readonly tl.Tensor[]): void {
  expect(found.length).toBeGreaterThan(0);
  expect(found.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
  const all = values([...found, ...expected]);
  expectClose(all.slice(0, found.length), all.slice(found.length), 1e-4);
  // What is zero everywhere would agree with anything that is cut off.
  expect((all.flat(Infinity) as number[]).some((x) => x !== 0)).toBe(true);
}
