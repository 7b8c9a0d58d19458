/** The distributed example runs, and its checks of itself hold. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

test('examples/distributed: losses of the local run, and fewer bytes between tasks where gradients are colocated', async () => {
  const command = ['--import', './scripts/register-ts-node.js', 'examples/distributed/train.ts'];
  const { stdout } = await run(process.execPath, command, { cwd: root, timeout: 180_000 });
  const rows = [...stdout.matchAll(/^(\S.*?) {2,}(\d+) +(\d+) +(\d+) +(\d+)$/gm)].map((row) => row.slice(1));
  expect(rows.map(([name]) => name)).toEqual([
    'in-graph, addN, not colocated',
    'in-graph, addN, colocated',
    'in-graph, experimentalTree, not colocated',
    'in-graph, experimentalTree, colocated',
    'between-graph, colocated',
  ]);
  // Colocated: the parameters (19,240 bytes) go to each worker, their gradients come back, and so do the losses; the start goes out.
  expect(rows[1]!.slice(2).map(Number)).toEqual([2 * 19_240 + 8, 2 * 19_240 + 8, 4 * 19_240 + 16]);
  // Otherwise the server computes them, from what the workers computed on the way: images, hidden units, and the rows of the loss.
  expect(Number(rows[0]![3])).toBe(2 * 256 * 4 * (64 + 64 + 10) + 8);
}, 200_000);
