/** Matrix products in WebAssembly: against sums in float64, any shape, any split by rows, nothing written beside the result. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { defineMatMul, type MatMulSpec } from '../../../src/session/backends/wasm/matmul/matmul.js';
import { relaxedSimd } from '../../../src/session/backends/wasm/matmul/relaxed.js';

interface Engine {
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, Kernel> };
}
type Kernel = (a: number, b: number, c: number, scratch: number, from: number, to: number) => void;
type Values = Float32Array | Float64Array | Int32Array;
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array };
const guard = 0xa5;

/** One memory for all: a new one costs milliseconds. */
const memory = new Memory({ initial: 160 });
const memoryBytes = memory.buffer.byteLength;

/** Scratch, c, a and b, guard bytes before and between them, and b's end at the end of the memory. */
class Bench {
  readonly spec: MatMulSpec;
  readonly a: Values;
  readonly b: Values;
  readonly c: Values;
  readonly #used: Uint8Array;
  readonly #kernel: Kernel;
  readonly #at: { readonly a: number; readonly b: number; readonly c: number; readonly scratch: number };
  readonly #writable: readonly (readonly [number, number])[];

  constructor(spec: MatMulSpec, fill: (index: number) => number) {
    this.spec = spec;
    const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
    const { fn, scratch } = defineMatMul(module, spec);
    const binary = module.export(fn, 'kernel').finish();
    expect(scratch % 16).toBe(0);
    const { m, k, n, dtype } = spec;
    const Type = arrays[dtype];
    const size = Type.BYTES_PER_ELEMENT;
    let next = memoryBytes + 16;
    const place = (bytes: number, align: number): number => {
      next = Math.floor((next - 16 - bytes) / align) * align;
      return next;
    };
    const b = place(k * n * size, size);
    const [a, c, scratchAt] = [place(m * k * size, size), place(m * n * size, size), place(scratch, 16)];
    this.#used = new Uint8Array(memory.buffer, place(16, 16)).fill(guard);
    this.#at = { a, b, c, scratch: scratchAt };
    this.#writable = [
      [scratchAt, scratch],
      [c, m * n * size],
    ];
    this.a = new Type(memory.buffer, a, m * k);
    this.b = new Type(memory.buffer, b, k * n);
    this.c = new Type(memory.buffer, c, m * n);
    this.a.forEach((_, i) => (this.a[i] = fill(i)));
    this.b.forEach((_, i) => (this.b[i] = fill(m * k + i)));
    this.#kernel = new Instance(new Module(binary), { env: { memory } }).exports['kernel']!;
  }

  /** c after rows up to each of `splits`, and the rest; scratch and c hold rubbish before. */
  run(splits: readonly number[] = []): Values {
    this.#erase();
    const before = this.#used.slice();
    const { a, b, c, scratch } = this.#at;
    [...splits, this.spec.m].forEach((to, i) => this.#kernel(a, b, c, scratch, splits[i - 1] ?? 0, to));
    const result = this.c.slice();
    this.#erase();
    if (Buffer.compare(this.#used, before) !== 0)
      throw new Error('bytes beside the result and the scratch were written');
    return result;
  }

  #erase(): void {
    for (const [at, bytes] of this.#writable) new Uint8Array(memory.buffer, at, bytes).fill(guard);
  }

  /** The largest error, as a multiple of what k roundings allow. */
  error(c: Values): number {
    const { m, k, n, dtype, transposeA, transposeB } = this.spec;
    const epsilon = { float32: 2 ** -24, float64: 2 ** -53, int32: 0 }[dtype];
    const rows = rowsOf(this.a, m, k, transposeA);
    const columns = rowsOf(this.b, n, k, !transposeB);
    let worst = 0;
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        const [sum, magnitude] = dtype === 'int32' ? wrapped(rows[i]!, columns[j]!) : dot(rows[i]!, columns[j]!);
        const error = Math.abs(c[i * n + j]! - sum);
        worst = Math.max(worst, error === 0 ? 0 : error / ((k + 1) * epsilon * magnitude));
      }
    return worst;
  }
}

const rowsOf = (values: Values, count: number, length: number, transposed: boolean): Float64Array[] =>
  Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length }, (_, p) => values[transposed ? p * count + i : i * length + p]!),
  );

function dot(x: Float64Array, y: Float64Array): readonly [sum: number, magnitude: number] {
  let [sum, magnitude] = [0, 0];
  for (let p = 0; p < x.length; p++) {
    const product = x[p]! * y[p]!;
    sum += product;
    magnitude += Math.abs(product);
  }
  return [sum, magnitude];
}

function wrapped(x: Float64Array, y: Float64Array): readonly [sum: number, magnitude: number] {
  let sum = 0;
  for (let p = 0; p < x.length; p++) sum = (sum + Math.imul(x[p]!, y[p]!)) | 0;
  return [sum, 1];
}

/** The same values in every run. */
function values(seed: number, dtype: MatMulSpec['dtype']): (index: number) => number {
  return (index) => {
    const hash = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 7, 0x85ebca6b);
    const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    const word = mixed ^ (mixed >>> 13);
    return dtype === 'int32' ? word : word / 2 ** 31;
  };
}

const transposes = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({ transposeA, transposeB })),
);
const dtypes = ['float32', 'float64', 'int32'] as const;
const kinds = [
  { dtype: 'float32', relaxed: false },
  { dtype: 'float32', relaxed: true },
  { dtype: 'float64', relaxed: false },
  { dtype: 'float64', relaxed: true },
  { dtype: 'int32', relaxed: false },
] as const;

function check(spec: MatMulSpec, splits: readonly number[], seed = 1): void {
  const label = JSON.stringify(spec);
  const bench = new Bench(spec, values(seed, spec.dtype));
  const whole = bench.run();
  const error = bench.error(whole);
  if (!(error <= 1)) throw new Error(`${label}: ${error} times the error allowed`);
  const bits = (array: Values): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  const oneByOne = Array.from({ length: Math.min(spec.m, 20) }, (_, i) => i);
  for (const parts of [splits, oneByOne])
    if (!bits(bench.run(parts)).equals(bits(whole)))
      throw new Error(`${label}: other bits when split at ${parts.join()}`);
}

test('relaxed multiply-add is there to be tested', () => {
  expect(relaxedSimd()).toBe(true);
});

type Shape = readonly [m: number, k: number, n: number];
const each = <T>(list: readonly number[], make: (x: number) => readonly T[]): T[] => list.flatMap(make);
const tiny = [1, 2, 3, 4, 7];

const shapes: readonly Shape[] = [
  ...each(tiny, (m) => each(tiny, (k) => tiny.map((n): Shape => [m, k, n]))),
  ...each([0, 3], (m) => each([0, 3], (k) => [0, 3].map((n): Shape => [m, k, n]))),
  ...each<Shape>([1, 2, 3, 4, 9, 17], (m) => [
    [m, 130, 35],
    [m, 6, 70],
    [m, 600, 3],
    [m, 11, 389],
  ]),
  ...each<Shape>([1, 2, 3, 6, 10, 12], (n) => [
    [40, 70, n],
    [70, 6, n],
    [11, 600, n],
  ]),
  ...each<Shape>([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21], (n) => [[13, 19, n]]),
  ...each<Shape>([1, 2, 3, 4, 5, 6, 7, 8, 9], (k) => [
    [37, k, 45],
    [50, k, 1],
    [1, k, 50],
  ]),
  [1, 2100, 5],
  [1, 2100, 1],
  [40, 515, 41],
  [64, 32, 64],
];

describe.each(kinds)('$dtype, relaxed $relaxed', (kind) => {
  test.each(transposes)('every shape of the table, transposeA $transposeA, transposeB $transposeB', (transpose) => {
    // Kinds differ in instructions, not in loops: one of them is tried on every shape, the others on half of them.
    const some = kind === kinds[0] ? shapes : shapes.filter((_, i) => i % 2 === kinds.indexOf(kind) % 2);
    for (const [m, k, n] of some) check({ ...kind, ...transpose, m, k, n }, [m >> 1, (3 * m) >> 2]);
  });

  test('random shapes and splits', () => {
    const dimension = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 70 }));
    const shape = fc.record({ m: dimension, k: fc.oneof(dimension, fc.constant(530)), n: dimension });
    const transpose = fc.record({ transposeA: fc.boolean(), transposeB: fc.boolean() });
    const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
    fc.assert(
      fc.property(shape, transpose, cuts, fc.nat(), (sizes, transposed, at, seed) => {
        const splits = at.map((part) => Math.round(part * sizes.m)).sort((x, y) => x - y);
        check({ ...kind, ...sizes, ...transposed }, splits, seed);
      }),
      { numRuns: 60 },
    );
  });
});

test.each(transposes)(
  'more rows than the second cache takes, transposeA $transposeA, transposeB $transposeB',
  (transpose) => {
    check({ dtype: 'float64', relaxed: false, ...transpose, m: 270, k: 256, n: 26 }, [100, 260]);
  },
);

test('what is not a number stays where it is', () => {
  const spec = { dtype: 'float32', m: 13, k: 9, n: 21, transposeA: false, transposeB: false, relaxed: false } as const;
  const bench = new Bench(spec, (i) => (i === 4 * 9 + 2 ? NaN : 1));
  const rows = [...bench.run()].flatMap((value, i) => (Number.isNaN(value) ? [Math.floor(i / 21)] : []));
  expect(rows).toEqual(Array<number>(21).fill(4));
});

test('int32 wraps', () => {
  const spec = { dtype: 'int32', m: 1, k: 2, n: 1, transposeA: false, transposeB: false, relaxed: true } as const;
  expect([...new Bench(spec, () => 0x7fffffff).run()]).toEqual([2]);
});

test('code is a few kilobytes for any shape', () => {
  const large: readonly Shape[] = [
    [512, 512, 512],
    [1024, 4096, 1030],
    [20640, 9, 1],
    [1, 20640, 9],
  ];
  for (const [m, k, n] of [...shapes, ...large])
    for (const transpose of transposes)
      for (const dtype of dtypes) {
        const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
        defineMatMul(module, { dtype, m, k, n, ...transpose, relaxed: true });
        expect(module.finish().length).toBeLessThan(6 * 1024);
      }
});
