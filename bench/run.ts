/**
 * Measures tapeless beside other libraries, in paired rounds, after checking that all give the same.
 *
 * Run: npm run bench -- [workload or section …] [--runs 15] [--peers tfjs,JAX] [--json out.json] [--node-options=--cpu-prof] [--list]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { growth } from './growth.js';
import { machine } from './machine.js';
import { measure, type Measurement } from './measure.js';
import { peers, type ProcessPeer } from './process-peer.js';
import { sections, summary } from './report.js';
import { isUnable } from './types.js';
import { workloads } from './workloads/index.js';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '15' },
    peers: { type: 'string' },
    json: { type: 'string' },
    'node-options': { type: 'string', default: '' },
    list: { type: 'boolean', default: false },
  },
});

/** What is no workload of the shared shape, and has a table of its own. */
const extras = { machine, growth };
type Extra = keyof typeof extras;

const asked = (id: string, section = ''): boolean =>
  positionals.length === 0 || positionals.some((word) => word === id || word === section);

function install(): void {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  if (existsSync(`${folder}node_modules`)) return;
  console.error('Installing what tapeless is compared with into bench/node_modules …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
    // Its CPU library is in the package; what its script would download is for GPUs.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (status !== 0) throw new Error('npm ci in bench/ failed.');
}

function peerNames(): string[] {
  const all = peers.map(({ name }) => name);
  if (options.peers === undefined) return peers.filter(({ byDefault }) => byDefault).map(({ name }) => name);
  const wanted = options.peers.split(',').filter((name) => name !== '');
  const unknown = wanted.filter((name) => !all.includes(name));
  if (unknown.length > 0) throw new Error(`No peer is called ${unknown.join(', ')}; there are ${all.join(', ')}.`);
  return all.filter((name) => name === 'tapeless' || wanted.includes(name));
}

async function open(names: readonly string[]): Promise<ProcessPeer[]> {
  const opened: ProcessPeer[] = [];
  for (const { name, open } of peers.filter(({ name }) => names.includes(name))) {
    const peer = await open(options['node-options'].split(' ').filter((word) => word !== ''));
    if (isUnable(peer)) console.log(`${name}: ${peer.unable}`);
    else opened.push(peer);
  }
  return opened;
}

async function compared(names: readonly string[], rounds: number): Promise<readonly Measurement[]> {
  const wanted = workloads.filter(({ id, section }) => asked(id, section));
  if (wanted.length === 0) return [];
  const opened = await open(names);
  const versions = opened.slice(1).map(({ name, version }) => `${name} ${version}`);
  console.log(`Beside it: ${versions.join(', ') || 'nothing'}.\n`);
  const measurements: Measurement[] = [];
  for (const workload of wanted) {
    console.error(workload.title);
    measurements.push(await measure(workload, opened, rounds));
  }
  console.log(
    sections(
      measurements,
      opened.map(({ name }) => name),
    ),
  );
  console.log(`\n${summary(measurements, opened)}`);
  for (const peer of opened) peer.close();
  return measurements;
}

async function main(): Promise<void> {
  const extraNames = Object.keys(extras) as Extra[];
  const ids = [...workloads.flatMap(({ id, section }) => [id, section]), ...extraNames];
  const unknown = positionals.filter((word) => !ids.includes(word));
  if (options.list || unknown.length > 0) {
    console.log([...workloads.map(({ id, title }) => `${id}: ${title}`), ...extraNames].join('\n'));
    if (unknown.length > 0) throw new Error(`There is no workload called ${unknown.join(', ')}.`);
    return;
  }
  const rounds = Number(options.runs);
  if (!(rounds >= 1)) throw new Error('--runs takes a number of rounds.');
  install();
  const names = peerNames();
  const { model } = cpus()[0] ?? { model: 'an unknown CPU' };
  console.log(`Node ${process.version}, ${availableParallelism()} threads of ${model}, medians of ${rounds} rounds.`);
  const measurements = await compared(names, rounds);
  const tables: Partial<Record<Extra, unknown>> = {};
  for (const name of extraNames.filter((name) => asked(name))) tables[name] = extras[name]({ rounds, names });
  if (options.json === undefined) return;
  const steps = measurements.map(({ workload: { id, title, section }, timings }) => ({
    id,
    title,
    section,
    timings: Object.fromEntries(timings),
  }));
  writeFileSync(
    options.json,
    `${JSON.stringify({ node: process.version, cpu: model, rounds, steps, ...tables }, null, 2)}\n`,
  );
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  },
);
