/** Compiled convolutions against the interpreter: any shape, any split by rows, nothing written beside the result. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setFlagsFromString } from 'node:v8';
import * as tl from '../../../src/index.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import { opDef, type Lowering, type LowerView, type OpView } from '../../../src/ops/opdef.js';
import { call } from '../../../src/ops/call.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { defineConvolution } from '../../../src/session/backends/wasm/conv/convolution.js';
import { relaxedSimd } from '../../../src/session/backends/wasm/matmul/relaxed.js';

interface Engine {
  readonly Memory: new (limits: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, Kernel> };
}
type Kernel = (a: number, b: number, c: number, scratch: number, from: number, to: number) => void;
type DType = 'float32' | 'float64' | 'int32';
const { Memory, Module, Instance } = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array };
const guard = 0xa5;
const memory = new Memory({ initial: 64 });

interface Case {
  readonly dtype: DType;
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly window: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly padding: 'SAME' | 'VALID' | readonly number[];
  readonly channelsFirst: boolean;
}

const upTo = (most: number) => fc.integer({ min: 1, max: most });
const pair = (most: number) => fc.tuple(upTo(most), upTo(most));
const cases = fc
  .record({
    dtype: fc.constantFrom<DType>('float32', 'float64', 'int32'),
    batch: upTo(3),
    size: pair(9),
    channels: fc.tuple(upTo(7), upTo(19)),
    window: pair(4),
    strides: pair(3),
    dilations: fc.oneof(fc.constant([1, 1] as [number, number]), pair(3)),
    padding: fc.oneof(
      fc.constantFrom('SAME' as const, 'VALID' as const),
      fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }),
    ),
    channelsFirst: fc.boolean(),
  })
  .filter(({ padding, size, window, dilations }) =>
    [0, 1].every((i) => {
      const free = size[i]! + (typeof padding === 'string' ? 0 : padding[2 * i]! + padding[2 * i + 1]!);
      return padding === 'SAME' || free >= (window[i]! - 1) * dilations[i]! + 1;
    }),
  );

function attrsOf({ strides, dilations, padding, channelsFirst }: Case) {
  const four = ([h, w]: readonly [number, number]): number[] => (channelsFirst ? [1, 1, h, w] : [1, h, w, 1]);
  const pads = typeof padding === 'string' ? [] : channelsFirst ? [0, 0, 0, 0, ...padding] : [0, 0, ...padding, 0, 0];
  return {
    strides: four(strides),
    dilations: four(dilations),
    padding: typeof padding === 'string' ? padding : 'EXPLICIT',
    explicit_paddings: pads,
    data_format: channelsFirst ? 'NCHW' : 'NHWC',
  };
}

/** Numbers with few digits, so that some sums are exact. */
function numbers(dtype: DType, shape: readonly number[], seed: number): NDArray {
  const size = shape.reduce((a, b) => a * b, 1);
  const fraction = (i: number): number => (dtype === 'int32' ? 0 : ((i * 31) % 7) / 8);
  const data = Array.from({ length: size }, (_, i) => (((i + seed) * 7919) % 23) - 11 + fraction(i));
  return NDArray.from(data, dtype, [size]).reshape(shape);
}

/** The three nodes of a convolution, each fed with numbers. */
function nodes(one: Case): readonly { readonly op: tl.Operation; readonly feeds: Map<tl.Tensor, NDArray> }[] {
  const { dtype, batch, size, channels, window, channelsFirst } = one;
  const image = channelsFirst ? [batch, channels[0], ...size] : [batch, ...size, channels[0]];
  const filter = [...window, ...channels];
  const graph = new tl.Graph();
  return graph.asDefault(() => {
    const attrs = attrsOf(one);
    const x = tl.placeholder(dtype, image) as tl.Tensor;
    const w = tl.placeholder(dtype, filter) as tl.Tensor;
    const y = call('Conv2D', [x, w], attrs);
    const dy = tl.placeholder(dtype, y.outputs[0]!.shape) as tl.Tensor;
    const feeds = (...tensors: tl.Tensor[]) =>
      new Map(tensors.map((t, i) => [t, numbers(dtype, t.shape as number[], i)]));
    const sizes = (shape: readonly number[]) => tl.constant([...shape], { dtype: 'int32' });
    const all = [
      { op: y, feeds: feeds(x, w) },
      { op: call('Conv2DBackpropInput', [sizes(image), w, dy], attrs), feeds: feeds(w, dy) },
    ];
    if (dtype === 'int32') return all;
    return [...all, { op: call('Conv2DBackpropFilter', [x, sizes(filter), dy], attrs), feeds: feeds(x, dy) }];
  });
}

/** The largest difference, in units of the largest element. */
function distance(a: NDArray, b: NDArray): number {
  const [x, y] = [a.data, b.data] as [Float64Array, Float64Array];
  const largest = y.reduce((most, v) => Math.max(most, Math.abs(v)), 1);
  return x.reduce((most, v, i) => Math.max(most, Math.abs(v - y[i]!)), 0) / largest;
}

const tolerances = { float32: 2e-6, float64: 1e-14, int32: 0 };

describe('compiled against interpreted', () => {
  test('random shapes, strides, dilations, paddings and layouts', () => {
    fc.assert(
      fc.property(cases, (one) => {
        for (const { op, feeds } of nodes(one)) {
          const [expected, found] = ['interpret', 'wasm'].map((backend) =>
            new tl.Session({ graph: op.graph, backend, threads: 1 }).runSync(op.outputs[0]!, feeds),
          ) as [NDArray, NDArray];
          expect(found.shape).toEqual(expected.shape);
          expect({ op: op.type, far: distance(found, expected) > tolerances[one.dtype] }).toEqual({
            op: op.type,
            far: false,
          });
        }
      }),
      { numRuns: 60, seed: 20261126 },
    );
  });
});

/** The bits of a convolution made in parts that end at `cuts`, each with scratch of its own, which is not clean. */
function inParts(
  { op, feeds }: ReturnType<typeof nodes>[number],
  relaxed: boolean,
  cuts: (rows: number) => readonly number[],
) {
  const inputs = op.inputs.map((input) => {
    const array = feeds.get(input) ?? new tl.Session({ graph: op.graph }).runSync(input);
    return array;
  });
  const { dtype } = op.outputs[0]!;
  const lowering = opDef(op.type).lower as Lowering;
  const view = { op: op as OpView, inputs, value: (i: number) => inputs[i]! } as unknown as LowerView;
  const convolution = lowering.convolution!(view);
  const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
  const { fn, scratch, rows } = defineConvolution(module, 'convolution', convolution, dtype as DType, relaxed);
  const kernel = new Instance(new Module(module.export(fn, 'kernel').finish()), { env: { memory } }).exports['kernel']!;
  const bytes = new Uint8Array(memory.buffer).fill(guard);
  let next = 64;
  const place = (size: number): number => {
    const at = next;
    next = Math.ceil((at + size + 16) / 16) * 16;
    return at;
  };
  const [a, b] = convolution.operands.map((position) => {
    const { data } = inputs[position]! as { data: Float64Array };
    const at = place(data.byteLength);
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    return at;
  }) as [number, number];
  const size = op.outputs[0]!.shape!.reduce<number>(
    (product, dim) => product * dim!,
    arrays[dtype as DType].BYTES_PER_ELEMENT,
  );
  const [c, scratchAt] = [place(size), place(scratch)];
  const before = bytes.slice();
  let from = 0;
  for (const to of [...cuts(rows), rows]) {
    kernel(a, b, c, scratchAt, from, to);
    bytes.fill(guard, scratchAt, scratchAt + scratch);
    from = to;
  }
  const result = bytes.slice(c, c + size);
  bytes.fill(guard, c, c + size);
  expect(Buffer.compare(bytes, before)).toBe(0);
  return Buffer.from(result).toString('hex');
}

test('bits do not depend on how rows are split, and nothing is written beside the result', () => {
  fc.assert(
    fc.property(cases, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }), (one, at) => {
      for (const node of nodes(one)) {
        for (const relaxed of relaxedSimd() ? [true, false] : [false]) {
          const whole = inParts(node, relaxed, () => []);
          const cut = (rows: number): number[] => at.map((x) => Math.round(x * rows)).sort((a, b) => a - b);
          expect(inParts(node, relaxed, cut)).toBe(whole);
        }
      }
    }),
    { numRuns: 30, seed: 20261126 },
  );
});

test('images larger than what is read at once', () => {
  const large: Case = {
    dtype: 'float32',
    batch: 1,
    size: [50, 62],
    channels: [8, 4],
    window: [3, 3],
    strides: [1, 1],
    dilations: [1, 1],
    padding: 'SAME',
    channelsFirst: false,
  };
  for (const node of nodes(large)) {
    const [expected, found] = ['interpret', 'wasm'].map((backend) =>
      new tl.Session({ graph: node.op.graph, backend, threads: 1 }).runSync(node.op.outputs[0]!, node.feeds),
    ) as [NDArray, NDArray];
    expect(distance(found, expected)).toBeLessThan(tolerances.float32);
    expect(inParts(node, relaxedSimd(), (rows) => [5, Math.floor(rows / 2) + 1])).toBe(
      inParts(node, relaxedSimd(), () => []),
    );
  }
});

test('pools whose windows reach beyond the image, several channels at a time', () => {
  const graph = new tl.Graph();
  const image = numbers('float32', [2, 7, 6, 9], 3);
  const [x, ...ys] = graph.asDefault(() => {
    const images = tl.placeholder('float32', image.shape) as tl.Tensor;
    const pools = [tl.nn.maxPool2d, tl.nn.avgPool2d].flatMap((pool) => [
      pool(images, 3, 2, 'SAME'),
      pool(images, [2, 3], 1, 'SAME'),
    ]);
    return [images, ...pools, ...pools.map((pool) => tl.gradients(tl.square(pool), images)[0] as tl.Tensor)];
  });
  const [expected, found] = ['interpret', 'wasm'].map((backend) =>
    new tl.Session({ graph, backend, threads: 1 }).runSync(ys, new Map([[x, image]])),
  ) as [NDArray[], NDArray[]];
  expect(found.map((value, i) => distance(value, expected[i]!) < tolerances.float32)).toEqual(ys.map(() => true));
});
