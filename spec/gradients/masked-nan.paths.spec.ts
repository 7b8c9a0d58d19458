/** How far the masks of `where`s reach, what they leave alone, and what they cost. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { GradientOptions, Tensor } from '../../src/index.js';
import { first, run, second, tensorflow, unsigned, where, type Unary } from './masked-nan.support.js';
import { inGraph } from './support.js';

describe('ops that only move elements let the mask through', () => {
  test.each<[string, Unary]>([
    ['reshape', (l) => tl.reshape(tl.reshape(l, [4]), [2, 2])],
    ['expandDims and squeeze', (l) => tl.squeeze(tl.expandDims(l, 1), { axis: [1] })],
    ['transpose', (l) => tl.transpose(tl.transpose(l))],
    ['split and concat', (l) => tl.concat(tl.split(l, 2, { axis: 0 }) as Tensor[], 0)],
    ['unstack and stack', (l) => tl.stack(tl.unstack(l, { axis: 1 }) as Tensor[], { axis: 1 })],
    ['two slices', (l) => tl.concat([l.slice([0, 0], [2, 1]), l.slice([0, 1], [2, 1])], 1)],
    ['identityN', (l) => tl.identityN([l, tl.constant(1)])[0]],
  ])('%s', (_, move) => {
    inGraph(() => {
      const x = tl.constant([
        [0, 2],
        [4, 0],
      ]);
      const mask = tl.constant([
        [false, true],
        [true, false],
      ]);
      const y = where(mask, move(tl.log(x)), x);
      expect(first(y, x)).toEqual([
        [1, 0.5],
        [0.25, 1],
      ]);
      expect(unsigned(second(y, x))).toEqual([
        [0, -0.25],
        [-0.0625, 0],
      ]);
    });
  });

  test('repetition: an element is masked where all its copies are', () => {
    inGraph(() => {
      const x = tl.constant([[0], [2]]);
      const mask = tl.constant([
        [false, false],
        [false, true],
      ]);
      for (const copies of [tl.tile(tl.log(x), [1, 2]), tl.broadcastTo(tl.log(x), [2, 2])]) {
        expect(first(where(mask, copies, 0), x)).toEqual([[0], [0.5]]);
      }
    });
  });

  test('complex numbers too', () => {
    inGraph(() => {
      const z = tl.constant([
        [
          { re: 0, im: 0 },
          { re: 2, im: 0 },
        ],
      ]);
      const y = where([[false], [true]], tl.transpose(tl.log(z)), tl.zerosLike(tl.transpose(z)));
      expect(first(y, z, { gradYs: tl.onesLike(y) })).toEqual([
        [
          { re: 0, im: 0 },
          { re: 0.5, im: 0 },
        ],
      ]);
    });
  });

  test('what a slice leaves out is not masked', () => {
    inGraph(() => {
      const x = tl.constant([0, 0, 2]);
      const y = where([false, true], tl.log(x).slice([1], [2]), 0);
      expect(first(y, x)).toEqual([NaN, 0, 0.5]);
      expect(first(y, x, tensorflow)).toEqual([NaN, NaN, 0.5]);
    });
  });
});

describe('a NaN that no where masks stays', () => {
  const same = (build: (x: Tensor) => Tensor, at: number[], expected: number[]): void =>
    inGraph(() => {
      const x = tl.constant(at);
      const y = build(x);
      expect(first(y, x)).toEqual(expected);
      expect(first(y, x, tensorflow)).toEqual(expected);
    });

  test('without any where', () => {
    same((x) => tl.square(tl.pow(x, 0.5)), [0, 4], [NaN, 1]);
    same((x) => tl.multiply(x, tl.log(x)), [0, 1], [NaN, 1]);
    // TensorFlow's SqrtGrad takes no gradient for none, so that the root of 0, squared, is harmless; that of -1 is not.
    same((x) => tl.square(tl.sqrt(x)), [0, -1], [0, NaN]);
  });

  test('chosen', () => same((x) => where([true, false], tl.square(tl.pow(x, 0.5)), x), [0, 4], [NaN, 1]));

  test('upstream of the where', () =>
    same((x) => where([true, false], tl.identity(tl.pow(x, 0.5)), x).multiply(0), [0, 1], [NaN, 0]));

  test('on another path to the same x', () =>
    same((x) => where([false, true], tl.log(x), x).add(tl.multiply(x, tl.log(x))), [0, 1], [NaN, 2]));

  test('of a tensor that is used elsewhere as well', () =>
    same(
      (x) => {
        const l = tl.log(x);
        return where([false, true], tl.square(l), x).add(tl.multiply(x, l));
      },
      [0, 1],
      [NaN, 1],
    ));

  test('of a tensor that both branches use', () =>
    same(
      (x) => {
        const l = tl.multiply(x, tl.log(x));
        return where([false, true], tl.multiply(l, 2), l);
      },
      [0, 1],
      [NaN, 2],
    ));

  test('beyond an op that mixes elements', () =>
    same(
      (x) => where([false, true], tl.reduceSum(tl.log(x), { axis: 1 }), 1).reshape([2]),
      [
        [0, 1],
        [2, 4],
      ] as never,
      [
        [NaN, 0],
        [0.5, 0.25],
      ] as never,
    ));
});

describe('several masks', () => {
  test('a tensor used under two of them is masked where both say so', () => {
    inGraph(() => {
      const x = tl.constant([0, 1, 2, 4]);
      const l = tl.log(x);
      const y = where([false, false, true, true], l, 0).add(where([false, true, false, true], l, 0));
      expect(first(y, x)).toEqual([0, 1, 0.5, 0.5]);
      expect(unsigned(second(y, x))).toEqual([0, -1, -0.25, -0.125]);
      expect((first(y, x, tensorflow) as number[])[0]).toBeNaN();
    });
  });

  test('a tensor used on both sides of one where is masked nowhere: no node is spent on it', () => {
    inGraph((graph) => {
      const x = tl.constant([1, 2]);
      const l = tl.log(x);
      const y = where([false, true], l, l.multiply(2));
      const [plainCount, safeCount] = [tensorflow, {}].map((options) => {
        const before = graph.version;
        tl.gradients(y, x, options);
        return graph.version - before;
      });
      expect(safeCount).toBe(plainCount);
    });
  });
});

describe('with the other options', () => {
  test.each<GradientOptions>([
    { gateGradients: true },
    { colocateGradientsWithOps: true },
    { aggregationMethod: 'experimentalTree' },
    { aggregationMethod: 'experimentalAccumulateN' },
    { unconnectedGradients: 'zero' },
    { stopGradients: [] },
  ])('%j', (options) => {
    inGraph(() => {
      const x = tl.constant([0, 1, 4]);
      const y = where([false, true, true], tl.multiply(tl.log(x), tl.sqrt(x)), tl.divide(x, tl.log(x)));
      const value = first(where([false, true, true], y, x), x, options) as number[];
      expect(value[0]).toBe(1);
      expect(value[1]).toBe(1);
      expect(value[2]).toBeCloseTo(0.5 + Math.log(4) / 4, 5);
    });
  });

  test('the gradient of a tensor inside the branch is clean as well', () => {
    inGraph(() => {
      const x = tl.constant([0, 4]);
      const root = tl.pow(x, 0.5);
      const y = where([false, true], tl.log(root), 0);
      expect(tl.gradients(y, [root, x]).map((dx) => run(dx as Tensor))).toEqual([
        [0, 0.5],
        [0, 0.125],
      ]);
    });
  });

  test('a gradient that somebody else registered sees zeros, and its result is taken as it is', () => {
    const seen: Tensor[] = [];
    tl.registerGradient('SeenByMaskedNaN', (_, dy) => {
      seen.push(dy as Tensor);
      return [dy];
    });
    inGraph(() => {
      const x = tl.constant([0, 2]);
      const inner = tl.gradientOverrideMap({ Identity: 'SeenByMaskedNaN' }, () => tl.identity(x));
      expect(first(where([false, true], tl.log(inner), 0), x)).toEqual([0, 0.5]);
      expect(run(seen[0]!)).toEqual([0, 0.5]);
    });
  });

  test('masked nodes stand where the gradient does', () => {
    inGraph((graph) => {
      const x = tl.device('/device:CPU:1', () => tl.constant([0, 1]));
      const l = tl.device('/device:CPU:2', () => tl.log(x));
      tl.gradients(where([false, true], l, 0), x, { colocateGradientsWithOps: true });
      const masked = graph.operations().filter(({ name }) => name.includes('masked'));
      expect(masked.map((op) => [op.type, op.device, op.colocationGroups()])).toEqual([
        ['SelectV2', '/device:CPU:2', ['loc:@Log']],
      ]);
    });
  });

  test('a value that does not exist', () => {
    inGraph((graph) => {
      const x = tl.constant(1);
      const before = graph.state;
      expect(() => tl.gradients(x, x, { maskedNaN: 'never' as never })).toThrow(
        `gradients: 'maskedNaN' is "never"; it must be one of 'safe', 'tensorflow'.`,
      );
      expect(graph.state).toBe(before);
    });
  });
});

describe('in function bodies', () => {
  test('cond', () => {
    inGraph(() => {
      const x = tl.constant([0, 2]);
      const branch = () => where([false, true], tl.log(x), x);
      const y = tl.cond(tl.constant(true), branch, () => tl.multiply(x, 5)) as Tensor;
      expect(first(y, x)).toEqual([1, 0.5]);
      expect(unsigned(second(y, x))).toEqual([0, -0.25]);
    });
  });

  test('whileLoop', () => {
    inGraph(() => {
      const x = tl.constant([0, 2]);
      const body = (i: Tensor, v: Tensor) =>
        [i.add(1), where(x.greater(0), v.add(tl.log(x)), v.add(x))] as [Tensor, Tensor];
      const [, y] = tl.whileLoop((i: Tensor) => i.less(2), body, [tl.constant(0, { dtype: 'int32' }), x]) as Tensor[];
      expect(first(y!, x)).toEqual([3, 2]);
      expect(first(y!, x, tensorflow)).toEqual([NaN, 2]);
    });
  });
});

describe('long chains', () => {
  const deep = 20_000;

  test.each<[string, (l: Tensor, i: number) => Tensor]>([
    ['of ops that work element by element', (l) => tl.sin(l)],
    ['of ops that move elements', (l) => tl.reshape(l, [2])],
    ['of choices', (l, i) => where([i % 2 === 0, true], l, 0)],
    ['of choices and moves', (l, i) => (i % 2 === 0 ? tl.reshape(l, [2]) : where([true, true], l, 0))],
  ])('%s', (_, link) => {
    inGraph(() => {
      const x = tl.constant([0, 1]);
      let y: Tensor = tl.log(x);
      for (let i = 0; i < deep; i++) y = link(y, i);
      const value = first(where([false, true], y, 0), x) as number[];
      expect(value[0]).toBe(0);
      expect(Math.abs(value[1]!)).toBeGreaterThan(1e-7);
    });
  });
});

describe('casts', () => {
  test('between what moves elements', () => {
    inGraph(() => {
      const x = tl.constant([0, 2]);
      const moved = tl.reshape(tl.cast(tl.reshape(tl.log(x), [1, 2]), 'float64'), [2]);
      const halves = tl.split(moved, 2) as Tensor[];
      const y = where([false, true], tl.concat(halves, 0), tl.cast(0, 'float64'));
      expect(first(y, x)).toEqual([0, 0.5]);
    });
  });
});

describe('what it costs', () => {
  const added = (build: (x: Tensor) => Tensor, shape: readonly (number | null)[] = [3]) =>
    inGraph((graph) => {
      const x = tl.placeholder('float32', shape) as Tensor;
      const y = build(x);
      const types = [{}, tensorflow].map((options) => {
        const before = graph.version;
        tl.gradients(y, x, options);
        return graph
          .operations()
          .slice(before)
          .map(({ type }) => type);
      });
      const left = [...types[1]!];
      return types[0]!.filter((type) => {
        const at = left.indexOf(type);
        if (at >= 0) left.splice(at, 1);
        return at < 0;
      });
    });

  test.each<[string, (x: Tensor) => Tensor]>([
    ['no where', (x) => tl.log(tl.sqrt(tl.multiply(x, tl.log(x))))],
    ['nothing but the choice', (x) => where([true, false, true], x, tl.negative(x))],
    ['branches with a bounded derivative', (x) => where([true, false, true], x.multiply(2).add(1), x.divide(4))],
    ['a where on a path that x is not on', (x) => tl.log(x).add(where([true, false, true], tl.log([1, 2, 3]), 0))],
    ['a maximum', (x) => tl.maximum(tl.log(x), 0)],
  ])('%s: the nodes of TensorFlow', (_, build) => {
    expect(added(build)).toEqual([]);
    inGraph((graph) => {
      const x = tl.placeholder('float32', [3]) as Tensor;
      const y = build(x);
      const texts = [{}, tensorflow].map((options) => {
        const before = graph.version;
        graph.attempt(() => tl.gradients(y, x, { ...options, name: 'g' }));
        return graph
          .operations()
          .slice(before)
          .map(({ def }) => JSON.stringify([def.op, def.input.map(renamed)]));
      });
      expect(texts[0]).toEqual(texts[1]);
    });
  });

  test.each<[string, (x: Tensor) => Tensor]>([
    ['one singular op', (x) => where(x.greater(0), tl.log(x), 0)],
    ['a chain of them', (x) => where(x.greater(0), tl.log(tl.sqrt(tl.exp(tl.rsqrt(x)))), 0)],
    ['with a branch of bounded derivative beside it', (x) => where(x.greater(0), tl.log(x), x.multiply(0.5))],
  ])('%s: one SelectV2 and its zero', (_, build) => {
    expect(added(build)).toEqual(['Const', 'SelectV2']);
    expect(added(build, [null])).toEqual(['Const', 'SelectV2']);
  });
});

/** Names without the numbers that make them unique. */
function renamed(name: string): string {
  return name.replace(/_\d+(?=[/:]|$)/g, '');
}
