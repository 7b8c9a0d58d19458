/** Writes docs/ops.md from the op records. With --check it only compares, and fails where the file is out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import '../src/index.js';
import { allOps, type RegisteredOp } from '../src/ops/opdef.js';
import { checkedOrder, orders, partialChecks } from '../spec/ops/support/orders.js';

const file = new URL('../docs/ops.md', import.meta.url);

const gradient = ({ grad }: RegisteredOp) => (grad === 'none' ? 'none' : grad === 'stop' ? 'stops it' : 'yes');
const meaning = ({ lower }: RegisteredOp) =>
  typeof lower === 'function' ? 'expression' : `routine \`${lower.routine}\``;
const row = (op: RegisteredOp) => {
  const [args, attrs = ''] = op.signature.split('|').map((part) => part.trim());
  const cell = (text: string) => (text === '' ? '' : `\`${text}\``);
  return `| ${op.name} | ${cell(args!)} | ${cell(attrs)} | ${gradient(op)} | ${matrix.get(op)} | ${meaning(op)} | ${op.effect} | ${op.batch === 'loop' ? 'loop' : 'at once'} |`;
};

const ops = allOps();
/** What finite differences say about each op with a rule, order by order. */
const matrix = new Map<RegisteredOp, string>();
for (const op of ops) {
  const order = typeof op.grad === 'function' ? await checkedOrder(op) : null;
  matrix.set(op, order === null ? '' : Array.from({ length: orders }, (_, i) => (i < order ? '✓' : '✗')).join(' '));
}
const differentiable = ops.filter((op) => typeof op.grad === 'function');
const checked = ops.filter((op) => matrix.get(op) !== '');
const complete = checked.filter((op) => !matrix.get(op)!.includes('✗'));
const text = `# Ops

Generated from the op records by \`npm run docs:ops\`. ${ops.length} ops; ${differentiable.length} have a gradient rule. Signatures are TensorFlow's.

The column _orders_ is checked, not claimed: for the derivatives of order 1, 2 and 3, a ✓ stands where the gradient graph agrees with finite differences in
double precision on all samples of the op (of ops on variables, lists and functions, in a program of them), derivatives that vanish included.
${complete.length} of the ${checked.length} ops that have derivatives to check have all three. (The others with a rule have only one that says null, or throws.)

Left out: ${Object.entries(partialChecks)
  .map(([name, { without }]) => `of ${name} ${without}`)
  .join('; ')}.

The column _rows_ says what \`vectorizedMap\` makes of the op: one operation, or a few, on all rows at once, or a loop over the rows. An op that works on all
rows may still need the loop where an axis, a shape or the like differs from row to row.

| op | arguments | attributes | gradient | orders | meaning | effect | rows |
| --- | --- | --- | --- | --- | --- | --- | --- |
${ops.map(row).join('\n')}
`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/ops.md is out of date: run npm run docs:ops');
  process.exitCode = 1;
}
