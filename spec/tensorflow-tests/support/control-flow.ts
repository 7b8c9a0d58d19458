/** What the specs of TensorFlow's control flow tests share. */
import * as tl from '../../../src/index.js';

type Data = number | boolean | readonly number[];
type Feeds = Readonly<Record<string, Data>>;

/** Builds in a graph of its own and runs: variables are initialised first. */
export function run(build: () => unknown, ...feeds: Feeds[]): unknown[] {
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const fetches = build() as tl.Fetches;
    const init = tl.globalVariablesInitializer();
    const session = new tl.Session({ graph });
    session.runSync(init);
    return (feeds.length > 0 ? feeds : [{}]).map((feed) => plain(session.runSync(fetches, feed as never)));
  });
}

function plain(value: unknown): unknown {
  if (value instanceof tl.NDArray) return value.toArray();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

export const int = (value: number) => tl.constant(value, { dtype: 'int32' });
export const grad = (y: tl.Tensor | readonly tl.Tensor[], x: tl.Tensor | tl.Variable) => tl.gradients(y, x)[0]!;
export const flag = () => tl.placeholder('bool', [], { name: 'p' });
export const loop1 = (
  cond: (v: tl.Tensor) => tl.Tensor,
  body: (v: tl.Tensor) => tl.Tensor,
  v: tl.Tensor,
  options = {},
) => tl.whileLoop(cond, body, [v], options)[0];

export const two = () => tl.constant(2);

/** Four doublings, in a loop of its own. */
export const inner = (s: tl.Tensor) =>
  tl.whileLoop(
    (i) => i.less(4),
    (i, s) => [i.add(1), s.multiply(2)],
    [int(0), s],
  )[1];
