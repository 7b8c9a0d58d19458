/** Static types: literal dtypes and shapes through functions and methods, and what must not compile. `npm run typecheck` decides most of it. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { Tensor } from '../../src/index.js';
import type { Broadcast } from '../../src/ops/types.js';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only if the type of the value is exactly `Expected`. */
const typed =
  <Expected>() =>
  <Actual>(
    value: Actual,
    ..._proof: Same<Actual, Expected> extends true ? [] : ['the type is another one', Actual]
  ): Actual =>
    value;

const inGraph = <T>(build: () => T): T => new tl.Graph().asDefault(build);

describe('shapes of binary functions', () => {
  test.each<[string, () => Tensor]>([
    [
      'equal shapes',
      () =>
        typed<Tensor<'float32', [2, 3]>>()(
          tl.add(tl.placeholder('float32', [2, 3]), tl.placeholder('float32', [2, 3])),
        ),
    ],
    [
      'a lower rank',
      () =>
        typed<Tensor<'float32', [2, 3]>>()(
          tl.subtract(tl.placeholder('float32', [3]), tl.placeholder('float32', [2, 3])),
        ),
    ],
    [
      'both repeated',
      () =>
        typed<Tensor<'float64', [2, 3]>>()(
          tl.multiply(tl.placeholder('float64', [2, 1]), tl.placeholder('float64', [1, 3])),
        ),
    ],
    ['a number', () => typed<Tensor<'float32', [2]>>()(tl.maximum(tl.placeholder('float32', [2]), 0))],
    ['a number first', () => typed<Tensor<'float64', [2]>>()(tl.subtract(1, tl.placeholder('float64', [2])))],
    [
      'an unknown dimension',
      () =>
        typed<Tensor<'float32', [null, 3]>>()(
          tl.add(tl.placeholder('float32', [null, 3]), tl.placeholder('float32', [3])),
        ),
    ],
    [
      'known against unknown',
      () =>
        typed<Tensor<'float32', [4, 3]>>()(
          tl.pow(tl.placeholder('float32', [null, 3]), tl.placeholder('float32', [4, 1])),
        ),
    ],
    [
      'a comparison',
      () => typed<Tensor<'bool', [2, 3]>>()(tl.greater(tl.placeholder('int32', [2, 1]), tl.placeholder('int32', [3]))),
    ],
    ['integers divide to float64', () => typed<Tensor<'float64', [2]>>()(tl.divide(tl.placeholder('int32', [2]), 2))],
    [
      'a choice',
      () =>
        typed<Tensor<'float32', [2, 3]>>()(tl.where(tl.placeholder('bool', [2, 1]), tl.placeholder('float32', [3]), 0)),
    ],
    ['complex parts', () => typed<Tensor<'complex64', [2]>>()(tl.complex(tl.placeholder('float32', [2]), 0))],
  ])('%s', (_title, build) => {
    inGraph(() => expect(build()).toBeInstanceOf(tl.Tensor));
  });

  test('are unknown where an operand is', () => {
    inGraph(() => {
      const x = tl.placeholder('float32') as Tensor<'float32'>;
      typed<Tensor<'float32'>>()(tl.add(x, tl.placeholder('float32', [3])));
      typed<Tensor<'float32'>>()(x.multiply(2));
    });
  });

  test('agree with the shapes inferred when the graph is built', () => {
    inGraph(() => {
      const sum = tl.add(tl.placeholder('float32', [null, 1, 3]), tl.placeholder('float32', [2, 1]));
      typed<Tensor<'float32', [null, 2, 3]>>()(sum);
      expect(sum.shape).toEqual([null, 2, 3]);
      typed<true>()(true);
    });
  });
});

describe('unary functions', () => {
  test('keep dtype and shape, or change the dtype alone', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [2, 3]);
      const z = tl.placeholder('complex128', [4]);
      typed<Tensor<'float32', [2, 3]>>()(tl.tanh(x));
      typed<Tensor<'int32', [2, 3]>>()(tl.cast(x, 'int32'));
      typed<Tensor<'bool', [2, 3]>>()(tl.isNan(x));
      typed<Tensor<'float64', [4]>>()(tl.abs(z));
      typed<Tensor<'float64', [4]>>()(tl.real(z));
      expect(tl.abs(z).dtype).toBe('float64');
    });
  });
});

describe('methods', () => {
  test('have the types of the functions', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [2, 3]);
      const row = tl.placeholder('float32', [3]);
      typed<Tensor<'float32', [2, 3]>>()(x.add(row).multiply(2).subtract(row).negative().square());
      typed<Tensor<'bool', [2, 3]>>()(row.less(x).logicalNot());
      typed<Tensor<'float32', [2, 3]>>()(x.greater(0).where(x, row));
      typed<Tensor<'int64', [3]>>()(row.cast('int64'));
      typed<Tensor<'float32', [2, 3]>>()(x.clipByValue(-1, row));
      expect(x.add(row).op.inputs).toEqual([x, row]);
    });
  });

  test('do not stand in the way of assignment to less specific tensors', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [2, 3]);
      const general: Tensor = x;
      const floating: Tensor<'float32'> = x;
      expect(general).toBe(floating);
    });
  });
});

describe('shapes that do not broadcast', () => {
  test('do not compile, and fail when the graph is built', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [2, 3]);
      const y = tl.placeholder('float32', [4]);
      const impossible: Same<Broadcast<[2, 3], [4]>, never> = true;
      expect(impossible).toBe(true);
      // @ts-expect-error -- [2, 3] and [4]
      expect(() => tl.add(x, y)).toThrow(tl.ShapeError);
      // @ts-expect-error -- [4] and [2, 3]
      expect(() => tl.pow(y, x)).toThrow(tl.ShapeError);
      // @ts-expect-error -- [2, 3] and [4]
      expect(() => x.multiply(y)).toThrow(tl.ShapeError);
      // @ts-expect-error -- [2, 3] and [4]
      expect(() => x.less(y)).toThrow(tl.ShapeError);
      // @ts-expect-error -- [2, 3] and [4]
      expect(() => tl.where(true, x, y)).toThrow(tl.ShapeError);
      // @ts-expect-error -- [2, 3] and [4]
      expect(() => x.clipByValue(y, 1)).toThrow(tl.ShapeError);
    });
  });
});

describe('arguments of other kinds', () => {
  test('do not compile', () => {
    inGraph(() => {
      const x = tl.placeholder('float32', [2]);
      // @ts-expect-error -- an operation is no tensor
      expect(() => tl.add(x, x.op)).toThrow();
      // @ts-expect-error -- there is no such dtype
      expect(() => tl.cast(x, 'float128')).toThrow(tl.TapelessError);
      // @ts-expect-error -- options do not hold that
      tl.tanh(x, { nam: 'y' });
    });
  });
});

describe('variables of loops', () => {
  test('keep their shapes, unless invariants say that these change', () => {
    inGraph(() => {
      const start = [tl.constant(0, { dtype: 'int32' }), { x: tl.constant([1]) }] as const;
      const [, fixed] = tl.whileLoop(
        (i) => i.less(2),
        (i, { x }) => [i.add(1), { x: x.multiply(2) }],
        start,
      );
      typed<{ x: Tensor<'float32', [1]> }>()(fixed);
      const [, grown] = tl.whileLoop(
        (i) => i.less(2),
        (i, { x }) => [i.add(1), { x: tl.concat([x, x], 0) }],
        start,
        { shapeInvariants: [[], [null]] },
      );
      typed<{ x: Tensor<'float32'> }>()(grown);
      expect([fixed.x.shape, grown.x.shape]).toEqual([[1], [null]]);
    });
  });
});
