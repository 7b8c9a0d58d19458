/** `explainGradient` on random graphs with planted cuts, against an oracle that walks every single path. Seeds are fixed; a failure prints its own. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as tl from '../../src/index.js';
import type { NullCause } from '../../src/index.js';

/** What becomes of an operand: which functions are applied to which tensors made so far, 0 being x. */
interface Step {
  readonly kind: 'tanh' | 'square' | 'add' | 'multiply' | 'where' | 'leaf' | Cut;
  readonly a: number;
  readonly b: number;
  /** Whether the option stopGradients names what is made. */
  readonly listed: boolean;
}

type Cut = 'floor' | 'stop' | 'cast';

const live = ['tanh', 'square', 'add', 'multiply', 'where', 'leaf'] as const;
const cuts = ['floor', 'stop', 'cast'] as const;

const step = (kinds: readonly Step['kind'][], listed: fc.Arbitrary<boolean>): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(1000), b: fc.nat(1000), listed });
const never = fc.constant(false);
const liveSteps = fc.array(step(live, never), { maxLength: 6 });
const anySteps = fc.array(
  step(
    [...live, ...cuts],
    fc.nat(9).map((n) => n === 0),
  ),
  { minLength: 1, maxLength: 10 },
);

interface Program {
  readonly tensors: tl.Tensor[];
  readonly stops: tl.Tensor[];
}

function apply({ kind, a, b, listed }: Step, { tensors, stops }: Program): void {
  // The newest tensors are likelier, so that most of a graph leads to its end.
  const pick = (n: number): tl.Tensor => tensors[Math.max(0, tensors.length - 1 - (n % (n % 3 === 0 ? 8 : 3)))]!;
  const [x, y] = [pick(a), pick(b)];
  const made = {
    tanh: () => tl.tanh(x),
    square: () => tl.square(x),
    add: () => tl.add(x, y),
    multiply: () => tl.multiply(x, y),
    where: () => tl.where(tl.greater(x, 0.5), y, pick(a + b)),
    leaf: () => tl.constant([1, 2]),
    floor: () => tl.floor(x),
    stop: () => tl.stopGradient(x),
    cast: () => tl.cast(tl.cast(x, 'int32'), 'float32'),
  }[kind]();
  tensors.push(made);
  if (listed) stops.push(made);
}

function start(): Program {
  return { tensors: [tl.placeholder('float32', [2], { name: 'x' })], stops: [] };
}

/** All ways from `op` to x along data edges, whatever flows on them. */
function waysToX(op: tl.Operation, x: tl.Operation): tl.Operation[][] {
  if (op === x) return [[x]];
  const producers = [...new Set(op.inputs.map((input) => input.op))];
  return producers.flatMap((producer) => waysToX(producer, x).map((way) => [op, ...way]));
}

interface Expected {
  readonly cause: NullCause | null;
  readonly op: tl.Operation | null;
  /** The ways that would do as `path`. */
  readonly paths: readonly (readonly tl.Operation[])[];
}

const blocking: Readonly<Record<string, NullCause>> = { Floor: 'noGradient', StopGradient: 'stopGradientOp' };

/** How many operations gradient comes to on a way, and why not to the next one. */
function follow(way: readonly tl.Operation[], stops: ReadonlySet<tl.Operation>) {
  for (const [i, op] of way.entries()) {
    const next = way[i + 1];
    if (!next) break;
    if (stops.has(op)) return { length: i + 1, cause: 'stopGradients' as const, op };
    const cause = blocking[op.type];
    if (cause) return { length: i + 1, cause, op };
    if (next.outputs[0]!.dtype !== 'float32') return { length: i + 1, cause: 'integerCut' as const, op: next };
  }
  return { length: way.length, cause: null, op: null };
}

/** What must be said of y and x, by looking at each way on its own. */
function oracle(y: tl.Tensor, x: tl.Tensor, stopped: readonly tl.Tensor[]): Expected {
  const stops = new Set(stopped.map((tensor) => tensor.op));
  const ways = waysToX(y.op, x.op).map((way) => ({ way, ...follow(way, stops) }));
  if (ways.length === 0) return { cause: 'noPath', op: null, paths: [[]] };
  const prefixes = ways.map((found) => ({ ...found, prefix: found.way.slice(0, found.length) }));
  const connected = prefixes.filter(({ cause }) => cause === null);
  const passing = new Set(prefixes.flatMap(({ prefix }) => prefix.slice(0, -1)));
  // Where some way goes on, gradient does not end, even if other edges of the same operation carry none.
  const ended = prefixes.filter(({ prefix }) => !passing.has(prefix.at(-1)!));
  const candidates = connected.length > 0 ? connected : ended;
  const longest = Math.max(...candidates.map(({ length }) => length));
  const best = candidates.filter(({ length }) => length === longest);
  const end = best.map(({ prefix }) => prefix.at(-1)!).reduce((a, b) => (b.id < a.id ? b : a));
  const chosen = best.filter(({ prefix }) => prefix.at(-1) === end);
  return { cause: chosen[0]!.cause, op: chosen[0]!.op, paths: chosen.map(({ prefix }) => prefix) };
}

/** What `explainGradient` says, checked against `gradients` and for leaving no trace. */
function explained(g: tl.Graph, y: tl.Tensor, x: tl.Tensor, stopGradients: readonly tl.Tensor[]): tl.Explanation {
  const [before, version] = [g.state, g.version];
  const found = tl.explainGradient(y, x, { stopGradients });
  expect(g.state).toBe(before);
  expect(g.version).toBe(version);
  expect(tl.gradients(y, x, { stopGradients })[0] !== null).toBe(found.connected);
  expect(found.connected).toBe(found.cause === null);
  expect(found.createdAt).toBe(found.op?.createdAt ?? null);
  if (found.op) expect(found.message).toContain(`'${found.op.name}' (${found.op.type}, created at ${found.createdAt})`);
  return found;
}

const namesOf = (path: readonly tl.Operation[]): string => path.map((op) => op.name).join(' ');

describe('one cut that every path must cross', () => {
  const plants: Readonly<
    Record<string, (t: tl.Tensor) => { out: tl.Tensor; op: tl.Operation; end: tl.Operation; stops?: tl.Tensor[] }>
  > = {
    noGradient: (t) => {
      const out = tl.floor(t, { name: 'planted' });
      return { out, op: out.op, end: out.op };
    },
    stopGradientOp: (t) => {
      const out = tl.stopGradient(t, { name: 'planted' });
      return { out, op: out.op, end: out.op };
    },
    stopGradients: (t) => {
      const out = tl.sin(t, { name: 'planted' });
      return { out, op: out.op, end: out.op, stops: [out] };
    },
    integerCut: (t) => {
      const integers = tl.cast(t, 'int32', { name: 'planted' });
      const out = tl.cast(integers, 'float32');
      return { out, op: integers.op, end: out.op };
    },
  };
  /** A cut may also be there because something of another kind lies behind it: it is met first. */
  const behind = fc.constantFrom('nothing', ...cuts);

  test.each(Object.keys(plants))('%s', (cause) => {
    fc.assert(
      fc.property(liveSteps, behind, liveSteps, (before, hidden, after) => {
        const g = new tl.Graph();
        g.asDefault(() => {
          const program = start();
          const x = program.tensors[0]!;
          if (hidden !== 'nothing') apply({ kind: hidden, a: 0, b: 0, listed: false }, program);
          for (const s of before) if (s.kind !== 'leaf') apply(s, program);
          const { out, op, end, stops = [] } = plants[cause]!(program.tensors.at(-1)!);
          const rest: Program = { tensors: [out], stops: [] };
          for (const s of after) apply(s, rest);
          const y = tl.addN([rest.tensors.at(-1)!, out], { name: 'y' });
          const found = explained(g, y, x, stops);
          expect([found.cause, found.op?.name]).toEqual([cause, op.name]);
          expect(found.createdAt).toMatch(/explain\.property\.spec\.ts:\d+$/);
          const open = waysToX(y.op, end).filter((way) => way.every((step) => step.type !== 'Greater'));
          expect(open.map(namesOf)).toContain(namesOf(found.path));
          expect(found.path.length).toBe(Math.max(...open.map((way) => way.length)));
        });
      }),
      { numRuns: 60, seed: 31, verbose: 1 },
    );
  });
});

describe('cuts of all kinds anywhere, on chains, diamonds and parallel paths', () => {
  test('the longest live prefix and the cut at its end are those of the oracle', () => {
    const seen = new Set<NullCause | null>();
    fc.assert(
      fc.property(anySteps, (steps) => {
        const g = new tl.Graph();
        g.asDefault(() => {
          const program = start();
          for (const s of steps) apply(s, program);
          const [x, y] = [program.tensors[0]!, program.tensors.at(-1)!];
          const found = explained(g, y, x, program.stops);
          const expected = oracle(y, x, program.stops);
          seen.add(found.cause);
          expect([found.cause, found.op?.name]).toEqual([expected.cause, expected.op?.name]);
          expect(expected.paths.map(namesOf)).toContain(namesOf(found.path));
        });
      }),
      { numRuns: 500, seed: 32, verbose: 1 },
    );
    expect(seen).toEqual(new Set([null, 'noPath', 'noGradient', 'stopGradientOp', 'stopGradients', 'integerCut']));
  });
});
