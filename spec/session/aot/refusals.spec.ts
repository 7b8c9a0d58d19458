/** What cannot be compiled ahead of time is said before anything is made, all of it at once. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../../src/index.js';
import { AheadOfTime, type EntryRequest } from '../../../src/session/aot/index.js';
import { entry } from './support.js';

function complaint(graph: tl.Graph, ...entries: readonly EntryRequest[]): string {
  const before = graph.version;
  try {
    new AheadOfTime(graph, entries);
  } catch (error) {
    expect(error).toBeInstanceOf(tl.TapelessError);
    expect(graph.version).toBe(before);
    return (error as Error).message.replaceAll(/created at \S+\.ts:\d+/g, 'created at HERE');
  }
  throw new Error('It was compiled.');
}

describe('operations that only a session runs', () => {
  const graph = new tl.Graph();
  const parts = graph.asDefault(() => {
    const x = tl.placeholder('float32', [4], { name: 'x' });
    const noise = tl.random.normal([4], { name: 'noise' });
    const present = tl.unique(x, { name: 'unique' }).y;
    const grows = (i: tl.Tensor, y: tl.Tensor) => [tl.add(i, 1), tl.concat([y, y], 0)] as const;
    const looped = tl.whileLoop((_, y) => tl.less(tl.size(y), 9), grows, [tl.constant(0) as tl.Tensor, x as tl.Tensor], { name: 'loop', shapeInvariants: [[], [null]] }); // prettier-ignore
    const half = tl.cast(tl.cast(x, 'float16', { name: 'short' }), 'float32', { name: 'long' });
    return { x, noise, present, looped: looped[0], half };
  });

  test('are listed with where they were made, and why', () => {
    const { x, noise, half } = parts;
    const both = complaint(graph, entry('a', { y: tl.add(x, noise) }), entry('b', { half }));
    expect(both).toMatch(/^\d operations cannot be compiled ahead of time\. /);
    expect(both).toContain(
      "'noise/RandomStandardNormal' (RandomStandardNormal, created at HERE): a session keeps the state of random numbers",
    );
    expect(both).toContain("'short' (Cast, created at HERE): compiled code does not hold float16");
  });

  test('shapes that depend on data, and other graphs', () => {
    expect(complaint(graph, entry('a', { y: parts.present }))).toContain('shapes depend on data');
    expect(complaint(graph, entry('a', { y: parts.looped }))).toMatch(
      /^One operation cannot .*'loop\w*' \(\w*While, created at HERE\): it runs other graphs\.$/,
    );
  });
});

test('gradients of what broadcasts in shapes that only feeds tell are no such operations', () => {
  const graph = new tl.Graph();
  graph.asDefault(() => {
    const x = tl.placeholder('float32', [null, 3], { name: 'x' });
    const b = tl.placeholder('float32', [null, 1], { name: 'b' });
    const db = tl.gradients(tl.square(tl.subtract(x, b)), [b])[0] as tl.Tensor;
    const feeds = { x: [x, [4, 3]], b: [b, [4, 1]] } as const;
    expect(() => new AheadOfTime(graph, [entry('run', { db }, { feeds })])).not.toThrow();
  });
});

describe('feeds', () => {
  const graph = new tl.Graph();
  const { x, label, word, loss, length } = graph.asDefault(() => {
    const x = tl.placeholder('float32', [null, 3], { name: 'x' });
    const label = tl.placeholder('float32', null, { name: 'label' });
    const word = tl.placeholder('string', [], { name: 'word' });
    return { x, label, word, loss: tl.reduceSum(tl.subtract(tl.reduceSum(x), label)), length: tl.identity(word) };
  });

  test('need shapes: all that miss theirs are named', () => {
    expect(complaint(graph, entry('a', { loss }))).toBe(
      "Code is compiled for one shape of each feed: say which for 'x' [?, 3], 'label' of any rank, for example x=32,3.",
    );
    expect(complaint(graph, entry('a', { loss }, { feeds: { images: [x, [5, 3]] } }))).toContain(
      "say which for 'label'",
    );
  });

  test('need shapes that fit', () => {
    expect(complaint(graph, entry('a', { loss }, { feeds: { x: [x, [5, 4]] } }))).toBe(
      "'a': the shape [5, 4] given for 'x' does not fit [?, 3], the shape of x:0, created at HERE.",
    );
  });

  test('that nothing needs, of no compiled dtype, or of one name', () => {
    const sum = tl.reduceSum(x);
    const feeds = { x: [x, [5, 3]], label: [label, []] } as const;
    expect(complaint(graph, entry('a', { sum }, { feeds }))).toBe("Nothing that is fetched needs the feed 'label'.");
    expect(complaint(graph, entry('a', { length }))).toContain("the fetch 'length' is string");
    expect(complaint(graph, entry('a', { same: tl.equal(word, 'a') }))).toContain("the feed 'word' is string");
    expect(complaint(graph, entry('a', { loss }, { feeds: { label: [x, [1, 3]] } }))).toContain(
      "'a' needs two feeds called 'label'",
    );
  });
});

describe('names', () => {
  const graph = new tl.Graph();
  const y = graph.asDefault(() => tl.constant(1));

  test.each(['then', 'variables', 'constructor', 'a-b', '1a', ''])('no function can be called %p', (name) => {
    expect(complaint(graph, entry(name, { y }))).toContain('cannot be the name of a function');
  });

  test('of functions and files', () => {
    expect(complaint(graph, entry('step', { y }), entry('Step', { y }))).toContain('differ in more than case');
    expect(complaint(graph, entry('step', {}))).toBe("'step' fetches nothing.");
    expect(complaint(graph)).toContain('nothing to compile');
    const ahead = new AheadOfTime(graph, [entry('run', { y })]);
    for (const name of ['', '../x', 'a b', '.x'])
      expect(() => ahead.files(name, new Map())).toThrow('is no name for files');
  });
});

test('values that do not fit their variables', () => {
  const graph = new tl.Graph();
  const v = graph.asDefault(() => tl.variable([1, 2], { name: 'v' }));
  const ahead = new AheadOfTime(graph, [entry('run', { v })]);
  expect(ahead.variables).toEqual(['v']);
  expect(() => ahead.files('m', new Map([['v', tl.NDArray.from([1, 2, 3])]]))).toThrow(
    "The variable 'v' is float32 [2]; the value given for it is float32 [3].",
  );
});
