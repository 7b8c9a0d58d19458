/** Transactions under random programs: whatever fails, wherever, the graph is as it was; what succeeds has exact patches. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyPatches } from 'immer';
import * as tl from '../../src/index.js';

/** A small program: what it does to a graph, step by step. */
type Step =
  | { readonly kind: 'constant' | 'add' | 'gradients' | 'variable'; readonly name: string }
  | {
      readonly kind: 'scope' | 'device' | 'control' | 'transact';
      readonly name: string;
      readonly body: readonly Step[];
    }
  | { readonly kind: 'throw' };

const names = fc.constantFrom('a', 'A', 'b', 'a_1', 'layer');
const { program } = fc.letrec<{ step: Step; program: Step[] }>((tie) => ({
  program: fc.array(tie('step'), { maxLength: 5 }),
  step: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constantFrom('constant', 'add', 'gradients', 'variable'), name: names }) as fc.Arbitrary<Step>,
    fc.record({
      kind: fc.constantFrom('scope', 'device', 'control', 'transact'),
      name: names,
      body: tie('program'),
    }) as fc.Arbitrary<Step>,
  ),
}));

class Planted extends Error {}

function run(g: tl.Graph, steps: readonly Step[], tensors: tl.Tensor[]): void {
  for (const step of steps) {
    const last = tensors.at(-1)!;
    const inside = (): void => run(g, 'body' in step ? step.body : [], [...tensors]);
    if (step.kind === 'throw') throw new Planted();
    else if (step.kind === 'constant') tensors.push(tl.constant(1, { name: step.name }));
    else if (step.kind === 'add') tensors.push(last.add(2, { name: step.name }));
    else if (step.kind === 'gradients') tl.gradients(last, tensors[0]!);
    else if (step.kind === 'variable') tl.variable(3, { name: step.name });
    else if (step.kind === 'scope') tl.nameScope(step.name, inside);
    else if (step.kind === 'device') tl.device('/job:worker', inside);
    else if (step.kind === 'control') tl.controlDependencies([last], inside);
    else g.transact(inside);
  }
}

/** Puts a failure at the n-th place of the program, counted through all bodies. */
function withFailure(steps: readonly Step[], at: { n: number }): Step[] {
  const result: Step[] = [];
  for (const step of steps) {
    if (at.n-- === 0) result.push({ kind: 'throw' });
    result.push('body' in step ? { ...step, body: withFailure(step.body, at) } : step);
  }
  return result;
}

function start(): { g: tl.Graph; x: tl.Tensor } {
  const g = new tl.Graph();
  return { g, x: g.asDefault(() => tl.constant(5, { name: 'x' })) };
}

const build = (g: tl.Graph, x: tl.Tensor, steps: readonly Step[]) => g.asDefault(() => run(g, steps, [x]));

describe('random programs', () => {
  test('a failure anywhere leaves state, names and scopes as they were', () => {
    fc.assert(
      fc.property(program, program, fc.nat(12), (before, steps, n) => {
        const { g, x } = start();
        build(g, x, before);
        const state = g.state;
        const failing = [...withFailure(steps, { n }), { kind: 'throw' } as const];
        expect(() => g.transact(() => build(g, x, failing))).toThrow(Planted);
        expect(g.state).toBe(state);
        expect(g.version).toBe([...g.operations()].length);
        // What is built next is what a graph that never failed would hold.
        build(g, x, steps);
        const { g: fresh, x: y } = start();
        build(fresh, y, before);
        build(fresh, y, steps);
        expect(g.operations().map((op) => op.def)).toEqual(fresh.operations().map((op) => op.def));
      }),
      { numRuns: 150, seed: 11 },
    );
  });

  test('patches lead from the state before to the state after, and nodes are what was added', () => {
    fc.assert(
      fc.property(program, program, (before, steps) => {
        const { g, x } = start();
        build(g, x, before);
        const state = g.state;
        const { appended } = g.transact(() => build(g, x, steps));
        expect(applyPatches(state, [...appended.patches])).toEqual(g.state);
        expect(appended.nodes).toEqual(
          g
            .operations()
            .slice(g.version - appended.nodes.length)
            .map((op) => op.def),
        );
      }),
      { numRuns: 150, seed: 12 },
    );
  });

  test('inputs come before what uses them, and names are unique without regard to case', () => {
    fc.assert(
      fc.property(program, (steps) => {
        const { g, x } = start();
        build(g, x, steps);
        const operations = g.operations();
        expect(new Set(operations.map((op) => op.name.toLowerCase())).size).toBe(operations.length);
        for (const op of operations) {
          for (const before of [...op.inputs.map((input) => input.op), ...op.controlInputs])
            expect(before.id).toBeLessThan(op.id);
        }
      }),
      { numRuns: 100, seed: 13 },
    );
  });
});
