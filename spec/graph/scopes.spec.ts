import { describe, expect, test } from '@jest/globals';
import { InvalidArgumentError } from '../../src/graph/errors.js';
import type { Operation } from '../../src/graph/operation.js';
import { colocateWith, controlDependencies, device, gradientOverrideMap } from '../../src/graph/scopes.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { copy, inGraph, leaf, pair } from './support.js';

const controls = (tensor: Tensor): string[] => tensor.op.controlInputs.map((op) => op.name).sort();
const groups = (tensor: Tensor): readonly string[] => tensor.op.colocationGroups();

describe('device', () => {
  const placed = (...specs: (string | null)[]): string =>
    inGraph(() => specs.reduceRight<() => Tensor>((fn, spec) => () => device(spec, fn), leaf)().op.device);

  test.each<[(string | null)[], string]>([
    [['/job:ps'], '/job:ps'],
    [['cpu:0'], '/device:CPU:0'],
    [['GPU'], '/device:GPU:*'],
    [['/device:GPU:1'], '/device:GPU:1'],
    [['/job:worker/replica:2', '/task:3'], '/job:worker/replica:2/task:3'],
    [['/job:worker/task:1/device:GPU:0', '/device:CPU:0'], '/job:worker/task:1/device:CPU:0'],
    [['/device:CPU:0', '/job:ps'], '/job:ps/device:CPU:0'],
    [['/job:a', '/job:b'], '/job:b'],
    [['/job:a', null], ''],
    [['/job:a', null, '/task:1'], '/task:1'],
    [['/device:CPU:0/job:ps'], '/job:ps/device:CPU:0'],
    [[''], ''],
    [['/job:a', ''], '/job:a'],
  ])('%j gives %j', (specs, expected) => expect(placed(...specs)).toBe(expected));

  test.each(['bogus!', '/job:', '/task:x', '/device:GPU:0/bogus'])('%j is refused', (spec) => {
    expect(() => placed(spec)).toThrow(InvalidArgumentError);
  });

  test('ends with its block, also when that throws', () => {
    inGraph(() => {
      expect(() => device('/job:a', () => { throw new Error('x'); })).toThrow('x'); // prettier-ignore
      expect(leaf().op.device).toBe('');
    });
  });
});

// The cases of TensorFlow's ColocationGroupTest.
describe('colocation', () => {
  test('basic', () => {
    inGraph(() => {
      const a = leaf('a');
      const b = colocateWith(a, leaf);
      const c = leaf();
      expect([groups(a), groups(b)]).toEqual([['loc:@a'], ['loc:@a']]);
      expect([a.op.hasAttr('_class'), b.op.hasAttr('_class'), c.op.hasAttr('_class')]).toEqual([false, true, false]);
    });
  });

  test('takes the device of its operation, not of the scopes outside', () => {
    inGraph(() => {
      const [a, b] = device<Tensor[]>('/cpu:0', () => {
        const gpu = device('/device:GPU:0', () => leaf('a'));
        return [gpu, colocateWith(gpu, leaf)];
      }) as [Tensor, Tensor];
      expect(groups(b)).toEqual(['loc:@a']);
      expect([a.op.device, b.op.device]).toEqual(['/device:GPU:0', '/device:GPU:0']);
    });
  });

  test('within the scope of the same device', () => {
    inGraph(() => {
      const found = device('/cpu:0', () => {
        const inner = device('/device:GPU:0', () => {
          const a = leaf('a');
          return [a, colocateWith(a, leaf), leaf()];
        });
        return [...inner, leaf()];
      });
      expect(found.map((t) => t.op.device)).toEqual([
        '/device:GPU:0',
        '/device:GPU:0',
        '/device:GPU:0',
        '/device:CPU:0',
      ]);
      expect(found.map((t) => t.op.hasAttr('_class'))).toEqual([false, true, false, false]);
    });
  });

  test('an operation without a device hides the device scopes outside', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(device('/device:GPU:0', () => colocateWith(a, leaf)).op.device).toBe('');
    });
  });

  test('a device block inside applies unless the operation has a device', () => {
    inGraph(() => {
      const [a, b] = [leaf('a'), device('cpu:1', () => leaf('b'))];
      expect(colocateWith(a, () => device('cpu:0', leaf)).op.device).toBe('/device:CPU:0');
      expect(colocateWith(b, () => device('cpu:0', leaf)).op.device).toBe('/device:CPU:1');
    });
  });

  test('nested: groups are flattened to their roots', () => {
    inGraph(() => {
      const a = leaf('a');
      const b = colocateWith(a, () => leaf('b'));
      const c = colocateWith(b, () => leaf('c'));
      expect([groups(b), groups(c)]).toEqual([['loc:@a'], ['loc:@a']]);
    });
  });

  test('several groups add up, sorted', () => {
    inGraph(() => {
      const [b, a] = [leaf('b'), leaf('a')];
      expect(groups(colocateWith(b, () => colocateWith(a, leaf)))).toEqual(['loc:@a', 'loc:@b']);
      expect(groups(colocateWith(a, () => colocateWith(a, leaf)))).toEqual(['loc:@a']);
    });
  });

  test('ignoreExisting uses the inner operation alone', () => {
    inGraph(() => {
      const [a, b] = [leaf('a'), leaf('b')];
      expect(groups(colocateWith(a, () => colocateWith(b, leaf, { ignoreExisting: true })))).toEqual(['loc:@b']);
    });
  });

  test('null resets colocation and device, and only together with ignoreExisting', () => {
    inGraph(() => {
      const a = device('cpu:0', () => leaf('a'));
      const [b, c] = colocateWith<Tensor[]>(a, () => [
        leaf('b'),
        colocateWith(null, () => leaf('c'), { ignoreExisting: true }),
      ]) as [Tensor, Tensor];
      expect([groups(b), groups(c), c.op.device]).toEqual([['loc:@a'], ['loc:@c'], '']);
      expect(() => colocateWith(null, leaf)).toThrow(InvalidArgumentError);
    });
  });

  test('null and then nested', () => {
    inGraph(() => {
      const a = leaf('a');
      const [b, c] = colocateWith<Tensor[]>(a, () =>
        colocateWith(null, () => [leaf('b'), colocateWith(leaf('d'), () => leaf('c'))], { ignoreExisting: true }),
      ) as [Tensor, Tensor];
      expect([groups(b), groups(c)]).toEqual([['loc:@b'], ['loc:@d']]);
    });
  });
});

// The cases of TensorFlow's ControlDependenciesTest.
describe('control dependencies', () => {
  test('basic: none where an input is, or follows, the control', () => {
    inGraph((g) => {
      const a = leaf('a');
      const [b, c, d, e] = controlDependencies<Tensor[]>([a], () => {
        const made = leaf('b');
        return [made, copy(a), copy(made), leaf('e')];
      }) as [Tensor, Tensor, Tensor, Tensor];
      expect([b, c, d, e].map(controls)).toEqual([['a'], [], [], ['a']]);
      expect(g.operation('b').def.input).toEqual(['^a']);
      expect(controls(leaf())).toEqual([]);
    });
  });

  test('nested blocks add up, as one block with all of them', () => {
    inGraph(() => {
      const [a, b, c] = [leaf('a'), leaf('b'), leaf('c')];
      const together = controlDependencies([a, b, c], leaf);
      const nested = controlDependencies([a], () => controlDependencies([b], () => controlDependencies([c], leaf)));
      expect([controls(together), controls(nested)]).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ]);
    });
  });

  test('null clears, for its block only', () => {
    inGraph(() => {
      const [a1, a2, a3, a4] = ['a1', 'a2', 'a3', 'a4'].map(leaf) as [Tensor, Tensor, Tensor, Tensor];
      const found = controlDependencies([a1], () =>
        controlDependencies([a2], () => {
          const cleared = controlDependencies(null, () => [
            leaf(),
            controlDependencies([a3], () => controlDependencies([a4], leaf)),
          ]);
          return [...cleared, leaf()];
        }),
      );
      expect(found.map(controls)).toEqual([[], ['a3', 'a4'], ['a1', 'a2']]);
    });
  });

  test('complex', () => {
    inGraph(() => {
      const a = ['a1', 'a2', 'a3', 'a4'].map((name) => leaf(name)) as [Tensor, Tensor, Tensor, Tensor];
      const [b, c, d, e]: Tensor[][] = [[], [], [], []];
      const level = (i: number): void => {
        if (i === 4) return;
        controlDependencies([a[i]!], () => {
          b!.push(pair(a[2], a[3]));
          c!.push(pair(a[0], b![0]!));
          d!.push(pair(b![i]!, c![i]!));
          e!.push(i === 0 ? leaf() : pair(e![i - 1]!, e![i - 1]!));
          level(i + 1);
        });
      };
      level(0);
      expect(b!.map(controls)).toEqual([['a1'], ['a1', 'a2'], ['a1', 'a2'], ['a1', 'a2']]);
      expect(c!.map(controls)).toEqual([[], ['a2'], ['a2', 'a3'], ['a2', 'a3', 'a4']]);
      expect(d!.map(controls)).toEqual([[], [], [], []]);
      expect(e!.map(controls)).toEqual([['a1'], ['a2'], ['a3'], ['a4']]);
    });
  });

  test('repeated dependencies collapse', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(controlDependencies([a, a.op], () => controlDependencies([a], leaf)).op.def.input).toEqual(['^a']);
    });
  });

  test('none beside a data edge', () => {
    inGraph(() => {
      const a = leaf('a');
      expect(controlDependencies([a], () => copy(a)).op.def.input).toEqual(['a']);
    });
  });

  test('an operation of another graph is refused', () => {
    const x = inGraph(() => leaf('x'));
    inGraph(() => expect(() => controlDependencies([leaf(), x], leaf)).toThrow("'x' belongs to another graph"));
  });

  test('what is no operation is refused', () => {
    expect(() => controlDependencies([null as unknown as Operation], leaf)).toThrow(
      'cannot convert null to an operation',
    );
  });
});

describe('gradientOverrideMap', () => {
  test('marks nodes of its types, the innermost block winning', () => {
    inGraph(() => {
      const x = leaf();
      const [a, b] = gradientOverrideMap<Tensor[]>({ Identity: 'Outer' }, () => [
        copy(x),
        gradientOverrideMap({ Identity: 'Inner' }, () => copy(x)),
      ]) as [Tensor, Tensor];
      expect([a.op.attr('_gradient_op_type'), b.op.attr('_gradient_op_type')]).toEqual(['Outer', 'Inner']);
      expect(copy(x).op.hasAttr('_gradient_op_type')).toBe(false);
      expect(() => gradientOverrideMap({ Identity: 1 as unknown as string }, leaf)).toThrow(InvalidArgumentError);
    });
  });
});
