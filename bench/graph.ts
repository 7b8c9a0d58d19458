/**
 * Nodes per second of building, reading and differentiating graphs of 1e3 to 1e5 nodes: medians of several runs, and beside
 * them TensorFlow doing the same in the same run, where a Python that has it is named in TAPELESS_PYTHON.
 *
 * Run: npm run bench:graph
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tl from '../src/index.js';

interface Timing {
  /** Seconds. */
  readonly build: number;
  readonly differentiate: number;
}

const sizes = [1_000, 10_000, 100_000];
const runs = 7;

/** A chain of n unary operations, and then its gradient. */
function once(n: number): Timing & { readonly appended: number } {
  const g = new tl.Graph();
  const start = performance.now();
  const [x, y] = g.asDefault(() => {
    const x = tl.placeholder('float32', [10]);
    let y: tl.Tensor = x;
    for (let i = 0; i < n; i++) y = i % 2 === 0 ? tl.tanh(y) : y.multiply(x);
    return [x, y];
  });
  void g.state;
  const built = performance.now();
  const before = g.version;
  tl.gradients(y, x);
  const done = performance.now();
  return { build: (built - start) / 1000, differentiate: (done - built) / 1000, appended: g.version - before };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function tensorflow(n: number): Timing | null {
  const python = process.env['TAPELESS_PYTHON'];
  if (!python || n > 10_000) return null;
  const script = fileURLToPath(new URL('./graph_tensorflow.py', import.meta.url));
  const { stdout, status } = spawnSync(python, [script, String(n)], {
    encoding: 'utf8',
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
  });
  return status === 0 ? (JSON.parse(stdout.trim().split('\n').at(-1)!) as Timing) : null;
}

const rate = (count: number, seconds: number) => `${Math.round(count / seconds).toLocaleString('en')}/s`;

once(1_000); // warm-up
console.log(
  'forward nodes | build           | differentiate (backward nodes) | total     | TensorFlow build, differentiate | ratio',
);
for (const n of sizes) {
  const results = Array.from({ length: runs }, () => once(n));
  const build = median(results.map((r) => r.build));
  const differentiate = median(results.map((r) => r.differentiate));
  const { appended } = results[0]!;
  const peer = tensorflow(n);
  const theirs = peer ? `${rate(n, peer.build)}, ${rate(n, peer.differentiate)}` : '-';
  const ratio = peer ? `${(peer.build / build).toFixed(0)}x, ${(peer.differentiate / differentiate).toFixed(0)}x` : '-';
  console.log(
    [
      String(n).padStart(13),
      rate(n, build).padEnd(15),
      `${rate(appended, differentiate)} (${appended})`.padEnd(30),
      `${((build + differentiate) * 1000).toFixed(0)} ms`.padEnd(9),
      theirs.padEnd(31),
      ratio,
    ].join(' | '),
  );
}
