/** What `explainGradient` says in particular cases. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { inGraph } from './support.js';

const vector = (): tl.Tensor => tl.placeholder('float32', [3], { name: 'x' });
const scalar = (): tl.Tensor => tl.placeholder('float32', [], { name: 'x' });

/** Cause, operation, path, as names. */
function summary({ cause, op, path }: tl.Explanation): [string | null, string | null, string[]] {
  return [cause, op?.name ?? null, path.map((step) => step.name)];
}

type Build = () => tl.Explanation;

describe('where the path breaks', () => {
  test.each<[string, Build, ReturnType<typeof summary>]>([
    [
      'the way to integers is part of the prefix',
      () => {
        const x = vector();
        const whole = tl.cast(tl.square(x), 'int32', { name: 'whole' });
        return tl.explainGradient(tl.tanh(tl.sin(tl.cast(whole, 'float32'))), x);
      },
      ['integerCut', 'whole', ['Tanh', 'Sin', 'Cast']],
    ],
    [
      'y itself is of integers',
      () => {
        const x = vector();
        return tl.explainGradient(tl.cast(x, 'int32'), x);
      },
      ['integerCut', 'Cast', ['Cast']],
    ],
    [
      'x itself is of integers',
      () => {
        const k = tl.placeholder('int32', [3], { name: 'k' });
        return tl.explainGradient(tl.tanh(tl.cast(k, 'float32')), k);
      },
      ['integerCut', 'k', ['Tanh', 'Cast']],
    ],
    [
      'a condition',
      () => {
        const x = vector();
        return tl.explainGradient(tl.where(tl.greater(x, 0), tl.constant([1, 2, 3]), 0), x);
      },
      ['integerCut', 'Greater', ['SelectV2']],
    ],
    [
      'an index',
      () => {
        const x = vector();
        return tl.explainGradient(tl.gather(tl.constant([1, 2, 3]), tl.argmax(x, { axis: 0 })), x);
      },
      ['integerCut', 'ArgMax', ['GatherV2']],
    ],
    [
      'of cuts equally far the older',
      () => {
        const x = vector();
        return tl.explainGradient(
          tl.addN([tl.stopGradient(x), tl.floor(x), tl.cast(tl.cast(x, 'int32'), 'float32')]),
          x,
        );
      },
      ['stopGradientOp', 'StopGradient', ['AddN', 'StopGradient']],
    ],
    [
      'of cuts on parallel paths the furthest',
      () => {
        const x = vector();
        return tl.explainGradient(tl.addN([tl.stopGradient(x), tl.tanh(tl.floor(x))]), x);
      },
      ['noGradient', 'Floor', ['AddN', 'Tanh', 'Floor']],
    ],
    [
      'a rule that refuses, where gradients would not come to it',
      () => {
        const x = vector();
        const cast = tl.cast(tl.cast(x, 'int32'), 'float32');
        const y = tl.tanh(tl.preventGradient(tl.sin(cast), 'no'));
        expect(tl.gradients(y, x)).toEqual([null]);
        return tl.explainGradient(y, x);
      },
      ['noGradient', 'PreventGradient', ['Tanh', 'PreventGradient']],
    ],
    [
      'an override by noGradient',
      () => {
        const x = vector();
        return tl.explainGradient(
          tl.gradientOverrideMap({ Tanh: 'Floor' }, () => tl.tanh(x)),
          x,
        );
      },
      ['noGradient', 'Tanh', ['Tanh']],
    ],
    [
      'inside a branch',
      () => {
        const x = scalar();
        const branch = () => tl.cond(tl.constant(true), () => tl.sin(tl.stopGradient(x)), () => tl.constant(1)); // prettier-ignore
        return tl.explainGradient(tl.cond(tl.constant(true), branch, () => tl.constant(2)), x); // prettier-ignore
      },
      ['stopGradientOp', 'StopGradient', ['cond/Identity', 'cond', 'cond/Identity', 'cond', 'Sin', 'StopGradient']],
    ],
    [
      'the condition of a branch',
      () => {
        const x = scalar();
        return tl.explainGradient(tl.cond(tl.greater(x, 0), () => tl.constant(1), () => tl.constant(2)), x); // prettier-ignore
      },
      ['integerCut', 'Greater', ['cond/Identity', 'cond']],
    ],
  ])('%s', (_, build, expected) => {
    inGraph((g) => {
      const found = build();
      expect(summary(found)).toEqual(expected);
      expect(found.connected).toBe(false);
      expect(found.createdAt).toMatch(/explain\.spec\.ts:\d+$/);
      expect(found.path.every((op) => op.graph !== g || g.operation(op.name) === op)).toBe(true);
    });
  });

  test('the message says where other ways end', () => {
    inGraph(() => {
      const x = vector();
      const ends = [tl.stopGradient(x), tl.floor(x), tl.floor(x), tl.ceil(x), tl.round(x), tl.tanh(tl.floor(x))];
      expect(tl.explainGradient(tl.addN(ends), x).message).toMatch(
        /Gradient reaches: AddN → Tanh → Floor_2\. Other ways end at 'StopGradient' \(stopGradientOp\), 'Floor' \(noGradient\), 'Floor_1' \(noGradient\), 2 more\.$/,
      );
    });
  });

  test('a long prefix is shortened', () => {
    inGraph(() => {
      const x = vector();
      let y = tl.floor(x);
      for (let i = 0; i < 20; i++) y = tl.tanh(y);
      const { path, message } = tl.explainGradient(y, x);
      expect(path).toHaveLength(21);
      expect(message).toContain('Tanh_15 → … 11 more … → Tanh_3');
    });
  });
});

describe('connected', () => {
  test.each<[string, () => [tl.Tensor | tl.Variable, tl.Tensor | tl.Variable], string[]]>([
    [
      'y is x',
      () =>
        Array.from(
          { length: 2 },
          (
            (x) => () =>
              x
          )(vector()),
        ) as [tl.Tensor, tl.Tensor],
      ['x'],
    ],
    [
      'the longest way',
      () => {
        const x = vector();
        return [tl.add(tl.floor(x), tl.add(x, tl.tanh(x)), { name: 'y' }), x];
      },
      ['y', 'Add', 'Tanh', 'x'],
    ],
    [
      'a variable, by what reads it',
      () => {
        const v = tl.variable(1, { name: 'v' });
        return [tl.square(v, { name: 'y' }), v];
      },
      ['y', 'y/ReadVariableOp', 'v'],
    ],
    [
      'a variable as y, whose read is taken back',
      () => {
        const v = tl.variable(1, { name: 'v' });
        return [v, v];
      },
      ['v'],
    ],
    [
      'a complex y, for which gradients needs a gradY',
      () => {
        const x = vector();
        return [tl.complex(x, x, { name: 'y' }), x];
      },
      ['y', 'x'],
    ],
  ])('%s', (_, build, expected) => {
    inGraph((g) => {
      const [y, x] = build();
      const before = g.state;
      const found = tl.explainGradient(y, x);
      expect([found.connected, ...summary(found)]).toEqual([true, null, null, expected]);
      expect(found.message).toContain(`'${y.name}' depends on '${x.name}'`);
      expect(g.state).toBe(before);
    });
  });
});

describe('no path', () => {
  test.each<[string, Build, RegExp]>([
    ['nothing in common', () => tl.explainGradient(tl.constant(1), vector()), /Pass the tensor that is really used\.$/],
    [
      'swapped',
      () => {
        const x = vector();
        return tl.explainGradient(x, tl.tanh(x));
      },
      /'Tanh:0' is computed from 'x:0': the two may have been swapped/,
    ],
    [
      'control edges only',
      () => {
        const x = vector();
        return tl.explainGradient(
          tl.controlDependencies([x], () => tl.constant(1)),
          x,
        );
      },
      /It only runs after it: control edges carry no gradient/,
    ],
    [
      'another read of a variable',
      () => {
        const v = tl.variable(1, { name: 'v' });
        return tl.explainGradient(v.multiply(2), v.value());
      },
      /It uses another read of the variable 'v': differentiate by the variable/,
    ],
    [
      'another output of the same operation',
      () => {
        const [first, second] = tl.split(vector(), 3);
        return tl.explainGradient(tl.tanh(first!), second!);
      },
      /'Tanh:0' is not computed from 'split:1' by data edges\. It uses another output of 'split'/,
    ],
  ])('%s', (_, build, message) => {
    inGraph(() => {
      const found = build();
      expect([found.connected, ...summary(found)]).toEqual([false, 'noPath', null, []]);
      expect(found.message).toMatch(message);
    });
  });
});

describe('arguments', () => {
  test.each<[string, (x: tl.Tensor) => unknown, RegExp]>([
    [
      'y is no tensor',
      (x) => tl.explainGradient(3 as never, x),
      /y is neither a tensor, nor a variable, nor IndexedSlices/,
    ],
    [
      'x is missing',
      (x) => tl.explainGradient(x, undefined as never),
      /x is neither a tensor, nor a variable, nor IndexedSlices/,
    ],
    [
      'a stop that is no tensor',
      (x) => tl.explainGradient(x, x, { stopGradients: ['x'] as never }),
      /stopGradients must hold tensors/,
    ],
    [
      'a misspelt option',
      (x) => tl.explainGradient(x, x, { stop_gradients: [] } as never),
      /Did you mean 'stopGradients'/,
    ],
    ['another graph', (x) => tl.explainGradient(x, inGraph(vector)), /belong to different graphs/],
    [
      'a stop of another graph',
      (x) => tl.explainGradient(x, x, { stopGradients: inGraph(vector) }),
      /belong to different graphs/,
    ],
  ])('%s', (_, call, message) => {
    inGraph((g) => {
      const x = vector();
      const before = g.state;
      expect(() => call(x)).toThrow(tl.InvalidArgumentError);
      expect(() => call(x)).toThrow(message);
      expect(g.state).toBe(before);
    });
  });

  test('stopGradients may name a variable, here and in gradients', () => {
    inGraph(() => {
      const v = tl.variable(1, { name: 'v' });
      const u = tl.identity(v.handle);
      const y = tl.convertToTensor(v).multiply(2);
      expect(summary(tl.explainGradient(y, u, { stopGradients: v }))[0]).toBe('noPath');
      expect(tl.gradients(y, v, { stopGradients: v })[0]).not.toBeNull();
      const scaled = tl.multiply(y, 3);
      expect(summary(tl.explainGradient(scaled, v, { stopGradients: [y] }))).toEqual([
        'stopGradients',
        'Mul',
        ['Mul_1', 'Mul'],
      ]);
    });
  });

  test('a finalized graph can be asked', () => {
    inGraph((g) => {
      const x = vector();
      const y = tl.floor(x);
      g.finalize();
      expect(summary(tl.explainGradient(y, x))).toEqual(['noGradient', 'Floor', ['Floor']]);
      expect(() => tl.gradients(y, x)).toThrow(tl.GraphFinalizedError);
    });
  });
});

test('a graph of 100,000 operations, in seconds', () => {
  inGraph((g) => {
    const x = vector();
    let y = tl.floor(x);
    for (let i = 0; i < 100_000; i++) y = tl.tanh(y);
    const before = g.state;
    const started = performance.now();
    const found = tl.explainGradient(y, x);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect([found.cause, found.op?.name, found.path.length]).toEqual(['noGradient', 'Floor', 100_001]);
    expect(found.message.length).toBeLessThan(600);
    expect(g.state).toBe(before);
  });
});
