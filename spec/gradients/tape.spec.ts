/** Gradient tapes: TensorFlow's own tests of targets, sources, recording and watching, by their names. */
import { expect } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inTapeTest, pair, values } from './tape.support.js';

inTapeTest('BackpropTest.testNoOpBehaviorConsistent', () => {
  const x = tl.constant(10);
  const [x1, x2, x3, x4] = [tl.identity(x), tl.add(x, 0), tl.subtract(x, 0), tl.multiply(x, 1)];
  const tape = new tl.GradientTape();
  const loss = tape.run(() => {
    tape.watch(x);
    tape.watch([x1, x2, x3, x4]);
    return x.multiply(2).add(x1.multiply(3)).add(x2.multiply(3)).add(x3.multiply(3)).add(x4.multiply(3));
  });
  expect(values(tape.gradient(loss, [x, x1, x2, x3, x4]))).toEqual([2, 3, 3, 3, 3]);
});

inTapeTest('BackpropTest.testGradientInsideLoop', () => {
  const v = tl.variable(1);
  let found: unknown;
  const body = (i: tl.Tensor): tl.Tensor => {
    v.add(1);
    const tape = new tl.GradientTape();
    const result = tape.run(() => v.multiply(2));
    found = tape.gradient(result, v);
    return i.subtract(found as tl.Tensor);
  };
  const out = tl.whileLoop((i: tl.Tensor) => i.greater(0), body, [tl.constant(5)]);
  expect(found).not.toBeNull();
  expect(values(out)).toEqual([-1]);
});

inTapeTest('BackpropTest.testTwoTargets', () => {
  const [x, y] = pair();
  const tape = new tl.GradientTape();
  const targets = tape.run(() => {
    tape.watch([x, y]);
    return [x.multiply(2), y.multiply(3)];
  });
  expect(values(tape.gradient(targets, [x, y]))).toEqual([2, 3]);
});

inTapeTest('BackpropTest.testCustomGradientEmptyError', () => {
  const identity = tl.customGradient((x: tl.Tensor) => [tl.identity(x), () => []]);
  const x = tl.variable(1);
  const tape = new tl.GradientTape();
  const y = tape.run(() => identity(x.value()));
  expect(() => tape.gradient(y, [x])).toThrow(tl.InvalidArgumentError);
});

inTapeTest('BackpropTest.testOutputGradUsedInComputation', () => {
  const [x, y] = pair();
  const tape = new tl.GradientTape();
  const loss = tape.run(() => {
    tape.watch([x, y]);
    return x.multiply(y);
  });
  expect(values(tape.gradient([loss, x], [x], { outputGradients: [1, 2] }))).toEqual([4]);
});

inTapeTest('BackpropTest.testTapeNoOpGradient', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  tape.run(() => tape.watch(x));
  expect(values(tape.gradient(x, x))).toBe(1);
});

inTapeTest('BackpropTest.testTapeIdentityGradientIsIdentity', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  const y = tape.run(() => {
    tape.watch(x);
    return tl.identity(x);
  });
  expect(values(tape.gradient(y, x))).toBe(1);
});

inTapeTest('BackpropTest.testFunctionIndexedSlicesGradient', () => {
  const tape = new tl.GradientTape();
  const x = tl.constant([1]);
  const y = tape.run(() => {
    tape.watch(x);
    return tl.gather(tl.cond(tl.constant(true), () => x.add(1), () => x), [0]); // prettier-ignore
  });
  expect(values(tape.gradient(y, x))).toEqual([1]);
});

inTapeTest('BackpropTest.testTapeGradientMultiTargetOneIsSource', () => {
  const x = tl.constant(2);
  const tape = new tl.GradientTape();
  const y = tape.run(() => {
    tape.watch(x);
    return x.multiply(x);
  });
  expect(values(tape.gradient([x, y], x))).toBe(5);
});

inTapeTest('BackpropTest.testTapeNoOpGradientWithMultiTargetAllSource', () => {
  const [x] = pair();
  const tape = new tl.GradientTape();
  tape.run(() => tape.watch(x));
  expect(values(tape.gradient([x, x], x))).toBe(2);
});

inTapeTest('BackpropTest.testTapeNoOpGradientWithMultiTargetMultiSource', () => {
  const [x, y] = [tl.constant(3), tl.constant(5)];
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    tape.watch(x);
    tape.watch(y);
    return y.multiply(y);
  });
  expect(values(tape.gradient([x, y, z], [x, y]))).toEqual([1, 11]);
});

inTapeTest('BackpropTest.testTapeGradientStringTarget', () => {
  const [s, x] = [tl.constant('unknown'), tl.constant(3)];
  const tape = new tl.GradientTape();
  tape.run(() => tape.watch([x, s]));
  expect(tape.gradient(s, x)).toBeNull();
});

inTapeTest('BackpropTest.testTapeNoOpGradientStringSourceAndTarget', () => {
  const s = tl.constant('unknown');
  const tape = new tl.GradientTape();
  tape.run(() => tape.watch(s));
  expect(tape.gradient(s, s)).toBeNull();
});

inTapeTest('BackpropTest.testTapeNoOpGradientWithMultiTargetMultiSourceIncludeString', () => {
  const [x, y, s] = [tl.constant(3), tl.constant(5), tl.constant('unknown')];
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    tape.watch([x, y, s]);
    return y.multiply(y);
  });
  expect(values(tape.gradient([x, y, z, s], [x, y, s]))).toEqual([1, 11, null]);
});

inTapeTest('BackpropTest.testTapeNoOpOnVariableIsIdentity', () => {
  const v = tl.variable(1);
  const tape = new tl.GradientTape();
  const y = tape.run(() => v.value());
  expect(values(tape.gradient(y, v))).toBe(1);
});

inTapeTest('BackpropTest.testTapeNoOpGradient2By2', () => {
  const a = tl.constant(2, { shape: [2, 2] });
  const tape = new tl.GradientTape({ persistent: true });
  tape.run(() => tape.watch(a));
  expect(values(tape.gradient(a, [a]))).toEqual([[[1, 1], [1, 1]]]); // prettier-ignore
});

inTapeTest('BackpropTest.testTapeNoOpGradientMultiTarget2By2', () => {
  const a = tl.constant(2, { shape: [2, 2] });
  const tape = new tl.GradientTape({ persistent: true });
  tape.run(() => tape.watch(a));
  expect(values(tape.gradient([a, a], [a]))).toEqual([[[2, 2], [2, 2]]]); // prettier-ignore
});

inTapeTest('BackpropTest.testTapeStopRecording', () => {
  const tape = new tl.GradientTape();
  const [x, y] = tape.run(() => {
    const x = tl.variable(1);
    return [x, tape.stopRecording(() => x.multiply(x))] as const;
  });
  expect(tape.gradient(y, x)).toBeNull();
});

inTapeTest('BackpropTest.testTapeStopStartRecording', () => {
  const tape = new tl.GradientTape({ persistent: true });
  const { x2, y, z } = tape.run(() => {
    const x2 = tl.variable(1).multiply(2);
    const y = tape.stopRecording(() => x2.multiply(x2));
    return { x2, y, z: x2.multiply(x2) };
  });
  expect(tape.gradient(y, x2)).toBeNull();
  expect(values(tape.gradient(z, x2))).toBe(4);
});

inTapeTest('BackpropTest.testTapeReset', () => {
  const tape = new tl.GradientTape();
  const { v, loss } = tape.run(() => {
    const v = tl.variable(1);
    const first = v.multiply(v);
    tape.reset();
    return { v, loss: first.add(v.multiply(v)) };
  });
  expect(values(tape.gradient(loss, v))).toBe(2);
});

inTapeTest('BackpropTest.testAutomaticWatchedVariables', () => {
  const tape = new tl.GradientTape();
  tape.run(() => {
    expect(tape.watchedVariables()).toEqual([]);
    const v = tl.variable(1);
    expect(tape.watchedVariables()).toEqual([]);
    v.multiply(v);
    expect(tape.watchedVariables()).toEqual([v]);
    tape.reset();
    expect(tape.watchedVariables()).toEqual([]);
    v.multiply(v);
    expect(tape.watchedVariables()).toEqual([v]);
  });
});

inTapeTest('BackpropTest.testExplicitWatchedVariables', () => {
  const tape = new tl.GradientTape();
  tape.run(() => {
    const v = tl.variable(1);
    tape.watch(v);
    expect(tape.watchedVariables()).toEqual([v]);
    tape.reset();
    expect(tape.watchedVariables()).toEqual([]);
    tape.watch(v);
    expect(tape.watchedVariables()).toEqual([v]);
  });
});

inTapeTest('BackpropTest.testGradientWithinTapeBlock', () => {
  const v = tl.variable(1);
  for (const persistent of [false, true]) {
    const tape = new tl.GradientTape({ persistent });
    const grad = tape.run(() => tape.gradient(v.multiply(2), v));
    expect(values(grad)).toBe(2);
  }
});

inTapeTest('BackpropTest.testWatchBadThing', () => {
  const tape = new tl.GradientTape();
  expect(() => tape.watch(tl.NDArray.from(1) as never)).toThrow(/it holds a NDArray/);
});

inTapeTest('BackpropTest.testWatchedVariablesAfterNonPersistentGradientCall', () => {
  const tape = new tl.GradientTape();
  const x = tape.run(() => {
    const x = tl.variable(1);
    tape.watch(x);
    return x;
  });
  tape.gradient(x, x);
  expect(tape.watchedVariables()).toEqual([x]);
});

inTapeTest('BackpropTest.testWatchedVariablesOnlyHasVariablesFromLastTape', () => {
  const watched = [1, 2].map((value) => {
    const tape = new tl.GradientTape();
    const z = tape.run(() => {
      const z = tl.variable(value);
      tape.watch(z);
      return z;
    });
    tape.gradient(z, z);
    return [tape.watchedVariables(), z] as const;
  });
  for (const [found, z] of watched) expect(found).toEqual([z]);
});

inTapeTest('BackpropTest.testWatchedVariablesRespectReset', () => {
  const tape = new tl.GradientTape();
  const z = tape.run(() => {
    const x = tl.variable(1);
    tape.watch(x);
    expect(tape.watchedVariables()).toEqual([x]);
    tape.reset();
    const z = tl.variable(2);
    tape.watch(z);
    expect(tape.watchedVariables()).toEqual([z]);
    return z;
  });
  tape.gradient(z, z);
  expect(tape.watchedVariables()).toEqual([z]);
});
