/** Gradient tapes: TensorFlow's own tests of nesting, persistence, structures and unconnected sources, by their names. */
import { expect } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inTapeTest, pair, values } from './tape.support.js';

inTapeTest('BackpropTest.testNestedSelfContexts', () => {
  const tape = new tl.GradientTape();
  tape.run(() => expect(() => tape.run(() => undefined)).toThrow('GradientTape.run: the tape is still recording'));
});

inTapeTest('BackpropTest.testWatchingIsTapeLocal', () => {
  const [x1, x2] = [tl.variable(2, { trainable: false }), tl.variable(2, { trainable: false })];
  const [tape1, tape2] = [new tl.GradientTape(), new tl.GradientTape()];
  const first = tape1.run(() =>
    tape2.run(() => {
      tape1.watch(x1);
      tape2.watch([x1, x2]);
      return tape2.gradient([x1.pow(3), x2.pow(2)], [x1, x2]);
    }),
  ) as [tl.Tensor, tl.Tensor];
  expect(values(tape1.gradient(first, [x1, x2]))).toEqual([12, null]);
});

inTapeTest('BackpropTest.testGradientTapeReEnterContext', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  const y = tape.run(() => {
    tape.watch(x);
    return x.multiply(2);
  });
  const z = tape.run(() => y.multiply(2));
  expect(values(tape.gradient(z, [x]))).toEqual([4]);
});

inTapeTest('BackpropTest.testGradientTapeRepeatedSource', () => {
  const [x] = pair();
  const tape = new tl.GradientTape({ persistent: false });
  const y = tape.run(() => {
    tape.watch(x);
    return x.multiply(2);
  });
  expect(values(tape.gradient(y, [x, x]))).toEqual([2, 2]);
});

inTapeTest('BackpropTest.testPersistentGradientTapeRepeatedSource', () => {
  const [x, y] = [tl.constant(3), tl.constant(5)];
  const tape = new tl.GradientTape({ persistent: true });
  const z = tape.run(() => {
    tape.watch(x);
    tape.watch(y);
    return x.multiply(x).add(x.multiply(y));
  });
  expect(values(tape.gradient(z, [x, x]))).toEqual([11, 11]);
  expect(values(tape.gradient(z, [y, x]))).toEqual([3, 11]);
});

inTapeTest('BackpropTest.testGradientTapeStructure', () => {
  const [x1, x2, x3] = [tl.constant(3), tl.constant(3.1), tl.constant(3.2)];
  const tape = new tl.GradientTape({ persistent: true });
  const y = tape.run(() => {
    tape.watch(x1);
    tape.watch(x2);
    tape.watch(x3);
    return x1.add(x2.multiply(2)).add(x3.multiply(3));
  });
  expect(values(tape.gradient(y, x1))).toBe(1);
  expect(values(tape.gradient(y, [x1]))).toEqual([1]);
  expect(values(tape.gradient(y, [x1, x2]))).toEqual([1, 2]);
  expect(values(tape.gradient(y, [[x1, x2], [x2, x3]]))).toEqual([[1, 2], [2, 3]]); // prettier-ignore
  expect(values(tape.gradient(y, [x1, x2, [x1, x3]]))).toEqual([1, 2, [1, 3]]);
  expect(values(tape.gradient(y, [x1, { x2, x3 }]))).toEqual([1, { x2: 2, x3: 3 }]);
});

inTapeTest('BackpropTest.testGradientTape', () => {
  const [x] = pair();
  const [outer, inner] = [new tl.GradientTape(), new tl.GradientTape()];
  const y = outer.run(() => {
    outer.watch(x);
    const square = x.multiply(x);
    const z = inner.run(() => {
      inner.watch(square);
      return square.multiply(2);
    });
    const [grad] = inner.gradient(z, [square]);
    expect(values(grad)).toBe(2);
    return square.add(grad as tl.Tensor);
  });
  expect(values(outer.gradient(y, [x]))).toEqual([6]);
});

inTapeTest('BackpropTest.testGadientTapeCalledOnConstantTarget', () => {
  const tape = new tl.GradientTape();
  const [x, y] = tape.run(() => [tl.variable([3]), tl.variable([2])] as const);
  expect(tape.gradient(x, y)).toBeNull();
});

inTapeTest('BackpropTest.testGradientTapeWithCond', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  const y = tape.run(() => {
    tape.watch(x);
    const chosen: tl.Tensor = tl.cond(x.less(x), () => x, () => x.multiply(x)); // prettier-ignore
    return chosen;
  });
  expect(values(tape.gradient(y, [x]))).toEqual([6]);
});

inTapeTest('BackpropTest.testGradientTapeWithWhileLoop', () => {
  const [i, x] = [tl.constant(1, { dtype: 'int32' }), tl.constant(2)];
  const tape = new tl.GradientTape();
  const [, y] = tape.run(() => {
    tape.watch([x]);
    return tl.whileLoop(
      (i: tl.Tensor) => i.less(3),
      (i: tl.Tensor, x: tl.Tensor) => [i.add(1), x.multiply(2)],
      [i, x],
    );
  });
  expect(values(tape.gradient(y, [x]))).toEqual([4]);
});

inTapeTest('BackpropTest.testGradientTapeGradientCalledMultipleTimes', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  const y = tape.run(() => {
    tape.watch(x);
    return x.multiply(x);
  });
  tape.gradient(y.multiply(y), [x]);
  expect(() => tape.gradient(y, [x])).toThrow(
    'a non-persistent GradientTape can only be used to compute one set of gradients (or jacobians)',
  );
});

inTapeTest('BackpropTest.testPersistentTape', () => {
  const [x] = pair();
  const tape = new tl.GradientTape({ persistent: true });
  const { y, z } = tape.run(() => {
    tape.watch(x);
    const y = x.multiply(x);
    return { y, z: y.multiply(y) };
  });
  expect(values(tape.gradient(z, [x]))).toEqual([108]);
  expect(values(tape.gradient(y, [x]))).toEqual([6]);
});

inTapeTest('BackpropTest.testHigherOrderGradient', () => {
  const [x] = pair();
  const tape = new tl.GradientTape({ persistent: true });
  const [y, dy, d2y] = tape.run(() => {
    tape.watch(x);
    const y = x.pow(3);
    const dy = tape.gradient(y, x) as tl.Tensor;
    return [y, dy, tape.gradient(dy, x) as tl.Tensor] as const;
  });
  expect(values([y, dy, d2y, tape.gradient(d2y, x)])).toEqual([27, 27, 18, 6]);
});

inTapeTest('BackpropTest.testPersistentNestedTape', () => {
  const [x] = pair();
  const [outer, inner] = [new tl.GradientTape({ persistent: true }), new tl.GradientTape({ persistent: true })];
  const { y, z } = outer.run(() => {
    outer.watch(x);
    const square = x.multiply(x);
    const z = inner.run(() => {
      inner.watch(square);
      return square.multiply(2);
    });
    const grads = [0, 1].map(() => inner.gradient(z, [square])[0] as tl.Tensor);
    expect(values(grads)).toEqual([2, 2]);
    return { y: square.add(grads[1]!), z };
  });
  expect(values(outer.gradient(y, [x]))).toEqual([6]);
  expect(values(outer.gradient(z, [x]))).toEqual([12]);
});

inTapeTest('BackpropTest.testGradientTapeVariable', () => {
  const v = tl.variable(1, { name: 'v' });
  const tape = new tl.GradientTape();
  const y = tape.run(() => v.multiply(v));
  expect(values(tape.gradient(y, [v]))).toEqual([2]);
});

inTapeTest('BackpropTest.testNestedGradients', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  const { y, z } = tape.run(() => {
    tape.watch(x);
    const y = x.multiply(x);
    return { y, z: y.multiply(y) };
  });
  expect(values(tape.gradient(z, [x, y]))).toEqual([108, 18]);
});

inTapeTest('BackpropTest.testUnconnectedGradientsDefault', () => {
  const [x, y] = pair();
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    tape.watch([x, y]);
    return y.multiply(2);
  });
  expect(tape.gradient(z, x)).toBeNull();
});

inTapeTest('BackpropTest.testUnconnectedGradientsZeros', () => {
  const [x, y] = [tl.constant(1, { shape: [2, 2] }), tl.constant(3)];
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    tape.watch([x, y]);
    return y.multiply(2);
  });
  expect(values(tape.gradient(z, x, { unconnectedGradients: 'zero' }))).toEqual([[0, 0], [0, 0]]); // prettier-ignore
});

inTapeTest('BackpropTest.testUnconnectedGradientsVariablesZeros', () => {
  const [x, y] = [tl.variable([[1, 1], [1, 1]]), tl.variable(3)]; // prettier-ignore
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    tape.watch([x, y]);
    return y.multiply(2);
  });
  expect(values(tape.gradient(z, x, { unconnectedGradients: 'zero' }))).toEqual([[0, 0], [0, 0]]); // prettier-ignore
});

inTapeTest('BackpropTest.testUnknownUnconnectedGradientsValueGiven', () => {
  const [x, y] = pair();
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    tape.watch([x, y]);
    return y.multiply(2);
  });
  expect(() => tape.gradient(z, x, { unconnectedGradients: 'nonsense' as 'none' })).toThrow(
    `'unconnectedGradients' is "nonsense"`,
  );
  // A refusal does not use the tape up.
  expect(values(tape.gradient(z, y))).toBe(2);
});

inTapeTest('BackpropTest.testUnconnectedGradientsNestedDefunZeros', () => {
  const x = tl.constant(1);
  const tape = new tl.GradientTape();
  const always = tl.constant(true);
  const y = tape.run(() => {
    tape.watch(x);
    const k = x.add(2);
    const inner = (): tl.Tensor => tl.cond(always, () => k.multiply(k), () => k); // prettier-ignore
    return tl.cond(always, () => tl.stopGradient(inner()), () => k); // prettier-ignore
  });
  // The branch that is not taken is connected: the gradient of that which is, is zero.
  expect(values(tape.gradient(y, x, { unconnectedGradients: 'zero' }))).toBe(0);
});

inTapeTest('BackpropTest.testSelectivelyWatchVariables', () => {
  const [x1, x2] = [tl.variable(1), tl.variable(1)];
  const tape = new tl.GradientTape({ watchAccessedVariables: false });
  const [y, z] = tape.run(() => {
    tape.watch(x2);
    return [x1.pow(2), x2.pow(3)] as const;
  });
  expect(tape.watchedVariables()).toEqual([x2]);
  expect(values(tape.gradient([y, z], [x1, x2]))).toEqual([null, 3]);
});

inTapeTest('BackpropTest.testVariablesAndConstantsProduceTheSameGradients', () => {
  const grads = (a: tl.Tensor | tl.Variable, b: tl.Tensor | tl.Variable): unknown => {
    const tape = new tl.GradientTape();
    const targets = tape.run(() => {
      tape.watch([a, b]);
      return [tl.pow(a, 3), tl.pow(b, 2)];
    });
    return values(tape.gradient(targets, [a, b]));
  };
  expect(grads(tl.constant(2), tl.constant(2))).toEqual([12, 4]);
  expect(grads(tl.variable(2), tl.variable(2))).toEqual([12, 4]);
});

inTapeTest('BackpropTest.testUnknownShapes', () => {
  const tape = new tl.GradientTape();
  const [a, b] = tape.run(() => {
    const a = tl.placeholder('float32') as tl.Tensor;
    tape.watch(a);
    return [a, a.pow(3)] as const;
  });
  expect(values([b, tape.gradient(b, a)], new Map([[a, 2]]))).toEqual([8, 12]);
});

inTapeTest('BackpropTest.testCustomGradientInEagerAndGraph', () => {
  const f = tl.customGradient((x: tl.Tensor) => [x.multiply(x), (dy: tl.Tensor) => [dy.multiply(4)]]);
  const c = tl.constant(1) as tl.Tensor;
  const tape = new tl.GradientTape();
  const g = tape.run(() => {
    tape.watch(c);
    return f(c);
  });
  expect(values(tape.gradient(g, c))).toBe(4);
});

inTapeTest('BackpropTest.testOverrideSecondOrderWithCustomGradient', () => {
  const second = tl.customGradient((x: tl.Tensor) => [
    tl.onesLike(x).multiply(-1.1),
    (ddz: tl.Tensor) => [ddz.multiply(-2.1)],
  ]);
  const f = tl.customGradient((x: tl.Tensor) => [x.add(10), (dz: tl.Tensor) => [dz.multiply(second(x))]]);
  const c = tl.constant(1, { dtype: 'float64' }) as tl.Tensor;
  const [outer, inner] = [new tl.GradientTape(), new tl.GradientTape()];
  const dd = outer.run(() => {
    outer.watch(c);
    const d = inner.run(() => {
      inner.watch(c);
      return f(c).pow(4);
    });
    return inner.gradient(d, c) as tl.Tensor;
  });
  expect(values(dd)).toBeCloseTo(4 * 11 ** 3 * -1.1, 8);
  expect(values(outer.gradient(dd, c))).toBeCloseTo(3 * 4 * 11 ** 2 * -1.1 * -1.1 + 4 * 11 ** 3 * -2.1, 8);
});
