/**
 * Data-parallel training on a TensorFlow cluster of one parameter server and two workers, started here: in one graph for all, and with a
 * graph and a session for each worker. The losses are those of a run in this process, but for rounding. A table says what the tasks send
 * each other in a step, with and without colocateGradientsWithOps.
 *
 * It needs a Python with TensorFlow: .venv/bin/python, which `npm run test:tensorflow` makes, or what TAPELESS_PYTHON names.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tl from '../../src/index.js';
import { Cluster } from './cluster.js';
import { betweenGraph, inGraph, shards, single, startOf, workers, type Training } from './model.js';
import { isComplete, trafficIn, type Traffic } from './traffic.js';

const steps = 60;
const rounding = 1e-5;

const python = process.env['TAPELESS_PYTHON'] ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
if (!existsSync(python))
  throw new Error(`There is no ${python}: run \`npm run test:tensorflow\` once, or set TAPELESS_PYTHON.`);

interface Outcome {
  readonly losses: readonly number[];
  readonly traffic: Traffic | null;
}

/** Traces the runs of a step until there is one of which the traces say all. */
class Tracer {
  #traces: tl.RunMetadata[] = [];
  traffic: Traffic | null = null;

  options(): tl.RunOptions {
    if (this.traffic) return {};
    const trace = new tl.RunMetadata();
    this.#traces.push(trace);
    return { trace, outputPartitionGraphs: true };
  }

  endStep(): void {
    if (!this.traffic && this.#traces.every(isComplete)) this.traffic = trafficIn(...this.#traces);
    this.#traces = [];
  }
}

/** Trains one graph. */
async function train({ graph, init, loss, step }: Training, target: string): Promise<Outcome> {
  const session = new tl.Session({ graph, target });
  await session.run(init);
  const losses: number[] = [];
  const tracer = target === 'local' ? null : new Tracer();
  for (let i = 0; i < steps; i++) {
    const [before] = await session.run([loss, step], { start: startOf(i) }, tracer?.options());
    tracer?.endStep();
    losses.push(before.item() as number);
  }
  await session.close();
  return { losses, traffic: tracer?.traffic ?? null };
}

/** A graph and a session for each worker, which is the master of its own; the first one also applies what all have pushed. */
async function trainReplicas(cluster: Cluster): Promise<Outcome> {
  const replicas = Array.from({ length: workers }, (_, worker) => {
    const replica = betweenGraph(worker);
    return { ...replica, session: new tl.Session({ graph: replica.graph, target: cluster.target('worker', worker) }) };
  });
  const chief = replicas[0]!;
  await chief.session.run(chief.init);
  const losses: number[] = [];
  const tracer = new Tracer();
  for (let i = 0; i < steps; i++) {
    const pushed = await Promise.all(
      replicas.map(({ session, loss, push }) => session.run([loss, push], { start: startOf(i) }, tracer.options())),
    );
    await chief.session.run(chief.apply, {}, tracer.options());
    tracer.endStep();
    losses.push(pushed.reduce((sum, [loss]) => sum + (loss.item() as number), 0) / workers);
  }
  await Promise.all(replicas.map(({ session }) => session.close()));
  return { losses, traffic: tracer.traffic };
}

function check(name: string, losses: readonly number[], expected: readonly number[]): void {
  const gap = Math.max(...losses.map((loss, i) => Math.abs(loss - expected[i]!) / Math.max(1, expected[i]!)));
  const at = [0, 10, 20, 40, steps - 1].map((i) => losses[i]!.toFixed(5).padStart(9)).join('');
  console.log(`${name.padEnd(50)}${at}   ${gap.toExponential(1)}`);
  if (!(gap <= rounding)) throw new Error(`${name}: the losses are up to ${gap} away from those of the local run.`);
}

function known(traffic: Traffic | null): Traffic {
  if (traffic) return traffic;
  throw new Error('No step left a trace of all that was sent.');
}

console.log(`${shards.length} shards of ${shards[0]!.size} digits, ${steps} steps.`);
const cluster = await Cluster.start(python, { ps: 1, worker: workers });
try {
  const target = cluster.target('ps');
  const expected = (await train(single(), 'local')).losses;
  console.log(`\nlosses at steps 0, 10, 20, 40, ${steps - 1}, and the largest distance from the local run\n`);
  check('here, one batch', expected, expected);
  const table: (readonly [string, Traffic])[] = [];
  for (const aggregationMethod of ['addN', 'experimentalTree'] as const) {
    for (const colocateGradientsWithOps of [false, true]) {
      const name = `in-graph, ${aggregationMethod}, ${colocateGradientsWithOps ? 'colocated' : 'not colocated'}`;
      const build = () => inGraph({ colocateGradientsWithOps, aggregationMethod });
      check(`${name}, here`, (await train(build(), 'local')).losses, expected);
      // Each begins with the first values of its own.
      await tl.Session.reset(target);
      const { losses, traffic } = await train(build(), target);
      check(name, losses, expected);
      table.push([name, known(traffic)]);
    }
  }
  await tl.Session.reset(target);
  const replicas = await trainReplicas(cluster);
  check('between-graph, colocated', replicas.losses, expected);
  table.push(['between-graph, colocated', known(replicas.traffic)]);

  console.log('\nbetween tasks, in one step                          transfers   to workers   to the server     bytes');
  for (const [name, { transfers, toWorkers, toServer }] of table) {
    const columns = [transfers, toWorkers, toServer, toWorkers + toServer];
    console.log(`${name.padEnd(50)}${columns.map((n, i) => String(n).padStart([11, 13, 16, 10][i]!)).join('')}`);
  }
  console.log('\noperations on each task, in one step');
  for (const [name, { operations }] of table) {
    const counts = [...operations].sort().map(([task, count]) => `${task}: ${count}`);
    console.log(`${name.padEnd(50)}   ${counts.join('   ')}`);
  }
  const sum = ([, { toWorkers, toServer }]: readonly [string, Traffic]) => toWorkers + toServer;
  if (!(sum(table[1]!) < sum(table[0]!))) throw new Error('Colocated gradients should move fewer bytes.');
  if (!(expected.at(-1)! < expected[0]! / 10)) throw new Error('The network should have learnt.');
} finally {
  await cluster.stop();
}
