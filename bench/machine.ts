/**
 * What tapeless reaches of what this machine can do: products beside a loop of nothing but multiplications and additions in
 * WebAssembly, elementwise operations and sums beside `memory.copy`, in the same rounds. All of it stays in the session's memory.
 */
import { availableParallelism } from 'node:os';
import * as tl from '../src/index.js';
import { ModuleBuilder } from '../src/session/backends/wasm/assembler/module.js';
import type { Code, Local } from '../src/session/backends/wasm/assembler/code.js';
import { engine } from '../src/session/backends/wasm/engine.js';
import { relaxedSimd } from '../src/session/backends/wasm/matmul/relaxed.js';
import { arrayOf } from './peers/tapeless-graph.js';
import { numbers } from './data.js';
import { median } from './measure.js';
import { digits, duration, table } from './report.js';

interface Item {
  readonly title: string;
  /** Billions of which a second: of operations, or of bytes read and written. */
  readonly unit: 'GF/s' | 'GB/s';
  readonly amount: number;
  /** The title of what it is compared with, and how many of those it may use at once. */
  readonly of?: string;
  readonly threads?: number;
  run(): unknown;
}

const sizes = [1_000_000, 16_000_000];
const megabytes = (n: number): string => `${(4 * n) / 1e6} MB`;
const accumulators = 12;
const iterations = 100_000;
const peakTitle = relaxedSimd() ? 'relaxed multiply-add, a thread' : 'multiply, then add, a thread';
const threadCount = (threads: number): string => `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const copyTitle = (n: number): string => `memory.copy of ${megabytes(n)}`;

type Run = (argument: number) => void;

/** Exports `peak(iterations)`, and three that go over `bytes` from the start of the memory: `copy`, `scale` and `add`. */
function bareLoops(): Readonly<Record<'peak' | 'copy' | 'scale' | 'add', Run>> {
  const module = new ModuleBuilder();
  const pages = Math.ceil((8 * Math.max(...sizes)) / 65536) + 1;
  module.importMemory('env', 'memory', { initial: pages });
  const type = { params: ['i32'], results: [] } as const;
  module.export(module.define('peak', type, arithmetic));
  const copy = module.define('copy', type, (code) => {
    const bytes = code.params[0]!;
    code.get(bytes).i32(0).get(bytes).memoryCopy();
  });
  module.export(copy);
  module.export(module.define('scale', type, scaling));
  module.export(module.define('add', type, adding));
  const { Memory, Module, Instance } = engine!;
  const env = { memory: new Memory({ initial: pages }) };
  return new Instance(new Module(module.finish()), { env }).exports as ReturnType<typeof bareLoops>;
}

function arithmetic(code: Code): void {
  const count = code.params[0]!;
  const sums = Array.from({ length: accumulators }, () => code.local('v128'));
  const factor = code.local('v128');
  for (const local of [factor, ...sums]) code.f32(0.999).op('f32x4.splat').set(local);
  code.loop((again) => {
    for (const sum of sums) {
      if (relaxedSimd()) code.get(sum).get(factor).get(factor).op('f32x4.relaxed_madd').set(sum);
      else code.get(sum).get(factor).op('f32x4.mul').get(factor).op('f32x4.add').set(sum);
    }
    code.get(count).i32(1).op('i32.sub').tee(count).brIf(again);
  });
  storeTotal(code, sums);
}

/** What nobody reads an engine need not compute. */
function storeTotal(code: Code, sums: readonly Local[]): void {
  code.i32(0).get(sums[0]!);
  for (const sum of sums.slice(1)) code.get(sum).op('f32x4.add');
  code.memory('v128.store');
}

/** From the last 64 bytes to the first: `body` gets the offset of each vector from the address on which it works. */
function overBytes(code: Code, body: (address: Local, offset: number) => void): void {
  const address = code.params[0]!;
  code.loop((again) => {
    code.get(address).i32(64).op('i32.sub').set(address);
    for (const offset of [0, 16, 32, 48]) body(address, offset);
    code.get(address).brIf(again);
  });
}

function scaling(code: Code): void {
  const factor = code.local('v128');
  code.f32(0.5).op('f32x4.splat').set(factor);
  overBytes(code, (address, offset) => {
    code.get(address).get(address).memory('v128.load', offset);
    code.get(factor).op('f32x4.mul').get(factor).op('f32x4.add').memory('v128.store', offset);
  });
}

function adding(code: Code): void {
  const sums = [0, 1, 2, 3].map(() => code.local('v128'));
  overBytes(code, (address, offset) => {
    const sum = sums[offset / 16]!;
    code.get(sum).get(address).memory('v128.load', offset).op('f32x4.add').set(sum);
  });
  storeTotal(code, sums);
}

/** Calls of `build`'s operation or tensor, in a graph and session of its own. */
function compiled(build: () => tl.Operation | tl.Tensor, threads = 1): () => unknown {
  const graph = new tl.Graph();
  const { fetch, init } = graph.asDefault(() => ({ fetch: build(), init: tl.globalVariablesInitializer() }));
  const session = new tl.Session({ graph, threads });
  session.runSync(init);
  const fetches: tl.Fetches = [fetch];
  const { sync } = session.makeCallable(fetches, {});
  return () => sync();
}

const variable = (shape: readonly number[], seed: number) =>
  tl.variable(tl.constant(arrayOf(numbers(shape, seed))), { name: `v${seed}` });

function bandwidth(n: number, counts: readonly number[], loops: ReturnType<typeof bareLoops>): Item[] {
  const [both, once] = [
    { unit: 'GB/s', amount: 8 * n },
    { unit: 'GB/s', amount: 4 * n },
  ] as const;
  const of = copyTitle(n);
  const scaled = () => {
    const v = variable([n], 1);
    return v.assign(v.value().multiply(0.5).add(0.1)).op;
  };
  const sum = () => tl.reduceSum(variable([n], 1).value());
  return [
    { title: of, ...both, run: () => loops.copy(4 * n) },
    { title: `v ← 0.5 v + 0.1 on ${megabytes(n)}`, ...both, of, run: compiled(scaled) },
    { title: 'the same loop by hand', ...both, of, run: () => loops.scale(4 * n) },
    ...counts.map((threads) => ({
      title: `sum of ${megabytes(n)}, ${threadCount(threads)}`,
      ...once,
      of,
      run: compiled(sum, threads),
    })),
    { title: 'the same loop by hand', ...once, of, run: () => loops.add(4 * n) },
  ];
}

function items(): Item[] {
  const loops = bareLoops();
  const product = (n: number, threads: number): Item => ({
    title: `MatMul ${n}³, ${threadCount(threads)}`,
    unit: 'GF/s',
    amount: 2 * n ** 3,
    of: peakTitle,
    threads,
    run: compiled(() => {
      const [a, b, c] = [variable([n, n], 1), variable([n, n], 2), variable([n, n], 3)];
      return c.assign(tl.matmul(a, b)).op;
    }, threads),
  });
  const counts = [...new Set([1, availableParallelism()])];
  return [
    { title: peakTitle, unit: 'GF/s', amount: 8 * accumulators * iterations, run: () => loops.peak(iterations) },
    ...[512, 1024].flatMap((n) => counts.map((threads) => product(n, threads))),
    ...sizes.flatMap((n) => bandwidth(n, counts, loops)),
  ];
}

function seconds(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return (performance.now() - start) / 1000 / calls;
}

export function machine({ rounds }: { readonly rounds: number }): unknown {
  const all = items();
  const calls = all.map(({ run }) => {
    seconds(run, 20);
    return Math.max(1, Math.round(0.02 / seconds(run, 3)));
  });
  const times = all.map((): number[] => []);
  for (let round = 0; round < rounds; round++) all.forEach(({ run }, i) => times[i]!.push(seconds(run, calls[i]!)));
  const measured = all.map((item, i) => ({ ...item, seconds: median(times[i]!) }));
  const rows = measured.map(({ title, unit, amount, of, threads = 1, seconds }) => {
    const rate = amount / seconds / 1e9;
    const limit = measured.find((other) => other.title === of);
    const share = limit ? `${Math.round((100 * rate) / (threads * (limit.amount / limit.seconds / 1e9)))} %` : '';
    return [title, duration(seconds), `${digits(rate)} ${unit}`, share, of ?? ''];
  });
  console.log(`\n### Against the machine\n\n${table(['', 'time', 'rate', 'share', 'of'], rows)}`);
  return measured.map(({ title, unit, amount, seconds }) => ({ title, unit, amount, seconds }));
}
