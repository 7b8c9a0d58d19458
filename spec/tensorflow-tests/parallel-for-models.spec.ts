/** The tests of models in TensorFlow's GradientsTest of ops/parallel_for: per-example gradients, Jacobians, Hessians, at once and in a loop. */
import { expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { expectClose, inGraph, uniforms, values } from './support/build.js';
import {
  dense,
  dynamicLstm,
  fullyConnected,
  imageClassifier,
  lstm,
  lstmCell,
  randomNormal,
  sameValues,
  zeroState,
} from './support/models.js';

const inLoop = { usePfor: false };

/** TensorFlow's `pfor` and `for_loop` of a function of the number of the row. */
const forAll = (rows: number, fn: (i: tl.Tensor) => readonly tl.Tensor[]): readonly tl.Tensor[] =>
  tl.vectorizedMap(fn, tl.range(rows));
const forEach = (rows: number, fn: (i: tl.Tensor) => readonly tl.Tensor[]): readonly tl.Tensor[] =>
  tl.mapFn(fn, tl.range(rows));

const rowOf = (x: tl.Tensor, i: tl.Tensor): tl.Tensor => tl.expandDims(tl.gather(x, i), 0);
const trainable = (): readonly tl.Variable[] => tl.trainableVariables();
const gradientsOf = (loss: tl.Tensor): readonly tl.Tensor[] =>
  tl.gradients(loss, trainable()).map((gradient) => tl.convertToTensor(gradient!));
const jacobiansOf = (y: tl.Tensor, way = {}): readonly tl.Tensor[] => tl.jacobian(y, trainable(), way) as never;

test('GradientsTest.test_fc_batch_jacobian', () => {
  inGraph(() => {
    const x = randomNormal([8, 4]);
    const y = fullyConnected(4, 2)(x);
    const j = tl.batchJacobian(y, x)!;
    expect(j.shape).toEqual([8, 4, 4]);
    sameValues([j], [tl.batchJacobian(y, x, inLoop)!]);
  });
});

test('GradientsTest.test_lstm_batch_jacobian', () => {
  inGraph(() => {
    const [x, y] = lstm(8, 4, 2);
    const j = tl.batchJacobian(y, x)!;
    expect(j.shape).toEqual([8, 4, 4]);
    sameValues([j], [tl.batchJacobian(y, x, inLoop)!]);
  });
});

// TensorFlow compares with gradients that are written out, as a loop in a loop does not work there; here it does as well.
test('GradientsTest.DISABLED_test_dynamic_lstm_batch_jacobian', () => {
  inGraph(() => {
    const [batch, steps, size] = [4, 3, 2];
    const x = tl.constant(uniforms(batch * steps * size, 7), { shape: [batch, steps, size] }) as tl.Tensor;
    const { c } = dynamicLstm(x, [0, 3, 1, 2], size);
    const j = tl.batchJacobian(c, x)!;
    expect(j.shape).toEqual([batch, size, steps, size]);
    sameValues([j], [tl.batchJacobian(c, x, inLoop)!]);
    const written = Array.from(
      { length: size },
      (_, i) => tl.gradients(tl.gather(c, i, { axis: 1 }), x)[0] as tl.Tensor,
    );
    sameValues(
      written,
      written.map((_, i) => tl.gather(j, i, { axis: 1 })),
    );
  });
});

test('GradientsTest.test_lstm_hessian', () => {
  inGraph(() => {
    const [, y] = lstm(2, 2, 2);
    const first = jacobiansOf(y);
    const [one, other] = [{}, inLoop].map((way) => first.flatMap((j) => jacobiansOf(j, way)));
    expect(one!.map(({ shape }) => shape!.slice(2))).toEqual([[4, 8, 4, 8], [4, 8, 8], [8, 4, 8], [8, 8]]); // prettier-ignore
    sameValues(one!, other!);
  });
});

test('GradientsTest.test_lstm_batch_hessian', () => {
  inGraph(() => {
    const [x, y] = lstm(2, 2, 2);
    const j = tl.reshape(tl.batchJacobian(y, x)!, [2, -1]) as tl.Tensor;
    const [one, other] = [{}, inLoop].map((way) => tl.batchJacobian(j, x, way)!);
    expect(one!.shape).toEqual([2, 4, 2]);
    sameValues([one!], [other!]);
  });
});

test('GradientsTest.test_fc_per_eg_grad', () => {
  inGraph(() => {
    const x = randomNormal([8, 4]);
    const [layers, projection] = [fullyConnected(4, 2), dense(4, 1)];
    const ofRow = (i: tl.Tensor) => gradientsOf(tl.nn.l2Loss(projection(layers(rowOf(x, i)))));
    const all = forAll(8, ofRow);
    expect(all.map(({ shape }) => shape)).toEqual([[8, 4, 4], [8, 4], [8, 4, 4], [8, 4], [8, 4, 1], [8, 1]]); // prettier-ignore
    sameValues(all, forEach(8, ofRow));
  });
});

test('GradientsTest.test_lstm_per_eg_grad', () => {
  inGraph(() => {
    const [batch, size] = [8, 4];
    const inputs = [randomNormal([batch, size]), randomNormal([batch, size])];
    const [cell, initial] = [lstmCell(size), zeroState(batch, size)];
    const ofRow = (i: tl.Tensor) => {
      const state = { c: rowOf(initial.c, i), h: rowOf(initial.h, i) };
      return gradientsOf(tl.nn.l2Loss(inputs.reduce((s, x) => cell(rowOf(x, i), s), state).c));
    };
    sameValues(forAll(batch, ofRow), forEach(batch, ofRow));
  });
});

const images = (batch: number) => tl.constant(uniforms(batch * 64, 3), { shape: [batch, 8, 8] });

// There are no convolutions here: products of matrices of 3 x 3 pixels, on images of 8 x 8, stand for them in both tests.
test('GradientsTest.test_mnist_per_eg_grad', () => {
  inGraph(() => {
    const [batch, model] = [4, imageClassifier()];
    const [x, labels] = [images(batch), tl.oneHot([3, 0, 9, 3], 10)];
    const ofRow = (i: tl.Tensor) => {
      const logits = tl.reshape(model(tl.gather(x, i)), [-1]);
      return gradientsOf(tl.nn.softmaxCrossEntropyWithLogits(tl.gather(labels, i), logits));
    };
    sameValues(forAll(batch, ofRow), forEach(batch, ofRow));
  });
});

test('GradientsTest.test_mnist_per_eg_jacobian', () => {
  inGraph(() => {
    const [batch, model] = [2, imageClassifier()];
    const x = images(batch);
    const ofRow = (way: object) => (i: tl.Tensor) => jacobiansOf(tl.reshape(model(tl.gather(x, i)), [-1]), way);
    sameValues(forAll(batch, ofRow({})), forEach(batch, ofRow(inLoop)));
  });
});

test('GradientsTest.test_fc_jacobian', () => {
  inGraph(() => {
    const [batch, size] = [8, 4];
    const model = fullyConnected(size, 2);
    const x = randomNormal([batch, size]);
    const whole = jacobiansOf(model(x));
    const ofRow = (way: object) => (i: tl.Tensor) => jacobiansOf(tl.reshape(model(rowOf(x, i)), [-1]), way);
    sameValues(whole, forAll(batch, ofRow({})));
    sameValues(whole, forEach(batch, ofRow(inLoop)));
    expectClose(values([whole[3]!]).flat(4).length, batch * size * size);
  });
});
