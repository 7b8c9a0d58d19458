/** Random ops against numbers recorded from TensorFlow, the seeds they get, and the nodes the functions make. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { allocate } from '../../src/graph/dtype.js';
import { readElement, writeElement } from '../../src/graph/elements.js';
import { one } from '../../src/ops/call.js';
import { Philox } from '../../src/ops/philox.js';
import * as recorded from './random.recorded.js';

function inGraph<T>(build: () => T): { graph: tl.Graph; parts: T; session: tl.Session } {
  const graph = new tl.Graph();
  return { graph, parts: graph.asDefault(build), session: new tl.Session({ graph }) };
}

const flat = (value: tl.NDArray): unknown[] => Array.from({ length: value.size }, (_, i) => value.element(i));
const steps = { float32: 2 ** -23, float64: 2 ** -52, float16: 2 ** -10, bfloat16: 2 ** -7 } as Record<string, number>;

function expectClose(actual: readonly unknown[], expected: readonly number[], dtype: string): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs((actual[i] as number) - value)).toBeLessThanOrEqual(
      4 * steps[dtype]! * Math.max(Math.abs(value), 0.1),
    );
  });
}

describe('stateful ops give what TensorFlow gives, run after run', () => {
  test.each(recorded.stateful.map((row) => [`${row.type} ${row.attrs.dtype} ${row.shape.join()}`, row] as const))(
    '%s',
    (_, row) => {
      const { parts, session } = inGraph(() =>
        one(row.type, [new tl.NDArray('int32', [row.shape.length], Int32Array.from(row.shape))], row.attrs),
      );
      for (const run of row.runs) {
        const actual = flat(session.runSync(parts));
        if (row.type === 'RandomUniform') expect(actual).toEqual(run);
        else expectClose(actual, run, row.attrs.dtype);
      }
    },
  );

  test.each(recorded.integers.map((row) => [`${row.dtype} in ${row.bounds.join(' … ')}`, row] as const))(
    '%s',
    (_, row) => {
      const { parts, session } = inGraph(() => {
        const [low, high] = row.bounds.map((bound) => tl.constant(bound, { dtype: row.dtype }));
        return one('RandomUniformInt', [tl.constant(row.shape, { dtype: 'int32' }), low!, high!], {
          seed: 1,
          seed2: 2,
        });
      });
      for (const run of row.runs) expect(flat(session.runSync(parts)).map(Number)).toEqual(run.map(Number));
    },
  );

  test('many numbers, and the counter after them', () => {
    const { parts, session } = inGraph(() =>
      one('RandomUniform', [tl.constant([30000], { dtype: 'int32' })], { seed: 1, seed2: 2, dtype: 'float32' }),
    );
    for (const run of recorded.large) {
      const value = session.runSync(parts);
      expect([0, 9999, 29999].map((i) => value.element(i))).toEqual(run);
    }
  });

  test('a new session starts again; without seeds it starts anywhere', () => {
    const { graph, parts, session } = inGraph(() => [tl.random.uniform([4], { seed: 3 }), tl.random.uniform([4])]);
    const [seeded, free] = session.runSync(parts);
    const [seededAgain, freeAgain] = new tl.Session({ graph }).runSync(parts);
    expect(seededAgain!.toArray()).toEqual(seeded!.toArray());
    expect(freeAgain!.toArray()).not.toEqual(free!.toArray());
    expect(session.runSync(parts)[0]!.toArray()).not.toEqual(seeded!.toArray());
  });
});

describe('stateless ops', () => {
  const values = (build: () => tl.Tensor): unknown[] => {
    const { parts, session } = inGraph(build);
    const first = session.runSync(parts);
    expect(flat(session.runSync(parts))).toEqual(flat(first));
    return flat(first);
  };
  const { statelessUniform, statelessNormal } = tl.random;

  test('uniforms are TensorFlow’s bit for bit', () => {
    expect(values(() => statelessUniform([7], { seed: [3, -4] }))).toEqual(recorded.statelessUniform32);
    expect(values(() => statelessUniform([3], { seed: [3, -4], dtype: 'float64' }))).toEqual(
      recorded.statelessUniform64,
    );
    expect(values(() => statelessUniform([6], { seed: [3, 4], minval: -5, maxval: 50, dtype: 'int32' }))).toEqual(
      recorded.statelessIntegers,
    );
    const whole = { seed: [3, 4], minval: null, maxval: null } as const;
    expect(values(() => statelessUniform([6], { ...whole, dtype: 'int32' }))).toEqual(recorded.statelessFull32);
    expect(values(() => statelessUniform([3], { ...whole, dtype: 'uint64' }))).toEqual(recorded.statelessFull64);
  });

  test('normals are TensorFlow’s to rounding', () => {
    expectClose(
      values(() => statelessNormal([7], { seed: [3, 4] })),
      recorded.statelessNormal32,
      'float32',
    );
    expectClose(
      values(() => statelessNormal([3], { seed: [3, 4], dtype: 'float64' })),
      recorded.statelessNormal64,
      'float64',
    );
  });

  test('the key and the counter of a seed', () => {
    const { parts, session } = inGraph(() => {
      const { op } = one('StatelessRandomGetKeyCounter', [tl.constant([3, -4], { dtype: 'int32' })]);
      return op.outputs;
    });
    expect(session.runSync(parts).map((value) => flat(value))).toEqual([
      recorded.statelessKey,
      recorded.statelessCounter.map(BigInt),
    ]);
  });

  test('another algorithm than Philox is refused', () => {
    const { parts, session } = inGraph(() => {
      const { op } = one('StatelessRandomGetKeyCounter', [tl.constant([1, 2], { dtype: 'int32' })]);
      return one('StatelessRandomUniformV2', [[2], ...op.outputs, 2]);
    });
    expect(() => session.runSync(parts)).toThrow(/only the algorithm Philox/);
  });
});

describe('seeds follow TensorFlow’s get_seed', () => {
  const seedsOf = (tensor: tl.Tensor): unknown[] => {
    const op = tensor.graph
      .operations()
      .find(({ name, def }) => name.startsWith(tensor.op.name.split('/')[0]!) && 'seed2' in def.attr)!;
    return [op.attr('seed'), op.attr('seed2')];
  };

  test.each<[string, number | null, (number | undefined)[], unknown[]]>([
    ['neither', null, [undefined], [[0, 0]]],
    [
      'op seeds only',
      null,
      [3, -1],
      [
        [87654321, 3],
        [87654321, 2147483646],
      ],
    ],
    [
      'the graph’s: those without one are counted',
      42,
      [undefined, 9, undefined],
      [
        [42, 0],
        [42, 9],
        [42, 1],
      ],
    ],
    [
      'zeros stay deterministic',
      0,
      [0, 0],
      [
        [0, 2147483647],
        [0, 2147483647],
      ],
    ],
    ['large ones are cut', 2 ** 31 + 4, [2 ** 40], [[5, 512]]],
  ])('%s', (_, graphSeed, opSeeds, expected) => {
    const { parts } = inGraph(() => {
      if (graphSeed !== null) tl.setRandomSeed(graphSeed);
      return opSeeds.map((seed, i) =>
        tl.random.uniform([1], { name: `u${i}`, ...(seed === undefined ? {} : { seed }) }),
      );
    });
    expect(parts.map(seedsOf)).toEqual(expected);
  });

  test('what a transaction made and took back does not count', () => {
    const { parts } = inGraph(() => {
      tl.setRandomSeed(7);
      const before = tl.random.uniform([1], { name: 'a' });
      expect(() =>
        before.graph.transact(() => {
          tl.random.normal([1]);
          throw new Error('no');
        }),
      ).toThrow('no');
      return tl.random.uniform([1], { name: 'b' });
    });
    expect(seedsOf(parts)).toEqual([7, 1]);
  });
});

describe('the functions', () => {
  const { uniform, normal } = tl.random;
  const typesOf = (build: () => tl.Tensor): string[] =>
    inGraph(build)
      .graph.operations()
      .map(({ type, name }) => `${type} ${name}`);

  test('make TensorFlow’s nodes', () => {
    expect(typesOf(() => uniform([2]))).toEqual([
      'Const random_uniform/shape',
      'RandomUniform random_uniform/RandomUniform',
    ]);
    expect(typesOf(() => uniform([2], { maxval: 3 })).slice(-2)).toEqual([
      'RandomUniform random_uniform/RandomUniform',
      'Mul random_uniform/Mul',
    ]);
    expect(typesOf(() => uniform([2], { minval: 1, maxval: 3 })).slice(-3)).toEqual([
      'Sub random_uniform/sub',
      'Mul random_uniform/mul',
      'AddV2 random_uniform',
    ]);
    expect(typesOf(() => uniform([2], { maxval: 3, dtype: 'int32', name: 'u' }))).toEqual([
      'Const u/shape',
      'Const u/min',
      'Const u/max',
      'RandomUniformInt u',
    ]);
    expect(typesOf(() => normal([2])).slice(-3)).toEqual([
      'RandomStandardNormal random_normal/RandomStandardNormal',
      'Mul random_normal/mul',
      'AddV2 random_normal',
    ]);
    expect(typesOf(() => tl.random.statelessUniform([2], { seed: [1, 2] }))).toEqual([
      'Const stateless_random_uniform/shape',
      'Const stateless_random_uniform/min',
      'Const stateless_random_uniform/max',
      'Const stateless_random_uniform/StatelessRandomGetKeyCounter/seed',
      'StatelessRandomGetKeyCounter stateless_random_uniform/StatelessRandomGetKeyCounter',
      'Const stateless_random_uniform/StatelessRandomUniformV2/alg',
      'StatelessRandomUniformV2 stateless_random_uniform/StatelessRandomUniformV2',
      'Sub stateless_random_uniform/sub',
      'Mul stateless_random_uniform/mul',
      'AddV2 stateless_random_uniform',
    ]);
  });

  test('stretch and shift', () => {
    // tf.random.set_seed(42) in graph mode; uniform([2, 3]), uniform([2], 2., 5.), uniform([2], 0, 3.)
    const { parts, session } = inGraph(() => {
      tl.setRandomSeed(42);
      return [uniform([2, 3]), uniform([2], { minval: 2, maxval: 5 }), uniform([2], { maxval: 3 })];
    });
    expect(session.runSync(parts).map((value) => flat(value))).toEqual([
      [
        0.8354591131210327, 0.9162973165512085, 0.4946495294570923, 0.5211132764816284, 0.7119492292404175,
        0.45645105838775635,
      ],
      [2.450385570526123, 3.91977596282959],
      [2.9634382724761963, 1.0862181186676025],
    ]);
  });

  test('know the static shape, and take one as a tensor', () => {
    const { parts, session } = inGraph(() => {
      const n = tl.placeholder('int32', [2]);
      return { n, free: uniform(n), fixed: uniform([2, 3]), constant: normal(tl.constant([4], { dtype: 'int32' })) };
    });
    expect(parts.free.shape).toEqual([null, null]);
    expect(parts.fixed.shape).toEqual([2, 3]);
    expect(parts.constant.shape).toEqual([4]);
    expect(session.runSync(parts.free, new Map([[parts.n, [3, 1]]])).shape).toEqual([3, 1]);
    expect(() => session.runSync(parts.free, new Map([[parts.n, [3, -1]]]))).toThrow(/dimension of -1/);
  });

  test.each<[string, () => unknown, RegExp]>([
    ['integers without maxval', () => uniform([2], { dtype: 'int32' }), /needs maxval/],
    ['normal integers', () => normal([2], { dtype: 'int32' }), /int32 is not accepted/],
    ['a seed that is no integer', () => uniform([2], { seed: 1.5 }), /1\.5 is not an integer/],
    [
      'one bound',
      () => tl.random.statelessUniform([2], { seed: [1, 2], dtype: 'int32', minval: 1 }),
      /both minval and maxval/,
    ],
    [
      'bounds of unsigned integers',
      () => tl.random.statelessUniform([2], { seed: [1, 2], dtype: 'uint32', minval: 1, maxval: 2 }),
      /no bounds/,
    ],
    [
      'a seed of three',
      () => tl.random.statelessUniform([2], { seed: tl.constant([1, 2, 3], { dtype: 'int32' }) }),
      /the seed must have shape \[2\]/,
    ],
  ])('refuse %s and leave nothing', (_, build, message) => {
    const { graph } = inGraph(() => undefined);
    expect(() => graph.asDefault(build)).toThrow(message);
    expect(graph.operations().filter(({ type }) => type !== 'Const')).toEqual([]);
  });

  test('empty bounds fail at run time', () => {
    const { parts, session } = inGraph(() => uniform([2], { minval: 3, maxval: 3, dtype: 'int32' }));
    expect(() => session.runSync(parts)).toThrow(/need minval < maxval, got 3 >= 3/);
  });
});

describe('Philox', () => {
  test('skipping is the same as drawing', () => {
    const [a, b] = [new Philox(5n, 0xffffffffffffffffn, 7n), new Philox(5n, 0xffffffffffffffffn, 7n)];
    for (let i = 0; i < 3; i++) a.next();
    b.skip(3n);
    expect([...a.next()]).toEqual([...b.clone().next()]);
  });

  test('half precisions are stored as they are read', () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const data = allocate(dtype, 1);
      writeElement(dtype, data, 0, 0.3);
      expect(readElement(dtype, data, 0)).toBeCloseTo(0.3, 2);
    }
  });
});
