/**
 * An error anywhere in a call of the calculus leaves the graph as it was: it is planted before and after every single rule, node and
 * name, one after the other. Seeds are fixed; a failure prints its own.
 */
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Graph } from '../../src/graph/graph.js';
import { Masks } from '../../src/gradients/masks.js';
import * as tl from '../../src/index.js';
import { build, functionKinds, plainPrograms, programsWith, type Built, type Step } from './programs.js';

class Planted extends Error {}

/** Counts what happens, and throws when it is the turn of number `at`. */
class Trap {
  count = 0;
  at = Infinity;

  step(): void {
    if (++this.count === this.at) throw new Planted();
  }

  /** Runs `fn` with the error at number `at`. */
  spring<T>(at: number, fn: () => T): T {
    [this.count, this.at] = [0, at];
    try {
      return fn();
    } finally {
      this.at = Infinity;
    }
  }
}

type Method = (...args: unknown[]) => unknown;

/** Puts things back as they were. */
const repairs: (() => void)[] = [];

afterEach(repair);

function repair(): void {
  for (const undo of repairs.splice(0)) undo();
}

/** Replaces a method by what `wrap` makes of it: jest's own spies keep every call, and there are too many. */
function replace(prototype: object, name: string, wrap: (original: Method) => Method): void {
  const methods = prototype as Record<string, Method>;
  const original = methods[name]!;
  methods[name] = wrap(original);
  repairs.push(() => (methods[name] = original));
}

/** Makes each call of a method a step before and a step after. */
function set(trap: Trap, prototype: object, name: string): void {
  replace(
    prototype,
    name,
    (original) =>
      function (this: unknown, ...args) {
        trap.step();
        const result = original.apply(this, args);
        trap.step();
        return result;
      },
  );
}

/** Where errors are planted. */
const places: Readonly<Record<string, (trap: Trap) => void>> = {
  'every node': (trap) => set(trap, Graph.prototype, 'add'),
  'every name': (trap) => {
    set(trap, Graph.prototype, 'takeName');
    set(trap, Graph.prototype, 'uniqueName');
    set(trap, Graph.prototype, 'uniqueFunctionName');
  },
  'every rule': (trap) => {
    replace(
      Masks.prototype,
      'differentiate',
      (original) =>
        function (this: unknown, op, own, dys, rule) {
          return original.call(this, op, own, dys, (given: unknown) => {
            trap.step();
            const dxs = (rule as Method)(given);
            trap.step();
            return dxs;
          });
        },
    );
  },
};

/** What is called, after what may be prepared. */
type Call = (built: Built) => () => unknown;

const calls: Readonly<Record<string, Call>> = {
  gradients:
    ({ x, w, y }) =>
    () =>
      tl.gradients(y, [x, w]),
  'gradients, gated and colocated, added in a tree': ({ x, w, y }) => {
    const z = tl.square(y);
    return () =>
      tl.gradients([y, z], [x, w], {
        gateGradients: true,
        colocateGradientsWithOps: true,
        aggregationMethod: 'experimentalTree',
        unconnectedGradients: 'zero',
      });
  },
  'gradients of gradients': ({ x, w, y }) => {
    const dx = tl.gradients(tl.multiply(y, y), x)[0]!;
    return () => tl.gradients(dx, [x, w]);
  },
  'the gradient of a tape': ({ g, x, w, y }) => {
    const tape = new tl.GradientTape({ persistent: true });
    const z = tape.run(() => {
      tape.watch(x);
      return g.asDefault(() => tl.multiply(tl.multiply(x, w), tl.multiply(x, y)));
    });
    return () => tape.gradient(z, [x, w]);
  },
  jvp:
    ({ x, w, y }) =>
    () =>
      tl.jvp(y, [x, w], [x, [1, 1, 1]]),
  hessianVectorProduct: ({ x, y }) => {
    const z = tl.square(y);
    return () => tl.hessianVectorProduct(z, x, [1, 2, 3]);
  },
  'a program and its gradients':
    ({ g, x, w, y }) =>
    () =>
      g.transact(() =>
        g.asDefault(() => {
          const z = tl.cond(tl.reduceAny(tl.greater(y, 1)), () => tl.multiply(y, w), () => y); // prettier-ignore
          return tl.gradients(z, [x, w]);
        }),
      ),
};

/** All that can be seen of a graph. */
const look = (g: tl.Graph): string => tl.printGraph(g) + g.functions().map((fn) => fn.def.signature.name).join(); // prettier-ignore

function failure(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  return undefined;
}

function check(steps: readonly Step[], call: Call, plant: (trap: Trap) => void): number {
  const [built, twin] = [build(steps), build(steps)];
  const [run, runTwin] = [call(built), call(twin)];
  const trap = new Trap();
  plant(trap);
  trap.spring(Infinity, runTwin);
  const { g } = built;
  const [state, version, functions, scope] = [g.state, g.version, g.functions().length, g.scope];
  const shapes = g.operations().map((op) => op.outputs.map((output) => output.shape));
  const total = trap.count;
  for (let at = 1; at <= total; at++) {
    expect(failure(() => trap.spring(at, run))).toBeInstanceOf(Planted);
    if (g.state === state && g.version === version && g.functions().length === functions && g.scope === scope) continue;
    throw new Error(`The error at step ${at} of ${total} has left something.`);
  }
  expect(g.operations().map((op) => op.outputs.map((output) => output.shape))).toEqual(shapes);
  expect(tl.getDefaultGraph()).not.toBe(g);
  // Names and counters too are what they were: now it gives what it gives on a graph on which nothing ever failed.
  trap.spring(Infinity, run);
  expect(look(g)).toBe(look(twin.g));
  repair();
  return total;
}

/** Calls so long that trying all steps of one takes its time: one kind of function body each must do, another in every place. */
const long = ['gradients of gradients', 'jvp', 'hessianVectorProduct'];

describe.each(Object.keys(places))('an error at %s', (place) => {
  test.each(Object.keys(calls))('%s', (name) => {
    let total = 0;
    const property = (steps: readonly Step[]) => void (total += check(steps, calls[name]!, places[place]!));
    const settings = { verbose: 1, endOnFailure: true } as const;
    fc.assert(fc.property(plainPrograms, property), { ...settings, numRuns: 2, seed: 41 });
    const first = Object.keys(places).indexOf(place) + long.indexOf(name);
    const kinds = long.includes(name) ? [functionKinds[first % functionKinds.length]!] : functionKinds;
    for (const kind of kinds)
      fc.assert(fc.property(programsWith(kind), property), { ...settings, numRuns: 1, seed: 42 });
    expect(total).toBeGreaterThan(20);
  });
});
