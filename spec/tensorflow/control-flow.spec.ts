/**
 * Control flow with TensorFlow, both ways: it differentiates the conditionals and loops made here, and it runs the gradients
 * made here. Values and what is null must agree; the nodes of the gradients are each side's own.
 */
import { describe, expect, test } from '@jest/globals';
import { gradients } from '../../src/gradients/gradients.js';
import { Graph } from '../../src/graph/graph.js';
import type { NDArray } from '../../src/graph/ndarray.js';
import type { Tensor } from '../../src/graph/tensor.js';
import * as tl from '../../src/index.js';
import { convertToTensor } from '../../src/ops/call.js';
import { parseFeeds } from '../../src/session/feeds.js';
import { decodeArray, encodeArray } from './support/arrays.js';
import { useTensorFlow } from './support/cases.js';
import { compareWithTensorFlow } from './support/compare.js';
import { graphDef } from './support/recorder.js';
import { tensorFlow } from './support/worker.js';

useTensorFlow();

type Differentiate = (y: Tensor | readonly Tensor[], xs: readonly Tensor[]) => readonly (Tensor | null)[];
interface Program {
  readonly name: string;
  /** Builds ys and what to differentiate them by. */
  readonly build: () => { readonly ys: readonly Tensor[]; readonly xs: readonly Tensor[] };
  readonly feeds: readonly tl.Feeds[];
  readonly orders?: number;
}

const int = (value: number) => tl.constant(value, { dtype: 'int32' });
const input = (shape: readonly (number | null)[] | null = [2], name = 'x') =>
  tl.placeholder('float64', shape as never, { name }) as Tensor;
const number = (value: number) => tl.constant(value, { dtype: 'float64' });
const flag = () => tl.placeholder('bool', [], { name: 'p' });
const x0 = { x: [0.7, -1.3] };

const programs: readonly Program[] = [
  {
    name: 'a conditional',
    build: () => {
      const x = input();
      return {
        ys: [
          tl.cond(
            flag(),
            () => x.multiply(x).sin(),
            () => x.exp().multiply(3),
          ),
        ],
        xs: [x],
      };
    },
    feeds: [
      { ...x0, p: true },
      { ...x0, p: false },
    ],
  },
  {
    name: 'a conditional of which each branch uses other tensors',
    build: () => {
      const [x, z] = [input(), input([2], 'z')];
      return {
        ys: [
          tl.cond(
            flag(),
            () => x.multiply(x),
            () => z.tanh(),
          ),
        ],
        xs: [x, z],
      };
    },
    feeds: [
      { ...x0, z: [1, 2], p: true },
      { ...x0, z: [1, 2], p: false },
    ],
  },
  {
    name: 'a conditional with several results, one of them not used',
    build: () => {
      const x = input();
      const { a } = tl.cond(
        flag(),
        () => ({ a: x.multiply(2), b: x.exp(), n: int(1) }),
        () => ({ a: x.negative(), b: x, n: int(2) }),
      );
      return { ys: [a.multiply(a)], xs: [x] };
    },
    feeds: [
      { ...x0, p: true },
      { ...x0, p: false },
    ],
  },
  {
    name: 'nested conditionals with unknown shapes',
    build: () => {
      const x = input([null]);
      const q = tl.placeholder('bool', [], { name: 'q' });
      const y = tl.cond(
        flag(),
        () =>
          tl.cond(
            q,
            () => x.multiply(x),
            () => x.sin(),
          ),
        () => x.cos().multiply(x),
      );
      return { ys: [y], xs: [x] };
    },
    feeds: [
      { ...x0, p: true, q: true },
      { ...x0, p: true, q: false },
      { ...x0, p: false, q: true },
    ],
  },
  {
    name: 'a case, also out of range',
    build: () => {
      const x = input();
      const i = tl.placeholder('int32', [], { name: 'i' });
      return { ys: [tl.switchCase(i, [() => x.multiply(x), () => x.exp(), () => x.sin()])], xs: [x] };
    },
    feeds: [0, 1, 2, 3, -1].map((i) => ({ ...x0, i })),
  },
  {
    name: 'a loop of products',
    build: () => {
      const x = input();
      const [, y] = tl.whileLoop(
        (i) => i.less(4),
        (i, a) => [i.add(1), a.multiply(x)],
        [int(0), x],
      );
      return { ys: [y], xs: [x] };
    },
    feeds: [x0],
    orders: 3,
  },
  {
    name: 'a loop that may not run, with captured tensors and an unused variable',
    build: () => {
      const [x, w] = [input([null]), input([2], 'w')];
      const n = tl.placeholder('int32', [], { name: 'n' });
      const [, a] = tl.whileLoop(
        (i) => i.less(n),
        (i, a, b) => [i.add(1), a.multiply(w).sin().reshape(tl.shape(a)), b.add(1)],
        [int(0), x, number(1)],
        { shapeInvariants: [[], [null], []] },
      );
      return { ys: [a], xs: [x, w] };
    },
    feeds: [0, 1, 3].map((n) => ({ ...x0, w: [2, 3], n })),
  },
  {
    name: 'a conditional in a loop, with integers among the variables',
    build: () => {
      const x = input([]);
      const [, y] = tl.whileLoop(
        (i) => i.less(4),
        (i, a) => [
          i.add(1),
          tl.cond(
            i.floormod(2).equal(0),
            () => a.multiply(x),
            () => a.add(x),
          ),
        ],
        [int(0), x],
      );
      return { ys: [y], xs: [x] };
    },
    feeds: [{ x: 2 }],
    orders: 3,
  },
  {
    name: 'a loop in a loop',
    build: () => {
      const x = input([]);
      const inner = (s: Tensor) =>
        tl.whileLoop(
          (i) => i.less(2),
          (i, s) => [i.add(1), s.multiply(x)],
          [int(0), s],
        )[1];
      const [, y] = tl.whileLoop(
        (i) => i.less(3),
        (i, a) => [i.add(1), inner(a).sin()],
        [int(0), x],
      );
      return { ys: [y], xs: [x] };
    },
    feeds: [{ x: 1.3 }],
  },
  {
    name: 'a limited loop whose variables depend on each other',
    build: () => {
      const [x, z] = [input([]), input([], 'z')];
      const [a, b] = tl.whileLoop(
        (a) => a.less(100),
        (a, b) => [a.multiply(a.add(b)), a.add(b)],
        [x, z],
        { maximumIterations: 3 },
      );
      return { ys: [a, b], xs: [x, z] };
    },
    feeds: [{ x: 3, z: 2 }],
  },
  {
    name: 'a stopped gradient in a loop, and an integer path',
    build: () => {
      const [x, z] = [input([]), input([], 'z')];
      const [a] = tl.whileLoop(
        (a) => a.less(100),
        (a, b) => [a.multiply(a).add(tl.stopGradient(b)), b.add(tl.cast(tl.cast(z, 'int32'), 'float64'))],
        [x, z],
      );
      return { ys: [a], xs: [x, z] };
    },
    feeds: [{ x: 3, z: 2 }],
  },
  {
    name: 'mapFn and scan',
    build: () => {
      const x = input([null]);
      const y = tl.scan(
        (a, row) => a.multiply(row),
        tl.mapFn((row) => row.multiply(row).sin(), x),
      );
      return { ys: [y], xs: [x] };
    },
    feeds: [{ x: [1, 2, 3] }],
  },
  {
    name: 'foldl and foldr of nests',
    build: () => {
      const [x, z] = [input([3]), input([3], 'z')];
      const rows = { x, z };
      const y = tl.foldl((a, row) => a.multiply(row.x).add(row.z), rows, { initializer: number(1) });
      return { ys: [y, tl.foldr((a, row) => a.multiply(row), x)], xs: [x, z] };
    },
    feeds: [{ x: [1, 2, 3], z: [4, 5, 6] }],
  },
  {
    name: 'a function called twice',
    build: () => {
      const x = input();
      const f = tl.function((v: Tensor) => v.multiply(v).sin());
      return { ys: [f(f(x))], xs: [x] };
    },
    feeds: [x0],
  },
];

const seeds: Differentiate = (y, xs) => gradients(y, [...xs], { maskedNaN: 'tensorflow' }) as (Tensor | null)[];

describe.each(programs.map((program) => [program.name, program] as const))('%s', (_, { build, feeds, orders = 2 }) => {
  test.each(feeds.map((feed) => [JSON.stringify(feed), feed] as const))(
    'its gradients as TensorFlow makes them, %s',
    async (_, feed) => {
      await compareWithTensorFlow(
        (recorder) => {
          const { ys, xs } = build();
          const [first] = [recorder.gradients([...ys], [...xs])];
          return { feeds: feed, fetches: [...ys], first } as never;
        },
        { nodes: false },
      );
    },
  );

  test('its gradients as made here, run by TensorFlow', async () => {
    const graph = new Graph();
    await graph.asDefault(async () => {
      const { ys, xs } = build();
      const results: Tensor[] = [...ys];
      for (let order = 1, at: readonly Tensor[] = ys; order <= orders; order++) {
        at = seeds(at, xs).flatMap((dx) => (dx ? [convertToTensor(dx)] : []));
        results.push(...at);
      }
      const session = new tl.Session({ graph });
      for (const feed of feeds) {
        const values = parseFeeds(graph, feed);
        const answer = await tensorFlow().ask({
          steps: [{ extend: graphDef(graph, graph.operations()) }],
          feeds: Object.fromEntries([...values].map(([tensor, array]) => [tensor.name, encodeArray(array)])),
          init: [],
          fetches: results.map((tensor) => tensor.name),
          run: true,
        });
        expect(answer.error).toBeUndefined();
        session.runSync(results, feed).forEach((value, i) => {
          const theirs = decodeArray(answer.values![answer.fetches![i]!]!);
          expect(theirs.shape).toEqual(value.shape);
          expect(closest(theirs, value)).toBeLessThan(1e-9);
        });
      }
    });
  });
});

/** The largest difference, relative to what is compared. */
function closest(a: NDArray, b: NDArray): number {
  let worst = 0;
  for (let i = 0; i < a.size; i++) {
    const [x, y] = [Number(a.element(i)), Number(b.element(i))];
    worst = Math.max(worst, Math.abs(x - y) / Math.max(1, Math.abs(y)));
  }
  return worst;
}
