/** TensorFlow's ColocationGroupTest, RegistrationTest and ControlDependenciesTest (framework/ops_test.py). */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { gradient, inGraph, value } from './support/build.js';

const leaf = (name?: string): tl.Tensor => tl.constant(1, name === undefined ? {} : { name });
const groups = (tensor: tl.Tensor): readonly string[] => tensor.op.colocationGroups();
const controls = (tensor: tl.Tensor): string[] => tensor.op.controlInputs.map((op) => op.name).sort();

describe('colocation', () => {
  test('ColocationGroupTest.testBasic', () => {
    inGraph(() => {
      const a = leaf('a');
      const b = tl.colocateWith(a, () => leaf());
      const c = leaf();
      expect([groups(a), groups(b)]).toEqual([['loc:@a'], ['loc:@a']]);
      expect([a, b, c].map(({ op }) => op.hasAttr('_class'))).toEqual([false, true, false]);
      expect(() => c.op.attr('_class')).toThrow(tl.NotFoundError);
    });
  });

  test('ColocationGroupTest.testBasicColocationMetadata', () => {
    // TensorFlow remembers the line of the block; here an operation knows the line that made it.
    inGraph(() => {
      const two = leaf('two');
      const three = tl.colocateWith(two, () => leaf('three'));
      expect(groups(three)).toEqual(['loc:@two']);
      expect(three.op.createdAt).toContain('ops-test.spec.ts');
    });
  });

  test('ColocationGroupTest.testColocationDeviceInteraction', () => {
    inGraph(() => {
      const [a, b] = tl.device('/cpu:0', () => {
        const gpu = tl.device('/device:GPU:0', () => leaf('a'));
        return [gpu, tl.colocateWith(gpu, () => leaf())] as const;
      });
      expect(groups(b)).toEqual(['loc:@a']);
      expect([a.op.device, b.op.device]).toEqual(['/device:GPU:0', '/device:GPU:0']);
    });
  });

  test('ColocationGroupTest.testColocationCanonicalization', () => {
    inGraph(() => {
      const b = tl.device('GPU:0', () => leaf());
      const c = tl.colocateWith(b, () => tl.device('/device:GPU:0', () => leaf()));
      expect([b.op.device, c.op.device]).toEqual(['/device:GPU:0', '/device:GPU:0']);
    });
  });

  test('ColocationGroupTest.testLocationOverrides', () => {
    inGraph(() => {
      const found = tl.device('/cpu:0', () => {
        const inner = tl.device('/device:GPU:0', () => {
          const a = leaf('a');
          return [a, tl.colocateWith(a, () => leaf()), leaf()];
        });
        return [...inner, leaf()];
      });
      expect(groups(found[1]!)).toEqual(['loc:@a']);
      expect(found.map(({ op }) => op.device)).toEqual([
        '/device:GPU:0',
        '/device:GPU:0',
        '/device:GPU:0',
        '/device:CPU:0',
      ]);
      expect(found.map(({ op }) => op.hasAttr('_class'))).toEqual([false, true, false, false]);
    });
  });

  test('ColocationGroupTest.testNestedColocateWith', () => {
    inGraph(() => {
      const a = leaf('a');
      const [b, c] = tl.colocateWith(a, () => {
        const inner = leaf();
        return [inner, tl.colocateWith(inner, () => leaf())] as const;
      });
      expect([groups(b), groups(c)]).toEqual([['loc:@a'], ['loc:@a']]);
    });
  });

  test('ColocationGroupTest.testMultiColocationGroups', () => {
    inGraph(() => {
      const [b, a] = [leaf('b'), leaf('a')];
      const c = tl.colocateWith(a, () => tl.colocateWith(b, () => leaf()));
      expect(groups(c)).toEqual(['loc:@a', 'loc:@b']);
      expect(groups(tl.colocateWith(b, () => tl.colocateWith(a, () => leaf())))).toEqual(groups(c));
      expect(groups(tl.colocateWith(a, () => tl.colocateWith(a, () => leaf())))).toEqual(['loc:@a']);
    });
  });

  test('ColocationGroupTest.testColocationIgnoreStack', () => {
    inGraph(() => {
      const [a, b] = [leaf('a'), leaf('b')];
      const c = tl.colocateWith(a, () => tl.colocateWith(b, () => leaf(), { ignoreExisting: true }));
      expect(groups(c)).toEqual(['loc:@b']);
    });
  });

  test('ColocationGroupTest.testColocateWithReset', () => {
    inGraph(() => {
      const a = tl.device('cpu:0', () => leaf('a'));
      const [b, c] = tl.colocateWith(a, () => [
        leaf('b'),
        tl.colocateWith(null, () => leaf('c'), { ignoreExisting: true }),
      ]) as unknown as [tl.Tensor, tl.Tensor];
      expect([groups(b), groups(c), c.op.device]).toEqual([['loc:@a'], ['loc:@c'], '']);
      expect(() => tl.colocateWith(null, () => leaf())).toThrow(tl.InvalidArgumentError);
    });
  });

  test('ColocationGroupTest.testColocateWithInitialNoneThenNested', () => {
    inGraph(() => {
      const nested = () => {
        const b = leaf('b');
        return [b, tl.colocateWith(b, () => leaf('c'))] as const;
      };
      const [b, c] = tl.colocateWith(leaf('a'), () => tl.colocateWith(null, nested, { ignoreExisting: true }));
      expect([groups(b), groups(c)]).toEqual([['loc:@b'], ['loc:@b']]);
    });
  });

  test('ColocationGroupTest.testColocateVariables', () => {
    inGraph(() => {
      const a = tl.variable([2], { name: 'a' });
      const b = tl.colocateWith(a, () => tl.variable([3], { name: 'b' }));
      expect(b.op.colocationGroups()).toEqual([`loc:@${a.op.name}`]);
    });
  });

  test('ColocationGroupTest.testColocateWithVariableInFunction', () => {
    inGraph((graph) => {
      const v = tl.variable(1, { name: 'v' });
      const f = tl.function(() => tl.colocateWith(v, () => tl.ones([], { name: 'output' })));
      expect(value(f())).toBe(1);
      const [output] = graph.functions().flatMap(({ def }) => def.nodeDef.filter(({ name }) => name === 'output'));
      expect(output!.attr['_class']).toMatchObject({ value: ['loc:@v'] });
    });
  });
});

describe('registration', () => {
  test('RegistrationTest.testRegisterGradients', () => {
    inGraph(() => {
      const calls: tl.Operation[] = [];
      tl.registerGradient('RegistrationTest/copy', (op, dy) => {
        calls.push(op);
        return dy ?? null;
      });
      const x = leaf();
      const y = tl.gradientOverrideMap({ Identity: 'RegistrationTest/copy' }, () => tl.identity(x));
      expect(value(gradient(y, x))).toBe(1);
      expect(calls).toEqual([y.op]);
      expect(() => tl.registerGradient('RegistrationTest/copy', () => null)).toThrow(/RegistrationTest\/copy/);
    });
  });

  test('RegistrationTest.testOverrideGradients', () => {
    tl.registerGradient('RegistrationTest/copyOverride', (_, dy) => tl.multiply(dy as tl.Tensor, 7));
    inGraph(() => {
      const x = leaf();
      const y = tl.gradientOverrideMap({ Square: 'RegistrationTest/copyOverride' }, () => tl.square(x));
      expect(value(gradient(y, x))).toBe(7);
      expect(value(gradient(tl.square(x), x))).toBe(2);
    });
  });

  test('RegistrationTest.testNonExistentOverride', () => {
    inGraph((graph) => {
      const x = leaf();
      const y = tl.gradientOverrideMap({ Identity: 'unknownOverride' }, () => tl.identity(x));
      const { state } = graph;
      expect(() => tl.gradients(y, x)).toThrow(tl.LookupError);
      expect(() => tl.gradients(y, x)).toThrow(/unknownOverride/);
      expect(graph.state).toBe(state);
    });
  });
});

describe('control dependencies', () => {
  const leaves = () => ['a1', 'a2', 'a3', 'a4'].map(leaf) as [tl.Tensor, tl.Tensor, tl.Tensor, tl.Tensor];

  test('ControlDependenciesTest.testBasic', () => {
    inGraph((graph) => {
      const [a, b] = [leaf('a'), leaf('b')];
      const [c, d, e, f] = tl.controlDependencies([a], () => {
        const made = leaf('c');
        return [made, tl.identity(b), tl.identity(made), tl.identity(a)] as const;
      });
      expect([c, d, e, f].map(controls)).toEqual([['a'], ['a'], [], []]);
      expect(graph.operation('c').def.input).toEqual(['^a']);
      expect(controls(leaf())).toEqual([]);
    });
  });

  test('ControlDependenciesTest.testBasicWithConversion', () => {
    inGraph(() => {
      const a = leaf('a');
      const v = tl.variable(1, { name: 'v' });
      const convertible = { op: a.op };
      expect(controls(tl.controlDependencies([convertible, v], () => leaf()))).toEqual(['a', 'v']);
      expect(() => tl.controlDependencies([{} as never], () => leaf())).toThrow('cannot convert');
    });
  });

  test('ControlDependenciesTest.testNested', () => {
    inGraph(() => {
      const a = leaves();
      const together = tl.controlDependencies(a, () => leaf());
      const nested = a.reduceRight<() => tl.Tensor>((fn, each) => () => tl.controlDependencies([each], fn), leaf)();
      expect([controls(together), controls(nested)]).toEqual([
        ['a1', 'a2', 'a3', 'a4'],
        ['a1', 'a2', 'a3', 'a4'],
      ]);
    });
  });

  test('ControlDependenciesTest.testClear', () => {
    inGraph(() => {
      const [a1, a2, a3, a4] = leaves();
      const cleared = () => {
        const [b34, b3] = tl.controlDependencies([a3], () => [tl.controlDependencies([a4], () => leaf()), leaf()]);
        return [b34, b3, leaf()];
      };
      const found = tl.controlDependencies([a1], () => {
        const inner = tl.controlDependencies([a2], () => [...tl.controlDependencies(null, cleared), leaf()]);
        return [...inner, leaf(), tl.controlDependencies(null, () => leaf())];
      });
      expect(found.map(controls)).toEqual([['a3', 'a4'], ['a3'], [], ['a1', 'a2'], ['a1'], []]);
    });
  });

  test('ControlDependenciesTest.testComplex', () => {
    inGraph(() => {
      const a = leaves();
      const [b, c, d, e]: [tl.Tensor[], tl.Tensor[], tl.Tensor[], tl.Tensor[]] = [[], [], [], []];
      const level = (i: number): void => {
        if (i === 4) return;
        tl.controlDependencies([a[i]!], () => {
          b.push(tl.add(a[2], a[3]));
          c.push(tl.add(a[0], b[0]!));
          d.push(tl.add(b[i]!, c[i]!));
          e.push(i === 0 ? leaf() : tl.add(e[i - 1]!, e[i - 1]!));
          level(i + 1);
        });
      };
      level(0);
      expect(b.map(controls)).toEqual([['a1'], ['a1', 'a2'], ['a1', 'a2'], ['a1', 'a2']]);
      expect(c.map(controls)).toEqual([[], ['a2'], ['a2', 'a3'], ['a2', 'a3', 'a4']]);
      expect(d.map(controls)).toEqual([[], [], [], []]);
      expect(e.map(controls)).toEqual([['a1'], ['a2'], ['a3'], ['a4']]);
    });
  });

  test('ControlDependenciesTest.testRepeatedDependency', () => {
    inGraph(() => {
      const [first, second] = tl.split([1, 2], 2, { name: 'a' }) as [tl.Tensor, tl.Tensor];
      const [b, c] = tl.controlDependencies([first], () => [
        leaf(),
        tl.controlDependencies([second], () => leaf()),
      ]) as unknown as [tl.Tensor, tl.Tensor];
      expect([b.op.def.input, c.op.def.input]).toEqual([['^a'], ['^a']]);
    });
  });

  test('ControlDependenciesTest.testNoControlDependencyWithDataDependency', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(tl.controlDependencies([a], () => tl.identity(a)).op.def.input).toEqual(['a']);
    });
  });
});
