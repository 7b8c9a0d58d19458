/** Control flow called wrongly: one clear error that names the function, and the graph as it was. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

const graph = new tl.Graph();
const { x, p, int, elsewhere } = graph.asDefault(() => ({
  x: tl.placeholder('float32', [3], { name: 'x' }),
  p: tl.placeholder('bool', [], { name: 'p' }),
  int: tl.constant(0, { dtype: 'int32' }),
  elsewhere: new tl.Graph().asDefault(() => tl.constant([1, 2, 3], { name: 'elsewhere' })),
}));

// What plain JavaScript may pass, which the types do not let through.
type Loose = (...args: readonly unknown[]) => unknown;
const { cond, switchCase, whileLoop, mapFn, foldl, foldr, scan } = tl as unknown as Readonly<Record<string, Loose>>;
const graphFunction = tl.function as unknown as (...args: readonly unknown[]) => Loose;

type Class = abstract new (...args: never[]) => Error;

function refused(kind: Class, message: RegExp, build: () => unknown): void {
  const before = graph.state;
  let error: unknown;
  try {
    graph.asDefault(build);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(kind);
  expect((error as Error).message).toMatch(message);
  expect(graph.state).toBe(before);
}

const same = (value: unknown): unknown => value;
const below = (i: unknown) => (i as tl.Tensor).less(3);
const onward = (i: unknown) => [(i as tl.Tensor).add(1)];

test.each([
  [
    'cond',
    () =>
      cond!(
        p,
        () => x,
        () => x,
        { nam: 'c' },
      ),
    /^cond: there is no option 'nam'/,
  ],
  ['switchCase', () => switchCase!(int, [() => x], { Name: 'c' }), /^switchCase: .*Did you mean 'name'/],
  ['function', () => graphFunction(same, { nam: 'c' }), /^function: there is no option 'nam'/],
  [
    'cond without options',
    () =>
      cond!(
        p,
        () => x,
        () => x,
        null,
      ),
    /^cond: the options must be an object/,
  ],
  [
    'cond, name',
    () =>
      cond!(
        p,
        () => x,
        () => x,
        { name: 3 },
      ),
    /'3' is not a valid node name/,
  ],
  ['mapFn, name', () => mapFn!(same, x, { name: 3 }), /'3' is not a valid node name/],
  ['function, name', () => graphFunction(same, { name: 'a b' }), /'a b' is not a valid node name/],
  ['mapFn, backProp', () => mapFn!(same, x, { backProp: 1 }), /^mapFn: 'backProp' must be true or false/],
])('a bad option of %s', (_, build, message) => {
  refused(tl.InvalidArgumentError, message, build);
});

test.each([
  [
    'no tensor to decide',
    () =>
      cond!(
        undefined,
        () => x,
        () => x,
      ),
    /^cond: what decides is undefined/,
  ],
  ['no index', () => switchCase!(null, [() => x]), /^switchCase: what decides is null/],
  ['no function', () => graphFunction(3), /^function: it takes a function/],
  ['several graphs', () => mapFn!(([a]: readonly unknown[]) => a, [x, elsewhere]), /^mapFn: .*different graphs/],
  ['several graphs of a function', () => graphFunction(same)({ a: x, b: elsewhere }), /^function: .*different graphs/],
])('%s', (_, build, message) => {
  refused(tl.InvalidArgumentError, message, build);
});

describe('whileLoop', () => {
  test.each([
    ['no list', 3, /'shapeInvariants' must be a list of shapes/],
    ['an object', {}, /'shapeInvariants' must be a list of shapes/],
    ['a word', ['a'], /shapeInvariants\[0\] is no shape/],
    ['nothing', [undefined], /shapeInvariants\[0\] is no shape/],
    ['negative', [[-1]], /shapeInvariants\[0\] is no shape/],
    ['too many', [[], []], /'shapeInvariants' has 2 entries for 1 loop variables/],
  ])('shape invariants: %s', (_, shapeInvariants, message) => {
    refused(tl.InvalidArgumentError, message, () => whileLoop!(below, onward, [int], { shapeInvariants }));
  });

  test('the greatest number of iterations is a scalar', () => {
    const message = /'maximumIterations' must be a scalar: .*int32\[2\]/;
    refused(tl.ShapeError, message, () => whileLoop!(below, onward, [int], { maximumIterations: [1, 2] }));
  });
});

describe('rows', () => {
  test.each([
    ['nothing', () => undefined],
    ['an empty list', () => []],
  ])('mapFn of a function that gives %s', (_, fn) => {
    refused(tl.InvalidArgumentError, /^mapFn: there are no tensors in what the function returns/, () => mapFn!(fn, x));
  });

  const folds = Object.entries({ foldl: foldl!, foldr: foldr!, scan: scan! });

  test.each(folds)('%s checks structure, dtype and start', (name, fold) => {
    const renamed = (a: unknown) => ({ b: (a as { a: unknown }).a });
    refused(
      tl.InvalidArgumentError,
      new RegExp(`^${name}: what the function returns .*{ a: \\* }, and has { b: \\* }`),
      () => fold(renamed, x, { initializer: { a: 1 } }),
    );
    const integer = (a: unknown) => tl.cast(a as tl.Tensor, 'int32');
    refused(tl.DTypeError, new RegExp(`^${name}: the accumulation is float32 at first and int32`), () =>
      fold(integer, x),
    );
    refused(tl.InvalidArgumentError, new RegExp(`^${name}: there are no tensors in the initializer`), () =>
      fold(same, x, { initializer: [] }),
    );
  });

  test.each(folds)('%s: data takes the dtype of the accumulation, null stands for no initializer', (_, fold) => {
    const zero = graph.asDefault(() => fold(() => 0, tl.constant([1, 2], { dtype: 'int32' }))) as tl.Tensor;
    expect(zero.dtype).toBe('int32');
    const first = graph.asDefault(() => fold(same, x, { initializer: null })) as tl.Tensor;
    expect(first.dtype).toBe('float32');
  });
});

describe('a tensor that has left its function', () => {
  let inside: tl.Tensor | null = null;
  const keep = (a: unknown) => (inside = (a as tl.Tensor).multiply(2));
  const y = graph.asDefault(() => graphFunction(keep, { name: 'body' })(x)) as tl.Tensor;
  const message = /function body 'body'.*[Rr]eturn (it )?from the function/;

  test('is no operand', () => {
    refused(tl.GraphFinalizedError, message, () => inside!.add(1));
    refused(tl.InvalidArgumentError, message, () => tl.add(x, inside!));
  });

  test('is nothing to differentiate by, and nothing to explain', () => {
    refused(tl.GraphFinalizedError, message, () => tl.gradients(inside!, x));
    refused(tl.InvalidArgumentError, message, () => tl.gradients(y, inside!));
    refused(tl.InvalidArgumentError, message, () => tl.explainGradient(y, inside!));
  });

  test('is nothing to fetch', () => {
    refused(tl.InvalidArgumentError, message, () => new tl.Session({ graph }).runSync(inside!));
  });

  test('is not there in another function', () => {
    const otherwise = () => x;
    refused(tl.GraphFinalizedError, message, () => cond!(p, () => inside!.add(1), otherwise));
    refused(tl.InvalidArgumentError, message, () => cond!(p, () => inside!, otherwise));
  });
});

test('a function that calls itself', () => {
  const endless: Loose = graphFunction((a: unknown) => endless(a));
  refused(tl.InvalidArgumentError, /^function: the function calls itself/, () => endless(x));
  // The refusal leaves it as it was: it says so again.
  refused(tl.InvalidArgumentError, /^function: the function calls itself/, () => endless(x));
});
