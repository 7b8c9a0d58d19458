/**
 * How building, differentiating, compiling and running take longer as a graph grows: a chain of sin and add on ten numbers, its
 * sum and gradient (not of tanh: jax-js then takes two minutes for a hundred operations). Each measurement is a process of its own, so that its memory is its own too.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { median } from './measure.js';
import { pythonWith } from './process-peer.js';
import { digits, duration, table } from './report.js';

/** Seconds, and bytes of the process's peak above what it had before; null for what a library does not do apart from the next. */
export interface Growth {
  readonly build: number | null;
  readonly gradients: number | null;
  readonly first: number;
  readonly steady: number;
  readonly memory: number;
  /** The gradient's first element, to be compared. */
  readonly check: number;
}

const lengths = [100, 1_000, 10_000, 100_000];
/** Long ones take long, and vary less. */
const roundsOf = (length: number): number => (length > 1_000 ? 1 : 3);
const timeout = 60_000;

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

const scripts = ['tapeless', 'tfjs', 'jax-js', 'ort-web', 'ort-node'];
const pythons: Readonly<Record<string, string>> = { TensorFlow: 'tensorflow', JAX: 'jax', PyTorch: 'torch' };

function once(name: string, length: number): Growth | string {
  const module = pythons[name];
  const [command, args] = module
    ? [pythonWith(module)!, [path('./python/growth.py'), module, String(length)]]
    : [
        process.execPath,
        ['--import', path('../scripts/register-ts-node.js'), path('./growth-child.ts'), name, String(length)],
      ];
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout, maxBuffer: 1e8 });
  if (error) return `more than ${timeout / 1000} s`;
  const line = stdout.trim().split('\n').at(-1) ?? '';
  if (line.startsWith('{')) return JSON.parse(line) as Growth;
  return /(\w*Error.*)/.exec(stderr)?.[1]?.slice(0, 100) ?? 'ended without an answer';
}

function middle(all: readonly Growth[]): Growth {
  const of = (pick: (one: Growth) => number | null) => {
    const values = all.map(pick).filter((value) => value !== null);
    return values.length > 0 ? median(values) : null;
  };
  return {
    build: of((one) => one.build),
    gradients: of((one) => one.gradients),
    first: of((one) => one.first)!,
    steady: of((one) => one.steady)!,
    memory: of((one) => one.memory)!,
    check: all[0]!.check,
  };
}

/** The peers take turns, round by round. */
function measured(names: readonly string[], length: number): Map<string, Growth | string> {
  const taken = new Map(names.map((name) => [name, [] as Growth[]]));
  const failed = new Map<string, string>();
  for (let round = 0; round < roundsOf(length); round++) {
    for (const name of names.filter((name) => !failed.has(name))) {
      console.error(`a chain of ${length}: ${name}`);
      const one = once(name, length);
      if (typeof one === 'string') failed.set(name, one);
      else taken.get(name)!.push(one);
    }
  }
  return new Map(names.map((name) => [name, failed.get(name) ?? middle(taken.get(name)!)]));
}

/** On these numbers the gradient neither vanishes nor grows with the length. */
const agree = (a: Growth, b: Growth): boolean => Math.abs(a.check - b.check) <= 1e-3 * Math.abs(b.check);

export function growth({ names: selected }: { readonly names: readonly string[] }): unknown {
  const present = (name: string) => scripts.includes(name) || (name in pythons && pythonWith(pythons[name]!) !== null);
  let names = selected.filter(present);
  const rows: string[][] = [];
  const all: unknown[] = [];
  for (const length of lengths) {
    const results = measured(names, length);
    const own = results.get('tapeless') as Growth;
    for (const [name, result] of results) {
      const wrong = typeof result === 'object' && !agree(result, own) ? 'wrong result' : result;
      rows.push([String(length), name, ...cells(wrong, length)]);
      all.push({ length, name, result: wrong });
    }
    names = names.filter((name) => typeof results.get(name) !== 'string');
  }
  const head = [
    'operations',
    '',
    'build',
    'differentiate',
    'first run',
    'of these, an operation',
    'steady run',
    'memory',
  ];
  console.log(`\n### As the graph grows\n\n${table(head, rows)}`);
  return all;
}

function cells(result: Growth | string, length: number): string[] {
  if (typeof result === 'string') return [result, '', '', '', '', ''];
  const { build, gradients, first, steady, memory } = result;
  const total = (build ?? 0) + (gradients ?? 0) + first;
  const shown = (seconds: number | null) => (seconds === null ? '' : duration(seconds));
  const each = `${digits((total / length) * 1e6)} µs`;
  return [shown(build), shown(gradients), shown(first), each, shown(steady), `${Math.round(memory / 1e6)} MB`];
}
