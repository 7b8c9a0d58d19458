/** The random programs themselves: what is in them, that they can be written down and made smaller. */
import { describe, expect, test } from '@jest/globals';
import { Graph } from '../../src/graph/graph.js';
import { printGraph } from '../../src/graph/print/print.js';
import { buildProgram } from './support/fuzz-build.js';
import { generate } from './support/fuzz-generate.js';
import { printProgram } from './support/fuzz-print.js';
import { allSteps, isFlow, type Program } from './support/fuzz-program.js';
import { shrink } from './support/fuzz-shrink.js';
import { Recorder } from './support/recorder.js';

const programs = Array.from({ length: 150 }, (_, i) => generate(i + 1));
const flows = programs.map(({ steps }) => allSteps(steps).filter(isFlow));

function graphOf(program: Program): string {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  graph.asDefault(() => buildProgram({ ...program, calls: [] }, recorder, 'p'));
  return printGraph(graph);
}

describe('random programs', () => {
  test('about one in three has control flow, of every kind and in itself', () => {
    const count = flows.filter((list) => list.length > 0).length;
    expect(count).toBeGreaterThan(programs.length / 4);
    expect(count).toBeLessThan(programs.length / 2);
    expect(new Set(flows.flat().map(({ kind }) => kind))).toEqual(new Set(['cond', 'case', 'while', 'call']));
    const nested = flows.flat().filter(({ bodies }) => bodies.some(({ steps }) => steps.some(isFlow)));
    expect(nested.length).toBeGreaterThan(0);
  });

  test('conditions and trip counts are constants and fed', () => {
    const decides = programs.flatMap(({ steps }) =>
      steps.flatMap((step) => {
        if (!isFlow(step) || step.kind === 'call') return [];
        const [at] = step.kind === 'cond' ? step.pred : step.kind === 'case' ? step.index : step.trips;
        return [`${step.kind} ${steps[at]!.kind}`];
      }),
    );
    for (const kind of ['cond', 'case', 'while'])
      expect(decides).toEqual(expect.arrayContaining([`${kind} constant`, `${kind} placeholder`]));
  });

  test('a seed gives the same program, and what is written down the same graph', () => {
    for (const program of programs.filter((_, i) => flows[i]!.length > 0).slice(0, 20)) {
      expect(printProgram(generate(program.seed))).toBe(printProgram(program));
      expect(graphOf(JSON.parse(JSON.stringify(program)) as Program)).toBe(graphOf(program));
    }
  });

  test.each(['cond', 'case', 'while', 'call'] as const)(
    'one that fails for a %s shrinks to little more',
    async (kind) => {
      const at = flows.findIndex((list) => list.some((step) => step.kind === kind));
      const fails = (program: Program): Promise<string | null> => {
        // Whatever is tried must be a program.
        try {
          graphOf(program);
        } catch {
          return Promise.resolve(null);
        }
        return Promise.resolve(allSteps(program.steps).some((step) => step.kind === kind) ? 'fails' : null);
      };
      const { program } = await shrink(programs[at]!, 'fails', fails);
      expect(allSteps(program.steps).some((step) => step.kind === kind)).toBe(true);
      expect(allSteps(program.steps).length).toBeLessThan(allSteps(programs[at]!.steps).length);
    },
  );
});
