/** The backward walk: seeds, stops, aggregation, gating, colocation, and that nothing is left behind by a failure. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { GradientOptions } from '../../src/index.js';
import { inGraph, values } from './support.js';

describe('values', () => {
  test('the gradient of a product', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const z = tl.constant(5);
      expect(values(x.multiply(x).multiply(z), [x, z])).toEqual([30, 9]);
    });
  });

  test('y is x: the seed itself', () => {
    inGraph(() => {
      const x = tl.constant([1, 2]);
      const [dx] = tl.gradients(x, x);
      expect((dx as tl.Tensor).op.name).toBe('gradients/grad_ys_0');
      expect(values(x, [x])).toEqual([[1, 1]]);
    });
  });

  test('an integer y that is x gives integer ones', () => {
    inGraph(() => {
      const k = tl.constant([1, 2], { dtype: 'int32' });
      const [dk] = tl.gradients(k, k);
      expect((dk as tl.Tensor).dtype).toBe('int32');
      expect(values(tl.square(k), [k])).toEqual([null]);
    });
  });

  test('the same x twice gives the same tensor twice', () => {
    inGraph(() => {
      const x = tl.constant(2);
      const [a, b] = tl.gradients(x.multiply(3), [x, x]);
      expect(a).toBe(b);
    });
  });

  test('the same y twice adds up once', () => {
    inGraph(() => {
      const x = tl.constant(2);
      const y = x.multiply(3);
      expect(values([y, y], [x])).toEqual([6]);
    });
  });

  test('an x downstream of another x is differentiated through', () => {
    inGraph(() => {
      const a = tl.constant(1);
      const b = a.multiply(2);
      expect(values([a.add(b)], [a, b])).toEqual([3, 1]);
      expect(values([a.add(b)], [a, b], { stopGradients: [a, b] })).toEqual([1, 1]);
      expect(values([b], [a, b])).toEqual([2, 1]);
    });
  });

  test('dependent ys', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const y = tl.square(x);
      const y2 = tl.square(tl.square(y));
      expect(values([y, y2], [x])).toEqual([17502]);
      expect(values([y.add(y2)], [x])).toEqual([17502]);
    });
  });

  test('orders one to four of a cubic, then null', () => {
    inGraph(() => {
      const x = tl.constant(2);
      const results: unknown[] = [];
      let y: tl.Tensor | null = x.multiply(x).multiply(x);
      const session = new tl.Session();
      while (y) {
        results.push(session.runSync(y).item());
        y = tl.gradients(y, x)[0] as tl.Tensor | null;
      }
      expect(results).toEqual([8, 12, 12, 6]);
    });
  });

  test.each<[string, (x: tl.Tensor) => tl.Tensor]>([
    ['control edges only', (x) => tl.controlDependencies([x], () => tl.constant(1))],
    ['stopGradient', (x) => tl.stopGradient(x).multiply(2)],
    ['an integer path', (x) => tl.cast(tl.cast(x, 'int32'), 'float32')],
    ['a constant', () => tl.constant(7)],
    ['floor', (x) => tl.floor(x)],
  ])('null through %s', (_, build) => {
    inGraph(() => {
      const x = tl.constant(2);
      expect(values(build(x), [x])).toEqual([null]);
      expect(values(build(x), [x], { unconnectedGradients: 'zero' })).toEqual([0]);
    });
  });

  test('an operation with an unused output gets zeros for it', () => {
    inGraph(() => {
      const x = tl.constant([[1, 2, 3, 4]]);
      const [, right] = tl.split(x, 2, { axis: 1 });
      expect(values(right!, [x])).toEqual([[[0, 0, 1, 1]]]);
    });
  });

  test('what a sibling output gets does not depend on the other xs asked for', () => {
    inGraph(() => {
      const a = tl.constant([[1, 2]]);
      const [left, right] = tl.split(a, 2, { axis: 1 });
      expect(values(right!, [left!, right!])).toEqual([null, [[1]]]);
      expect(values(right!, [left!, right!, a])).toEqual([null, [[1]], [[0, 1]]]);
    });
  });

  test('variables: by the variable, its handle or its value', () => {
    inGraph(() => {
      const v = tl.variable(3);
      const y = tl.square(v);
      const session = new tl.Session();
      session.runSync(tl.globalVariablesInitializer());
      const [byVariable, byHandle, fresh] = tl.gradients(y, [v, v.handle, v.value()]);
      expect(byVariable).toBe(byHandle);
      expect(session.runSync(byVariable as tl.Tensor).item()).toBe(6);
      expect(fresh).toBeNull();
    });
  });

  test('gather gives slices; slices can be ys and xs', () => {
    inGraph(() => {
      const table = tl.constant([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      const rows = tl.gather(table, [2, 0, 2]);
      const [d] = tl.gradients(rows, [table]);
      expect(d).toBeInstanceOf(tl.IndexedSlices);
      const slices = d as tl.IndexedSlices;
      const session = new tl.Session();
      expect(session.runSync(tl.convertToTensor(slices)).toArray()).toEqual([
        [1, 1],
        [0, 0],
        [2, 2],
      ]);
      const fetched = session.runSync(slices);
      expect(fetched.indices.toArray()).toEqual([2, 0, 2]);
      const [through] = tl.gradients(slices, [slices]);
      expect(through).toBeInstanceOf(tl.IndexedSlices);
    });
  });
});

describe('gradYs', () => {
  test('tensors, data and null, each for its y', () => {
    inGraph(() => {
      const x = tl.constant([1, 2]);
      const ys = [x.multiply(2), x.multiply(3), x.multiply(5)];
      expect(values(ys, [x], { gradYs: [tl.constant([1, 0]), [0, 1], null] })).toEqual([[7, 8]]);
    });
  });

  test.each<[string, GradientOptions, RegExp]>([
    ['too few', { gradYs: [] }, /gradYs has 0 entries for 1 ys/],
    ['wrong shape', { gradYs: [[1, 2, 3]] }, /gradYs\[0\] has shape \[3\], but 'Mul:0' has shape \[2\]/],
    ['a scalar is not broadcast', { gradYs: [1] }, /gradYs\[0\] has shape \[\]/],
    [
      'wrong dtype',
      { gradYs: [new Float64Array([1, 2])].map((d) => tl.NDArray.from(d)).map((d) => d as never) },
      /gradYs|float/,
    ],
    ['not a number', { gradYs: [['a', 'b']] }, /gradYs\[0\]: "a" is not a value of dtype float32/],
  ])('%s', (name, options, message) => {
    inGraph((g) => {
      const x = tl.constant([1, 2]);
      const y = x.multiply(2);
      const before = g.state;
      if (name === 'wrong dtype') {
        const wide = tl.constant(new Float64Array([1, 2]));
        const withWide = g.state;
        expect(() => tl.gradients(y, x, { gradYs: [wide] })).toThrow(tl.DTypeError);
        expect(g.state).toBe(withWide);
        return;
      }
      expect(() => tl.gradients(y, x, options)).toThrow(message);
      expect(g.state).toBe(before);
    });
  });

  test('a complex y needs one', () => {
    inGraph(() => {
      const z = tl.constant([{ re: 1, im: 2 }]);
      expect(() => tl.gradients(z.multiply(z), z)).toThrow(/complex/);
      const [dz] = tl.gradients(z.multiply(z), z, { gradYs: [[{ re: 1, im: 0 }]] });
      expect(new tl.Session().runSync(dz as tl.Tensor).toArray()).toEqual([{ re: 2, im: -4 }]);
    });
  });
});

describe('options', () => {
  test.each<[string, object, RegExp]>([
    ['aggregationMethod', { aggregationMethod: 'sum' }, /'aggregationMethod' is "sum"; it must be one of 'addN'/],
    ['unconnectedGradients', { unconnectedGradients: 'nonsense' }, /must be one of 'none', 'zero'/],
    ['gateGradients', { gateGradients: 2 }, /'gateGradients' must be true or false/],
    ['a misspelling', { grad_ys: [1] }, /Did you mean 'gradYs'/],
    ['a bad name', { name: 'a b' }, /not a valid node name/],
  ])('%s is checked before a node is made, even where nothing is connected', (_, options, message) => {
    inGraph((g) => {
      const x = tl.constant(1);
      const before = g.state;
      expect(() => tl.gradients(tl.constant(2), x, options)).toThrow(message);
      expect(g.operations()).toHaveLength(2);
      expect(before.nodes).toBeDefined();
    });
  });

  test.each(['addN', 'experimentalTree', 'experimentalAccumulateN'] as const)(
    'aggregation by %s',
    (aggregationMethod) => {
      inGraph(() => {
        const x = tl.constant(1);
        const y = x.multiply(2);
        const z = tl.addN(Array.from({ length: 10 }, () => y));
        const [dx, dy] = tl.gradients(z, [x, y], { aggregationMethod });
        const session = new tl.Session();
        expect(session.runSync([dx as tl.Tensor, dy as tl.Tensor]).map((v) => v.item())).toEqual([20, 10]);
        const sums = x.graph
          .operations()
          .filter((op) => op.type === 'AddN')
          .slice(1);
        expect(sums).toHaveLength(aggregationMethod === 'addN' ? 1 : 9);
      });
    },
  );

  test('gated gradients wait for each other', () => {
    inGraph(() => {
      const a = tl.constant(2);
      const b = tl.constant(3);
      const [da, db] = tl.gradients(a.multiply(b), [a, b], { gateGradients: true }) as tl.Tensor[];
      expect([da!.op.type, db!.op.type]).toEqual(['Identity', 'Identity']);
      expect(da!.op.controlInputs[0]).toBe(db!.op.controlInputs[0]);
      expect(da!.op.controlInputs[0]!.type).toBe('NoOp');
      expect(da!.op.controlInputs[0]!.controlInputs).toHaveLength(2);
    });
  });

  test('backward nodes are placed with their forward operation', () => {
    inGraph(() => {
      const w = tl.device('/job:ps', () => tl.constant([[1, 2]], { name: 'w' }));
      const x = tl.constant([[1], [1]], { name: 'x' });
      const xw = tl.device('/job:worker', () => tl.matmul(w, x, { name: 'xw' }));
      const [dw] = tl.gradients(xw, w, { colocateGradientsWithOps: true }) as tl.Tensor[];
      expect(dw!.op.colocationGroups()).toEqual(xw.op.colocationGroups());
      expect(dw!.op.device).toBe('/job:worker');
      expect(dw!.op.forwardOp).toBe(xw.op);
      const [plain] = tl.gradients(xw, w) as tl.Tensor[];
      expect(plain!.op.colocationGroups()).toEqual([`loc:@${plain!.op.name}`]);
    });
  });

  test('every call has a scope of its own', () => {
    inGraph((g) => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      const names = [tl.gradients(y, x), tl.gradients(y, x), tl.gradients(y, x, { name: 'mine' })].map(
        (r) => (r[0] as tl.Tensor).op.name.split('/')[0],
      );
      expect(names).toEqual(['gradients', 'gradients_1', 'mine']);
      expect(g.operation('gradients/grad_ys_0').type).toBe('Fill');
    });
  });
});

describe('failures leave nothing behind', () => {
  test('an operation that refuses', () => {
    inGraph((g) => {
      const x = tl.constant(2);
      const y = tl.preventGradient(x.multiply(3), 'not here').multiply(2);
      const before = g.state;
      expect(() => tl.gradients(y, x)).toThrow(tl.LookupError);
      expect(() => tl.gradients(y, x)).toThrow(/not here/);
      expect(g.state).toBe(before);
      expect((tl.gradients(x.multiply(1), x)[0] as tl.Tensor).op.name).toMatch(/^gradients\//);
    });
  });

  test('a rule of the wrong shape, dtype or count', () => {
    inGraph((g) => {
      const x = tl.constant([1, 2]);
      const bad = (name: string, rule: () => tl.Tensor[]) => {
        tl.registerGradient(name, rule);
        const y = tl.gradientOverrideMap({ Identity: name }, () => tl.identity(x));
        const before = g.state;
        expect(() => tl.gradients(y, x)).toThrow(tl.TapelessError);
        expect(g.state).toBe(before);
      };
      bad('WrongShape', () => [tl.constant([1, 2, 3])]);
      bad('WrongType', () => [tl.constant([1, 2], { dtype: 'float64' })]);
      bad('WrongCount', () => []);
    });
  });

  test('tensors of two graphs', () => {
    const x = inGraph(() => tl.constant(1));
    const y = inGraph(() => tl.constant(1));
    expect(() => tl.gradients(y, x)).toThrow(/different graphs/);
  });

  test('a finalized graph', () => {
    inGraph((g) => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      g.finalize();
      expect(() => tl.gradients(y, x)).toThrow(tl.GraphFinalizedError);
    });
  });
});

test('a chain of 30,000 operations differentiates without recursion, and fast', () => {
  inGraph((g) => {
    const x = tl.constant(1);
    let y: tl.Tensor = x;
    for (let i = 0; i < 30_000; i++) y = y.negative();
    const [dx] = tl.gradients(y, x) as tl.Tensor[];
    expect(g.version).toBe(60_004);
    expect(new tl.Session().runSync(dx!).item()).toBe(1);
  });
});
