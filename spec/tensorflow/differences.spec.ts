/** Where gradients differs from TensorFlow's on purpose: TensorFlow's faults, which are not reproduced. */
import { describe, expect, test } from '@jest/globals';
import type { Tensor } from '../../src/graph/tensor.js';
import { IndexedSlices } from '../../src/ops/indexed-slices.js';
import { compareWithTensorFlow, TensorFlowFailed, type Built, type Comparison } from './support/compare.js';
import {
  concat,
  cond,
  constant,
  gather,
  identity,
  multiply,
  placeholder,
  sin,
  split,
  tanh,
  whileLoop,
} from './support/functions.js';
import type { Recorder } from './support/recorder.js';
import { useTensorFlow } from './support/cases.js';

useTensorFlow();

interface Difference {
  readonly what: string;
  readonly build: (recorder: Recorder) => Built | void;
  /** The name of the error that only we throw; or that of the one only TensorFlow throws; or what to look at. */
  readonly ours?: string;
  readonly theirs?: string;
  readonly look?: (comparison: Comparison) => void;
  readonly nodes?: boolean;
  /** What the difference of the values is said to be. */
  readonly values?: RegExp;
}

const x2 = (name = 'x'): Tensor => placeholder('float32', [2], { name });
const halves = (x: Tensor): Tensor[] => split(x, 2) as unknown as Tensor[];

const differences: readonly Difference[] = [
  {
    what: 'an invalid aggregationMethod is an error even where nothing is aggregated',
    build: ({ gradients }) => void gradients(constant(1), x2(), { aggregationMethod: 'sum' as 'addN' }),
    ours: 'InvalidArgumentError',
  },
  {
    what: 'a gradY has the dtype of its y',
    build: ({ gradients }) => {
      const x = x2();
      gradients(x, x, { gradYs: constant(new Float64Array([1, 2])) });
    },
    ours: 'DTypeError',
  },
  {
    what: 'a gradY does not broadcast to its y',
    build: ({ gradients }) => {
      const x = x2();
      gradients(sin(x), x, { gradYs: constant(2) });
    },
    ours: 'ShapeError',
  },
  {
    what: 'a gradY has the shape of its y where y is x',
    build: ({ gradients }) => {
      const x = x2();
      gradients(x, x, { gradYs: constant([1, 2, 3]) });
    },
    ours: 'ShapeError',
  },
  {
    what: 'whether an unused output has a gradient does not depend on what else is asked',
    build: ({ gradients }) => {
      const x = x2();
      const [a, b] = halves(x) as [Tensor, Tensor];
      gradients(b, [a, b, x]);
      return { feeds: { x: [1, 2] } };
    },
    nodes: false,
    look: ({ results, answer }) => {
      expect(results[0]!.map((result) => result === null)).toEqual([true, false, false]);
      expect(answer.calls[0]!.results.map((result) => result === null)).toEqual([false, false, false]);
    },
  },
  {
    what: 'and is zeros, if asked, in the scope of the call',
    build: ({ gradients }) => {
      const x = x2();
      gradients(halves(x)[1]!, [x2('z')], { unconnectedGradients: 'zero', name: 'backward' });
      return { feeds: { x: [1, 2], z: [1, 2] } };
    },
    look: ({ results, answer }) => {
      expect((results[0]![0] as Tensor).name).toBe('backward/zeros_like:0');
      expect(answer.calls[0]!.results[0]).toMatchObject({ tensor: 'zeros_like:0' });
    },
  },
  {
    what: 'slices may be xs',
    build: ({ gradients, slices }) => {
      const x = slices([[1, 2]], [1], [3, 2]);
      gradients(identity(x.values), x);
    },
    theirs: 'RecursionError',
  },
  {
    what: 'slices may be ys',
    build: ({ gradients, slices }) => {
      const y = slices([[1, 2]], [1], [3, 2]);
      gradients(y, y.values);
    },
    theirs: 'RecursionError',
  },
  {
    what: 'slices go through the gradient of every op',
    build: ({ gradients }) => {
      const x = placeholder('float32', [3, 2], { name: 'x' }) as Tensor;
      const y = tanh(x);
      const rows = gather(y, [2, 0]);
      const [dx] = gradients(multiply(rows, rows), x) as [Tensor];
      const [ddx] = gradients(dx, x) as [Tensor];
      const [dddx] = gradients(ddx, x);
      expect(dddx instanceof IndexedSlices).toBe(false);
    },
    theirs: 'TypeError',
  },
  {
    what: 'a loop variable that becomes another one is not the same in every iteration',
    build: ({ gradients }) => {
      const x = placeholder('float64', [], { name: 'x' }) as Tensor;
      const [, y] = whileLoop(
        (i) => i.less(2),
        (i, _, b) => [i.add(1), b, multiply(b, sin(x))],
        [constant(0, { dtype: 'int32' }) as Tensor, x, x],
      );
      // x * sin(x), of which the derivative at 2 is sin(2) + 2 * cos(2).
      gradients(y, x);
      return { feeds: { x: 2 } };
    },
    nodes: false,
    values: /element 0: 0\.07700375.*, TensorFlow 0\.1524/,
  },
  {
    what: 'branches of different shapes each have their own gradient',
    build: ({ gradients }) => {
      const x = x2();
      const y = cond(
        placeholder('bool', [], { name: 'p' }),
        () => multiply(x, x),
        () => sin(concat([x, x], 0)),
      );
      gradients(y, x, { gradYs: [[1, 2]] });
    },
    theirs: 'ValueError',
  },
];

describe('unlike TensorFlow', () => {
  test.each(differences.map((row) => [row.what, row] as const))(
    '%s',
    async (_, { build, ours, theirs, look, values, nodes = true }) => {
      const outcome: unknown = await compareWithTensorFlow(build, { nodes, values: values !== undefined }).catch(
        (error: unknown) => error,
      );
      if (theirs !== undefined) {
        expect(outcome).toBeInstanceOf(TensorFlowFailed);
        expect((outcome as TensorFlowFailed).type).toBe(theirs);
      } else if (values !== undefined) {
        expect((outcome as Error).message).toMatch(values);
      } else if (ours !== undefined) {
        expect((outcome as Error).constructor.name).toBe(ours);
      } else {
        if (outcome instanceof Error) throw outcome;
        look!(outcome as Comparison);
      }
    },
  );
});
