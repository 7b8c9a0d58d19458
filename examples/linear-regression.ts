/**
 * Batch gradient descent as the TensorFlow 1.x books teach it, on the diabetes data (442 patients, 10 measurements):
 * a static graph, `gradients(mse, [theta])`, and `assign(theta, theta - rate * gradient)` run in a loop.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import cliProgress from 'cli-progress';
import { toSvg } from '../src/cli/svg.js';
import * as tl from '../src/index.js';
import { checkGradients } from '../src/testing/index.js';
import { readTable, solveLeastSquares, standardize } from './support/tables.js';

const steps = 5000;
const learningRate = 0.2;
const outFolder = fileURLToPath(new URL('./out/', import.meta.url));

const { rows, columns } = readTable('diabetes.csv');
const target = columns.indexOf('progression');
const features = standardize(rows.map((row) => row.filter((_, i) => i !== target)));
const design = features.map((row) => [1, ...row]);
const progression = rows.map((row) => [row[target]!]);

const g = new tl.Graph();
const { theta, mse, gradient, trainingOp } = g.asDefault(() => {
  const X = tl.constant(design, { dtype: 'float64', name: 'X' });
  const y = tl.constant(progression, { dtype: 'float64', name: 'y' });
  const initial = tl.random.uniform([design[0]!.length, 1], { minval: -1, maxval: 1, dtype: 'float64', seed: 42 });
  const theta = tl.variable(initial, { name: 'theta' });
  const predictions = tl.matmul(X, theta, { name: 'predictions' });
  const error = predictions.subtract(y, { name: 'error' });
  const mse = tl.reduceMean(tl.square(error), { name: 'mse' });
  const gradient = tl.gradients(mse, [theta])[0] as tl.Tensor<'float64'>;
  const trainingOp = theta.assign(tl.subtract(theta, tl.multiply(learningRate, gradient)));
  return { theta, mse, gradient, trainingOp };
});
const init = g.asDefault(() => tl.globalVariablesInitializer());

const session = new tl.Session({ graph: g });
await session.run(init);

console.log(
  `Linear regression on ${rows.length} patients, ${design[0]!.length} coefficients, ${steps} steps of gradient descent.\n`,
);
const bar = new cliProgress.SingleBar(
  { format: '{bar} step {value}/{total}  mse {mse}', noTTYOutput: true, notTTYSchedule: 1000 },
  cliProgress.Presets.shades_classic,
);
bar.start(steps, 0, { mse: '…' });
const curve: [number, number][] = [];
for (let step = 0; step < steps; step++) {
  if (step % 500 === 0) {
    const loss = (await session.run(mse)).item() as number;
    curve.push([step, loss]);
    bar.update(step, { mse: loss.toFixed(3) });
    await new Promise(setImmediate); // lets the progress line be drawn
  }
  await session.run(trainingOp);
}
const finalLoss = (await session.run(mse)).item() as number;
curve.push([steps, finalLoss]);
bar.update(steps, { mse: finalLoss.toFixed(3) });
bar.stop();

console.log('\n  step        mse');
for (const [step, loss] of curve) console.log(`${String(step).padStart(6)} ${loss.toFixed(4).padStart(12)}`);

const found = ((await session.run(theta)).toArray() as number[][]).map(([value]) => value!);
const exact = solveLeastSquares(
  design,
  progression.map(([value]) => value!),
);
const gap = Math.max(...found.map((value, i) => Math.abs(value - exact[i]!)));
console.log('\ncoefficient      gradient descent   normal equation');
['(bias)', ...columns.filter((_, i) => i !== target)].forEach((name, i) => {
  console.log(`${name.padEnd(14)} ${found[i]!.toFixed(5).padStart(17)} ${exact[i]!.toFixed(5).padStart(17)}`);
});
console.log(`largest difference ${gap.toExponential(2)}`);
if (!(gap < 1e-3)) throw new Error(`Gradient descent ended ${gap} away from the normal equation's solution.`);

console.log('\nThe gradient is a graph: these nodes were appended by gradients(mse, [theta]).\n');
console.log(tl.printGraph(g, { nodes: g.operations().filter((op) => op.name.startsWith('gradients/')) }));

mkdirSync(outFolder, { recursive: true });
const svgFile = `${outFolder}linear-regression.svg`;
writeFileSync(svgFile, await toSvg(g));
console.log(`\nDrawn in ${svgFile}`);

const { maxError } = await checkGradients(mse, [theta], { session });
console.log(`\nIt agrees with finite differences: beyond rounding, the largest error is ${maxError}.`);
console.log(
  `The gradient at the end: ${((await session.run(gradient)).toArray() as number[][]).map(([v]) => v!.toExponential(1)).join(' ')}`,
);
await session.close();
