/**
 * Digits without tapeless: the command line compiles the network of models/digits.ts, its gradients and its update step ahead of time; what
 * it writes is trained here to at least 95 % on images it has not seen, and its weights move to a second instance.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { readTable } from './support/tables.js';

const epochs = 40;
const batchSize = 32;
const heldOut = 360;

/** What the declarations say that are written beside the loader. */
interface Model {
  step(feeds: { x: Float32Array; label: BigInt64Array }): { loss: Float32Array };
  predict(feeds: { x: Float32Array }): { digit: BigInt64Array };
  readonly variables: {
    readonly names: readonly string[];
    get(name: string): Float32Array;
    set(name: string, value: Float32Array): void;
  };
}

const root = fileURLToPath(new URL('..', import.meta.url));
const out = new URL('./out/', import.meta.url);
const build = ['build', 'examples/models/digits.ts', '--entry', 'step=loss,train', '--entry', 'predict=digit'];
const shapes = ['--feed', `x=${batchSize},64`, '--feed', `label=${batchSize}`, '--feed', `x@predict=${heldOut},64`];
const command = ['--import', './scripts/register-ts-node.js', 'src/cli/main.ts', ...build, ...shapes];
console.log(execFileSync(process.execPath, [...command, '-o', 'examples/out'], { cwd: root, encoding: 'utf8' }));
const shipped = ['digits.wasm', 'digits.js'].map((name) => gzipSync(readFileSync(new URL(name, out))).length);
const bytes = shipped.reduce((sum, size) => sum + size);
if (bytes >= 30_000) throw new Error(`Module and loader should take less than 30,000 bytes gzipped, not ${bytes}.`);
const { load } = (await import(new URL('digits.js', out).href)) as { load: () => Promise<Model> };
await train(await load(), await load());

async function train(model: Model, copy: Model): Promise<void> {
  const { rows } = readTable('digits.csv.gz', { header: false });
  const order = shuffled(rows.length, 7);
  const [test, train] = [order.slice(0, heldOut), order.slice(heldOut)];
  const images = (some: readonly number[]) =>
    Float32Array.from(some.flatMap((i) => rows[i]!.slice(0, 64).map((pixel) => pixel / 16)));
  const labels = (some: readonly number[]) => BigInt64Array.from(some, (i) => BigInt(rows[i]![64]!));
  const unseen = images(test);
  const accuracyOf = ({ predict }: Model): number => {
    const { digit } = predict({ x: unseen });
    const hits = test.filter((i, row) => Number(digit[row]) === rows[i]![64]);
    return hits.length / test.length;
  };
  const began = performance.now();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const some = shuffled(train.length, epoch).map((i) => train[i]!);
    for (let start = 0; start + batchSize <= train.length; start += batchSize) {
      const batch = some.slice(start, start + batchSize);
      model.step({ x: images(batch), label: labels(batch) });
    }
  }
  console.log(`${epochs} epochs in ${Math.round(performance.now() - began)} ms`);
  for (const name of model.variables.names) copy.variables.set(name, model.variables.get(name));
  const [accuracy, copied] = [accuracyOf(model), accuracyOf(copy)];
  console.log(`Held-out accuracy ${(100 * accuracy).toFixed(2)} %, of the copy ${(100 * copied).toFixed(2)} %`);
  if (accuracy < 0.95 || copied !== accuracy) throw new Error('Both should have reached the same 95 % or more.');
}

/** The numbers below n in an order that depends on the seed alone. */
function shuffled(n: number, seed: number): number[] {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
