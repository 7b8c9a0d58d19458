/** Gradients that do not belong where they are given: of another graph, or sparse ones that do not fit. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const graph = new tl.Graph();
const { x, m, at } = graph.asDefault(() => ({
  x: tl.placeholder('float32', [3], { name: 'x' }),
  m: tl.placeholder('float32', [3, 2], { name: 'm' }),
  at: tl.constant([0, 2], { dtype: 'int32' }),
}));
const other = new tl.Graph();
const { elsewhere, unknown } = other.asDefault(() => ({
  elsewhere: tl.constant([1, 2, 3], { name: 'elsewhere' }),
  unknown: tl.placeholder('float32', null, { name: 'unknown' }),
}));

let rules = 0;
/** A square whose gradient is what `gradient` gives. */
function squareWith(gradient: () => unknown): tl.Tensor {
  const name = `Foreign${rules++}`;
  tl.registerGradient(name, gradient as never);
  return graph.asDefault(() => tl.gradientOverrideMap({ Square: name }, () => tl.square(x)));
}

function refused(kind: abstract new (...args: never[]) => Error, message: RegExp, build: () => unknown): void {
  const before = [graph.state, other.state];
  expect(() => graph.asDefault(build)).toThrow(kind);
  expect(() => graph.asDefault(build)).toThrow(message);
  expect([graph.state, other.state]).toEqual(before);
  expect(graph.state).toBe(before[0]);
}

describe('a gradient of another graph', () => {
  const message = /gives for input \d '(elsewhere|unknown):0', which belongs to another graph/;

  test('from a registered rule', () => {
    const y = squareWith(() => elsewhere);
    refused(tl.InvalidArgumentError, message, () => tl.gradients(y, x));
  });

  test('whose shape stays what it was there', () => {
    const y = squareWith(() => unknown);
    refused(tl.InvalidArgumentError, message, () => tl.gradients(y, x));
    expect(unknown.shape).toBeNull();
  });

  test('from customGradient', () => {
    const doubled = tl.customGradient((a: tl.Tensor) => [a.multiply(2), () => elsewhere]);
    const y = graph.asDefault(() => doubled(x));
    refused(tl.InvalidArgumentError, message, () => tl.gradients(y, x));
  });

  test('sparse', () => {
    const indices = other.asDefault(() => tl.constant([0, 1, 2], { dtype: 'int32' }));
    const y = squareWith(() => new tl.IndexedSlices(elsewhere, indices));
    refused(tl.InvalidArgumentError, message, () => tl.gradients(y, x));
  });
});

test('a sparse gradient must have the shape of what it is the gradient of', () => {
  const y = squareWith(() => new tl.IndexedSlices(tl.gather(m, at), at));
  refused(tl.ShapeError, /has shape \[\?, 2\] for input 0, 'x:0', which has shape \[3\]/, () => tl.gradients(y, x));
});

describe('IndexedSlices are', () => {
  const Slices = tl.IndexedSlices as unknown as new (...parts: readonly unknown[]) => unknown;
  test.each([
    [
      'tensors',
      tl.InvalidArgumentError,
      [
        [1, 2],
        [0, 1],
      ],
    ],
    ['two at least', tl.InvalidArgumentError, [x]],
    ['of one graph', tl.InvalidArgumentError, [elsewhere, at]],
    ['at integers', tl.DTypeError, [x, x]],
    ['rows', tl.ShapeError, [graph.asDefault(() => tl.constant(1)), at]],
    ['of a shape that is a vector', tl.ShapeError, [m, graph.asDefault(() => tl.constant([0, 1, 2], { dtype: 'int32' })), graph.asDefault(() => tl.constant(3, { dtype: 'int32' }))]], // prettier-ignore
  ])('%s', (_, kind, parts) => {
    refused(kind, /^IndexedSlices: /, () => new Slices(...parts));
  });
});

describe('gradYs of IndexedSlices', () => {
  const session = new tl.Session({ graph });
  const feeds = { m: [[1, 2], [3, 4], [5, 6]] }; // prettier-ignore
  const build = () => new tl.IndexedSlices(tl.gather(m, at), at, tl.constant([3, 2], { dtype: 'int32' }));
  const value = (gradYs: unknown) => {
    const [dm] = graph.asDefault(() => tl.gradients(build(), m, { gradYs: [gradYs] as never }));
    return session
      .runSync(
        graph.asDefault(() => tl.convertToTensor(dm!)),
        feeds,
      )
      .toArray();
  };

  test('dense: the rows that are there count', () => {
    expect(value([[1, 2], [10, 20], [100, 200]])).toEqual([[1, 2], [0, 0], [100, 200]]); // prettier-ignore
  });

  test('sparse: row by row', () => {
    const rows = graph.asDefault(() => new tl.IndexedSlices(tl.constant([[1, 2], [3, 4]]), at)); // prettier-ignore
    expect(value(rows)).toEqual([[1, 2], [0, 0], [3, 4]]); // prettier-ignore
  });

  test('as many rows as there are', () => {
    const slices = graph.asDefault(build);
    const one = graph.asDefault(
      () => new tl.IndexedSlices(tl.constant([[1, 2]]), tl.constant([0], { dtype: 'int32' })),
    );
    refused(tl.ShapeError, /gradYs\[0\] has values of shape \[1, 2\], but those of .* have shape \[2, 2\]/, () =>
      tl.gradients(slices, m, { gradYs: one }),
    );
  });
});
