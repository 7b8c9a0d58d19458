/** TensorFlow's GradientsTest (ops/gradients_test.py), by the names of its tests and with their numbers. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import type { GradientOptions } from '../../src/index.js';
import { expectClose, filled, gradient, inGraph, uniforms, value, values } from './support/build.js';

describe('what is appended', () => {
  test('GradientsTest.testGradients', () => {
    inGraph(() => {
      const w = filled([100, 10], 1, { name: 'w' });
      const xw = tl.matmul(filled([32, 100], 1, { name: 'in' }), w, { name: 'xw' });
      const dw = gradient(tl.nn.biasAdd(xw, filled([10]), { name: 'h' }), w);
      expect(dw.op.type).toBe('MatMul');
      expect(dw.op.forwardOp).toBe(xw.op);
      expect([dw.op.attr('transpose_a'), dw.op.attr('transpose_b')]).toEqual([true, false]);
    });
  });

  test('GradientsTest.testUnusedOutput', () => {
    inGraph(() => {
      const w = filled([2, 2]);
      const [, right] = tl.split(tl.matmul(w, filled([2, 2])), 2, { axis: 0 });
      expect(gradient(tl.reduceSum(right!), w).op.type).toBe('MatMul');
    });
  });

  test('GradientsTest.testColocateGradients', () => {
    inGraph(() => {
      const w = filled([1, 1]);
      const x = filled([1, 2]);
      const wx = tl.device('/device:GPU:0', () => tl.matmul(w, x));
      expect(gradient(wx, w, { colocateGradientsWithOps: true }).op.colocationGroups()).toEqual(
        wx.op.colocationGroups(),
      );
    });
  });

  const twoPaths = (first: string | null, second: string | null) => {
    const w = tl.device('/device:GPU:1', () => filled([1, 1]));
    const [x, y] = [filled([1, 2]), filled([1, 2])];
    const wx = tl.device(first, () => tl.matmul(w, x));
    const wy = tl.device(second, () => tl.matmul(w, y));
    const z = tl.device('/device:GPU:0', () => tl.add(wx, wy));
    return { w, wx, z };
  };
  const groups = (y: tl.Tensor, x: tl.Tensor, colocateGradientsWithOps: boolean) =>
    gradient(y, x, { colocateGradientsWithOps }).op.colocationGroups();

  test('GradientsTest.testColocateGradientsWithAggregation', () => {
    inGraph(() => {
      const { w, wx, z } = twoPaths(null, null);
      expect(groups(z, w, true)).toEqual(wx.op.colocationGroups());
      expect(groups(z, w, false)).not.toEqual(wx.op.colocationGroups());
    });
  });

  test('GradientsTest.testColocateGradientsWithAggregationInMultipleDevices', () => {
    inGraph(() => {
      const { w, z } = twoPaths('/task:1', '/task:2');
      expect(groups(z, w, true)).toEqual(w.op.colocationGroups());
      expect(groups(z, w, false)).not.toEqual(w.op.colocationGroups());
    });
  });

  test('GradientsTest.testColocateGradientsWithGateGradients', () => {
    inGraph((graph) => {
      const [x, y] = [filled([1, 1]), filled([1, 1])];
      const s = tl.device('/device:CPU:0', () => tl.add(x, y));
      const z = tl.device('/device:GPU:0', () => tl.reduceSum(s));
      const before = graph.version;
      const [dx, dy] = tl.gradients(z, [x, y], { colocateGradientsWithOps: true, gateGradients: true });
      // What a placer would refuse: the gate in the group of an operation on another device than what it waits for.
      const gates = graph.operations().filter((op) => op.id >= before && op.type === 'NoOp');
      expect(gates).toHaveLength(1);
      expect([gates[0]!.device, gates[0]!.hasAttr('_class')]).toEqual(['/device:GPU:0', false]);
      expect(values([dx!, dy!])).toEqual([[[1]], [[1]]]);
    });
  });
});

describe('boundaries', () => {
  test('GradientsTest.testBoundaryStop', () => {
    inGraph(() => {
      tl.registerGradient('GradientsTest/refuses', () => {
        throw new Error('x itself is differentiated');
      });
      const c = tl.constant(1);
      const x = tl.gradientOverrideMap({ Identity: 'GradientsTest/refuses' }, () => tl.identity(c));
      const z = x.add(1).add(1);
      expect(value(gradient(z, x))).toBe(1);
      expect(() => tl.gradients(z, c)).toThrow('x itself is differentiated');
    });
  });

  test('GradientsTest.testBoundaryContinue', () => {
    inGraph(() => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      expect(values(tl.gradients(y.multiply(3), [x, y]))).toEqual([6, 3]);
    });
  });

  test('GradientsTest.testDependentYs', () => {
    inGraph(() => {
      const x = tl.constant(3);
      const y = tl.square(x);
      const y2 = tl.square(tl.square(y));
      const found = [[y, y2], y.add(y2), [tl.identity(y), tl.identity(y2)]].map((ys) => tl.gradients(ys, x)[0]!);
      expect(values(found)).toEqual([17502, 17502, 17502]);
    });
  });

  test('GradientsTest.testPartialDerivatives', () => {
    inGraph(() => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      const z = x.add(y);
      expect(values(tl.gradients(z, [x, y]))).toEqual([3, 1]);
      expect(values(tl.gradients(z, [x, y], { stopGradients: [x, y] }))).toEqual([1, 1]);
    });
  });

  test('GradientsTest.testStopGradients', () => {
    const letters = ['a', 'b', 'c', 'd'] as const;
    const subsets = Array.from({ length: 16 }, (_, bits) => letters.filter((_letter, i) => bits & (1 << i)));
    const makeGraph = (stops: readonly string[]) => {
      const random = uniforms(100, 7);
      const matrix = () => tl.constant(random.splice(0, 9), { shape: [3, 3] }) as tl.Tensor;
      const functionOf = (name: string, xs: readonly tl.Tensor[]) => {
        const y = tl.addN([...xs.map((x) => tl.matmul(matrix(), x)), matrix()]);
        return stops.includes(name) ? tl.stopGradient(y) : y;
      };
      const a = functionOf('a', []);
      const b = functionOf('b', [a]);
      const c = functionOf('c', [a, b]);
      return { a, b, c, d: functionOf('d', [b, c]) };
    };
    inGraph(() => {
      const plain = makeGraph([]);
      const session = new tl.Session();
      const evaluate = (graph: typeof plain, xs: readonly (typeof letters)[number][], options: GradientOptions) =>
        tl.gradients(graph.d, xs.map((x) => graph[x]), { ...options, unconnectedGradients: 'zero' }) as tl.Tensor[]; // prettier-ignore
      const pairs: [tl.Tensor[], tl.Tensor[]][] = [];
      for (const stops of subsets) {
        const stopped = makeGraph(stops);
        for (const xs of subsets) {
          pairs.push([evaluate(stopped, xs, {}), evaluate(plain, xs, { stopGradients: stops.map((x) => plain[x]) })]);
        }
      }
      expect(pairs).toHaveLength(256);
      for (const [byGraph, byOption] of session.runSync(pairs)) {
        expect(byOption.map((v) => v.toArray())).toEqual(byGraph.map((v) => v.toArray()));
      }
    });
  });
});

describe('aggregation', () => {
  const sumOfTen = (aggregationMethod: NonNullable<GradientOptions['aggregationMethod']>) =>
    inGraph(() => {
      const x = tl.constant(1);
      const y = x.multiply(2);
      let z: tl.Tensor = y;
      for (let i = 1; i < 10; i++) z = z.add(y);
      return values(tl.gradients(z, [x, y], { aggregationMethod }));
    });

  test('GradientsTest.testAggregationMethodAccumulateN', () => {
    expect(sumOfTen('experimentalAccumulateN')).toEqual([20, 10]);
  });

  test('GradientsTest.testAggregationMethodAddN', () => {
    expect(sumOfTen('addN')).toEqual([20, 10]);
  });

  test('GradientsTest.testAggregationMethodTree', () => {
    expect(sumOfTen('experimentalTree')).toEqual([20, 10]);
  });
});

describe('dtypes', () => {
  /** An operation with a float and a string output, whose gradient is registered under `name`. */
  const stringOutput = (name: string): void => {
    const seen: unknown[] = [];
    tl.registerGradient(name, (_, floatGrad, stringGrad) => {
      seen.push((floatGrad as tl.Tensor).dtype, stringGrad);
      return [floatGrad ?? null, null];
    });
    inGraph(() => {
      const c = tl.constant(1);
      const [x] = tl.gradientOverrideMap({ IdentityN: name }, () => tl.identityN([c, tl.constant('text')]));
      const z = (x as tl.Tensor).multiply(2);
      expect(values([...tl.gradients(z, c), ...tl.gradients(z.multiply(3), c)])).toEqual([2, 6]);
    });
    expect(seen).toEqual(['float32', null, 'float32', null]);
  };

  test('GradientsTest.testNoGradientForStringOutputs', () => stringOutput('TestStringOutput'));

  test('GradientsTest.testNoGradientForStringOutputsWithOpNamespace', () => stringOutput('Namespace>TestStringOutput'));

  test('GradientsTest.testSingletonIndexedSlices', () => {
    inGraph(() => {
      const x = tl.placeholder('float32');
      const dy = new tl.IndexedSlices(tl.placeholder('float32'), tl.placeholder('int32'));
      const [dx] = tl.gradients(tl.identity(x), x, { gradYs: [dy] });
      expect(dx).toBeInstanceOf(tl.IndexedSlices);
      expect((dx as tl.IndexedSlices).denseShape).toBeNull();
      const feeds = new Map<tl.Tensor, number[]>([
        [x, [1]],
        [dy.indices, [0]],
        [dy.values, [2]],
      ]);
      const [found, given] = new tl.Session().runSync([dx as tl.IndexedSlices, dy], feeds);
      expect(found).toEqual(given);
      expect([found.values.toArray(), found.indices.toArray()]).toEqual([[2], [0]]);
    });
  });
});

describe('variables', () => {
  test('GradientsTest.testVariableReadValueGradient', () => {
    inGraph(() => {
      const v = tl.variable(100);
      expect(value(gradient(v.value(), v))).toBe(1);
    });
  });

  test.each(['float32', 'float64'] as const)('GradientsTest.testVariableDefaultGrad %s', (dtype) => {
    inGraph(() => {
      const v = tl.variable(tl.constant(100, { dtype }));
      const dv = gradient(tl.constant(0), v, { unconnectedGradients: 'zero' });
      expect([dv.dtype, value(dv)]).toEqual([dtype, 0]);
    });
  });

  test('GradientsTest.testVariableAsGraphElementGradient', () => {
    inGraph(() => {
      const v = tl.variable(100);
      expect(value(gradient(tl.convertToTensor(v), v))).toBe(1);
    });
  });
});

describe('unconnected gradients', () => {
  test('GradientsTest.testUnconnectedGradientsNoneUnconnectedGradients', () => {
    inGraph(() => {
      expect(tl.gradients([filled([3, 1], 3)], [filled([2, 2])], { unconnectedGradients: 'none' })).toEqual([null]);
    });
  });

  test('GradientsTest.testUnconnectedGradientsZerosUnconnectedGradients', () => {
    inGraph(() => {
      const found = tl.gradients([filled([3, 1], 3)], [filled([2, 2])], { unconnectedGradients: 'zero' });
      expect(values(found)).toEqual([
        [
          [0, 0],
          [0, 0],
        ],
      ]);
    });
  });

  test('GradientsTest.testUnconnectedGradientsZeroConnectedGradients', () => {
    inGraph(() => {
      const x = tl.constant(1);
      expect(values(tl.gradients([x.multiply(3)], [x], { unconnectedGradients: 'zero' }))).toEqual([3]);
    });
  });

  test('GradientsTest.testUnknownUnconnectedGradientsValueGiven', () => {
    inGraph(() => {
      const [x, y] = [tl.constant(1), tl.constant(1)];
      expect(() => tl.gradients([y], [x], { unconnectedGradients: 'nonsense' as never })).toThrow(
        /'unconnectedGradients' is "nonsense"/,
      );
    });
  });

  const expected = { zero: [[1, 1], [0, 0]], none: [[1, 1], null] }; // prettier-ignore

  test.each(['zero', 'none'] as const)(
    'GradientsTest.testUnconnectedOpWithMultipleOutputs %s',
    (unconnectedGradients) => {
      inGraph(() => {
        const [x, y] = tl.identityN([filled([2]), filled([2])]);
        const found = tl.gradients(tl.identity(x), [x, y], { unconnectedGradients });
        expect(found.map((dx) => (dx === null ? null : value(dx)))).toEqual(expected[unconnectedGradients]);
      });
    },
  );

  test.each(['zero', 'none'] as const)(
    'GradientsTest.testUnconnectedOpWithMultipleOutputsStopGradient %s',
    (unconnectedGradients) => {
      inGraph(() => {
        const [x, y] = tl.identityN([filled([2]), filled([2])]);
        const ys = [tl.identity(x), tl.stopGradient(y)];
        const found = tl.gradients(ys, [x, y], { unconnectedGradients });
        expect(found.map((dx) => (dx === null ? null : value(dx)))).toEqual(expected[unconnectedGradients]);
      });
    },
  );
});

describe('the walk between ys and xs (older TensorFlow tested its helper by itself)', () => {
  /** Which of the operations get backward nodes. */
  const differentiated = (ys: tl.Tensor[], xs: tl.Tensor[], stopGradients: tl.Tensor[] = []): string[] => {
    const { graph } = ys[0]!;
    const before = graph.version;
    tl.gradients(ys, xs, { stopGradients });
    const forward = graph.operations().slice(before).map((op) => op.forwardOp?.name); // prettier-ignore
    return [...new Set(forward)].filter((name) => name !== undefined);
  };
  const chain = () => {
    const t1 = tl.constant(1, { name: 't1' });
    const t2 = tl.constant(2, { name: 't2' });
    const t3 = tl.stack([t1, t2], { name: 't3' });
    return { t1, t2, t3 };
  };

  test('GradientsTest.testOpsBetweenSimple', () => {
    inGraph(() => {
      const { t1, t3 } = chain();
      expect(differentiated([t3], [t1])).toEqual(['t3']);
      expect(differentiated([tl.square(t3, { name: 't4' })], [t3])).toEqual(['t4']);
    });
  });

  test('GradientsTest.testOpsBetweenUnreachable', () => {
    inGraph(() => {
      const { t3 } = chain();
      const t4 = tl.constant([1], { name: 't4' });
      expect(differentiated([t4], [t3])).toEqual([]);
      expect(tl.gradients(t4, t3)).toEqual([null]);
    });
  });

  test('GradientsTest.testOpsBetweenCut', () => {
    inGraph(() => {
      const { t1, t2, t3 } = chain();
      const t4 = tl.constant([1], { name: 't4' });
      const t5 = tl.concat([t4, t3], 0, { name: 't5' });
      const t6 = tl.constant([2], { name: 't6' });
      const t7 = tl.concat([t5, t6], 0, { name: 't7' });
      expect(differentiated([t7], [t4])).toEqual(['t7', 't5']);
      expect(differentiated([t7], [t1, t2], [t3])).toEqual(['t7', 't5']);
      expect(differentiated([t7], [t1, t2])).toEqual(['t7', 't5', 't3']);
    });
  });

  test('GradientsTest.testOpsBetweenCycle', () => {
    // The graph has no cycle; the names are those of the operations that are visited by several paths.
    inGraph(() => {
      const { t1, t2, t3 } = chain();
      const t4 = tl.concat([t3, t3, t3], 0, { name: 't4' });
      const t5 = tl.constant([1], { name: 't5' });
      const t6 = tl.concat([t4, t5], 0, { name: 't6' });
      const t7 = tl.concat([t6, t3], 0, { name: 't7' });
      expect(differentiated([t6], [t3])).toEqual(['t6', 't4']);
      expect(differentiated([t7], [t1, t2])).toEqual(['t7', 't6', 't4', 't3']);
      expectClose(values(tl.gradients(t7, [t1, t2, t3])), [4, 4, [4, 4]]);
    });
  });
});
