/** Writes the count of TensorFlow's tests that hold into docs/coming-from-tensorflow.md. With --check it only compares, and fails where the file is out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { tallies, type SuiteTally } from '../spec/tensorflow-tests/support/tally.js';

const file = new URL('../docs/coming-from-tensorflow.md', import.meta.url);
const [begin, end] = ['<!-- TensorFlow tests: begin -->', '<!-- TensorFlow tests: end -->'];

const sum = (suites: readonly SuiteTally[], count: (suite: SuiteTally) => number): number =>
  suites.reduce((total, suite) => total + count(suite), 0);
const applicable = (suites: readonly SuiteTally[]) => sum(suites, (suite) => suite.applicable.length);
const missing = (suites: readonly SuiteTally[]) => sum(suites, (suite) => suite.missing.size);

/** Tests by reason, as a list. */
function reasons(pick: (suite: SuiteTally) => ReadonlyMap<string, string>, named: boolean): string {
  const byReason = new Map<string, string[]>();
  for (const suite of tallies) {
    for (const [test, reason] of pick(suite)) {
      byReason.set(reason, [...(byReason.get(reason) ?? []), `${suite.name}.${test}`]);
    }
  }
  return [...byReason]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([reason, tests]) => {
      const names = named && tests.length <= 8 ? `: ${tests.map((test) => `\`${test}\``).join(', ')}` : '';
      return `- ${reason} (${tests.length})${names}`;
    })
    .join('\n');
}

const files = [...new Set(tallies.map((suite) => suite.file))];
const rows = files.map((name) => {
  const suites = tallies.filter((suite) => suite.file === name);
  const count = applicable(suites);
  return `| ${name} | ${count} | ${count - missing(suites)} | ${sum(suites, (suite) => suite.notApplicable.size)} |`;
});
const [total, absent] = [applicable(tallies), missing(tallies)];
const text = `
Of ${total} tests that apply, ${total - absent} hold.

| file below tensorflow/python | apply | hold | do not apply |
| --- | --- | --- | --- |
${rows.join('\n')}

Those that apply and do not hold:

${reasons((suite) => suite.missing, true)}

Those that do not apply:

${reasons((suite) => suite.notApplicable, false)}
`;

const before = readFileSync(file, 'utf8');
const [from, to] = [before.indexOf(begin), before.indexOf(end)];
if (from < 0 || to < from) throw new Error(`docs/coming-from-tensorflow.md has no '${begin}' … '${end}'`);
const section = await format(text, { parser: 'markdown', printWidth: 160, proseWrap: 'preserve' });
const after = `${before.slice(0, from + begin.length)}\n\n${section.trim()}\n\n${before.slice(to)}`;
if (!process.argv.includes('--check')) writeFileSync(file, after);
else if (before !== after) {
  console.error('docs/coming-from-tensorflow.md is out of date: run npm run docs:tensorflow-tests');
  process.exitCode = 1;
}
