/** Random graphs, differentiated here and by TensorFlow: the same nodes, the same nulls, the same values. */
import { describe, expect, test } from '@jest/globals';
import { useTensorFlow } from './support/cases.js';
import { alone, explain, fuzz, reportLines } from './support/fuzz.js';
import { printProgram } from './support/fuzz-print.js';
import type { Program } from './support/fuzz-program.js';

const given = process.env.TAPELESS_FUZZ_PROGRAM;
const count = Number(process.env.TAPELESS_FUZZ ?? 2000);
const first = Number(process.env.TAPELESS_FUZZ_SEED ?? 1);
const lines: string[] = [];

useTensorFlow(() => lines);

describe('random graphs', () => {
  const timeout = 60_000 + count * 1000;
  (given ? test.skip : test)(
    `programs ${first} to ${first + count - 1}`,
    async () => {
      const report = await fuzz(first, count);
      lines.push(...reportLines(report));
      expect(report.failures.map(explain).join('\n\n')).toBe('');
      expect(report.programs).toBe(count);
    },
    timeout,
  );

  (given ? test : test.skip)('the program in TAPELESS_FUZZ_PROGRAM', async () => {
    const program = JSON.parse(given!) as Program;
    lines.push(printProgram(program));
    const outcome = await alone(program);
    expect(outcome).toEqual({ kind: 'same' });
  });
});
