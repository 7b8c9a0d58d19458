/** Turns the samples of an op's record into inputs: the same numbers every time, here and in the recordings made by TensorFlow. */
import { dtypeInfo, isDType, type DType } from '../../../src/graph/dtype.js';
import type { Element } from '../../../src/graph/elements.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import { allocate } from '../../../src/graph/dtype.js';
import { writeElement } from '../../../src/graph/elements.js';
import { sizeOf } from '../../../src/graph/shape.js';
import type { AttrInput, RegisteredOp, Sample, SampleInput } from '../../../src/ops/opdef.js';
import type { ArgDef } from '../../../src/ops/signature.js';

/** One input argument: an array, or a list of them for a list argument. */
export type SampleArgument = NDArray | readonly NDArray[];

/** A sample made concrete. */
export interface SampleCase {
  readonly def: RegisteredOp;
  readonly index: number;
  readonly sample: Sample;
  /** What recordings and messages call it: `Tanh/0`. */
  readonly key: string;
  readonly inputs: readonly SampleArgument[];
  readonly attrs: Readonly<Record<string, AttrInput>>;
  /** Of each entry of `inputs`, whether the sample spells out its value: an axis, a shape, an index. */
  readonly given: readonly boolean[];
}

/** The name of a sample in `recorded.json`. */
export function sampleKey(op: string, index: number): string {
  return `${op}/${index}`;
}

/**
 * Sample `index` of an op. Numbers are odd multiples of 2^-10 in the domain ([-2, 2]), so that float16 to float64 hold
 * them alike and none is an integer or zero. With `wide`, float32 becomes float64 and complex64 complex128 where the
 * signature allows it; the numbers stay the same.
 */
export function sampleCase(def: RegisteredOp, index: number, { wide = false } = {}): SampleCase {
  const sample = def.samples[index]!;
  const key = sampleKey(def.name, index);
  const types = new SampleTypes(def, sample, wide);
  const inputs = def.parsed.inputs.map((arg, position): SampleArgument => {
    const input = sample.inputs[position];
    if (input === undefined) throw new Error(`${key}: the sample has no input for '${arg.name}'.`);
    const make = (item: SampleInput, i: number): NDArray =>
      arrayOf(item, types.of(arg, item), `${key}/${position}/${i}`);
    return 'list' in input ? input.list.map(make) : make(input, 0);
  });
  const given = sample.inputs.map((input) => 'value' in input);
  return { def, index, sample, key, inputs, attrs: types.attrs(), given };
}

/** All samples of an op. */
export function sampleCases(def: RegisteredOp, options: { wide?: boolean } = {}): readonly SampleCase[] {
  return def.samples.map((_, index) => sampleCase(def, index, options));
}

const wider: Partial<Record<DType, DType>> = { float32: 'float64', complex64: 'complex128' };

/** The dtypes of a sample: those it states, and for the rest float32 or the first that the signature allows. */
class SampleTypes {
  readonly #def: RegisteredOp;
  readonly #sample: Sample;
  readonly #wide: boolean;
  readonly #stated = new Map<string, DType>();

  constructor(def: RegisteredOp, sample: Sample, wide: boolean) {
    this.#def = def;
    this.#sample = sample;
    this.#wide = wide;
    const state = (attr: string, dtype: DType | undefined): void => {
      if (dtype !== undefined && !this.#stated.has(attr)) this.#stated.set(attr, dtype);
    };
    for (const [name, value] of Object.entries(sample.attrs ?? {}))
      if (isDType(value) && this.#isType(name)) state(name, value);
    const each = (visit: (attr: string, item: SampleInput) => void): void => {
      def.parsed.inputs.forEach((arg, i) => {
        const input = sample.inputs[i];
        if (input === undefined || !('attr' in arg.type)) return;
        for (const item of 'list' in input ? input.list : [input]) visit(arg.type.attr, item);
      });
    };
    each((attr, item) => state(attr, statedDType(item)));
    each((attr, item) => {
      const dtype = impliedDType(item);
      if (dtype !== undefined && this.#allows(attr, dtype)) state(attr, dtype);
    });
  }

  of(arg: ArgDef, item: SampleInput): DType {
    if ('fixed' in arg.type) return arg.type.fixed;
    if ('list' in arg.type) return this.#widened(arg.type.list, statedDType(item) ?? impliedDType(item) ?? 'float32');
    const { attr } = arg.type;
    return this.#widened(
      attr,
      this.#stated.get(attr) ?? (this.#allows(attr, 'float32') ? 'float32' : this.#allowed(attr)![0]!),
    );
  }

  attrs(): Record<string, AttrInput> {
    const entries = Object.entries(this.#sample.attrs ?? {});
    return Object.fromEntries(
      entries.map(([name, value]) => [name, isDType(value) && this.#isType(name) ? this.#widened(name, value) : value]),
    );
  }

  #widened(attr: string, dtype: DType): DType {
    const wide = this.#wide ? wider[dtype] : undefined;
    return wide !== undefined && this.#allows(attr, wide) ? wide : dtype;
  }

  #isType(attr: string): boolean {
    return this.#def.parsed.attrs.find(({ name }) => name === attr)?.kind === 'type';
  }

  #allowed(attr: string): readonly DType[] | null {
    return (
      (this.#def.parsed.attrs.find(({ name }) => name === attr)?.allowed as readonly DType[] | null | undefined) ?? null
    );
  }

  #allows(attr: string, dtype: DType): boolean {
    return this.#allowed(attr)?.includes(dtype) ?? true;
  }
}

function statedDType(item: SampleInput): DType | undefined {
  return 'dtype' in item ? item.dtype : undefined;
}

/** The dtype a spelt-out value has by itself. */
function impliedDType(item: SampleInput): DType | undefined {
  return 'value' in item ? NDArray.from(item.value).dtype : undefined;
}

function arrayOf(item: SampleInput, dtype: DType, seed: string): NDArray {
  if ('value' in item) return NDArray.from(item.value, dtype);
  const { shape, domain = [-2, 2] as const } = 'shape' in item ? item : { shape: item };
  const size = sizeOf(shape);
  const random = generator(seed);
  const data = allocate(dtype, size);
  for (let i = 0; i < size; i++) writeElement(dtype, data, i, randomElement(dtype, domain, random));
  return new NDArray(dtype, shape, data);
}

function randomElement(dtype: DType, domain: readonly [number, number], random: () => number): Element {
  const { kind, range, big } = dtypeInfo(dtype);
  switch (kind) {
    case 'float':
      return randomFloat(domain, random);
    case 'complex':
      return { re: randomFloat(domain, random), im: randomFloat(domain, random) };
    case 'int': {
      const low = Math.max(Math.ceil(domain[0]), Number(range![0]));
      const value = low + Math.floor(random() * (Math.floor(domain[1]) - low + 1));
      return big ? BigInt(value) : value;
    }
    case 'bool':
      return random() < 0.5 ? 0 : 1;
    default:
      throw new Error(`A sample input of dtype ${dtype} must spell out its value.`);
  }
}

/** An odd multiple of 2^-10; of a smaller power of two where the domain is narrow. */
function randomFloat([low, high]: readonly [number, number], random: () => number): number {
  const unit = high - low < 2 ** -5 ? 2 ** -20 : 2 ** -10;
  return (2 * Math.floor((low + random() * (high - low)) / (2 * unit)) + 1) * unit;
}

/** Numbers in [0, 1) that follow from `seed` alone (FNV-1a into mulberry32). */
export function generator(seed: string): () => number {
  let state = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) state = Math.imul(state ^ seed.charCodeAt(i), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
