/** Writes docs/ops.md from the op records. With --check it only compares, and fails where the file is out of date. */
import { readFileSync, writeFileSync } from 'node:fs';
import '../src/index.js';
import { allOps, type RegisteredOp } from '../src/ops/opdef.js';

const file = new URL('../docs/ops.md', import.meta.url);

const gradient = ({ grad }: RegisteredOp) => (grad === 'none' ? 'none' : grad === 'stop' ? 'stops it' : 'yes');
const meaning = ({ lower }: RegisteredOp) =>
  typeof lower === 'function' ? 'expression' : `routine \`${lower.routine}\``;
const row = (op: RegisteredOp) => {
  const [args, attrs = ''] = op.signature.split('|').map((part) => part.trim());
  const cell = (text: string) => (text === '' ? '' : `\`${text}\``);
  return `| ${op.name} | ${cell(args!)} | ${cell(attrs)} | ${gradient(op)} | ${meaning(op)} | ${op.effect} |`;
};

const ops = allOps();
const text = `# Ops

Generated from the op records by \`npm run docs:ops\`. ${ops.length} ops; ${ops.filter((op) => typeof op.grad === 'function').length} have a gradient rule. Signatures are TensorFlow's.

| op | arguments | attributes | gradient | meaning | effect |
| --- | --- | --- | --- | --- | --- |
${ops.map(row).join('\n')}
`;

if (!process.argv.includes('--check')) writeFileSync(file, text);
else if (readFileSync(file, 'utf8') !== text) {
  console.error('docs/ops.md is out of date: run npm run docs:ops');
  process.exitCode = 1;
}
