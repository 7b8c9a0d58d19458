/** Random programs, driven by the op records: signatures say what fits together, samples what an op can be tried on. */
import { isFloating, isInteger, isTrainable, type DType } from '../../../src/graph/dtype.js';
import { Graph } from '../../../src/graph/graph.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { sizeOf, type Shape } from '../../../src/graph/shape.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import { call } from '../../../src/ops/call.js';
import { placeholder } from '../../../src/ops/definitions/constant.js';
import { Kernel } from '../../../src/ops/evaluate.js';
import { opDef, type AttrInput, type RegisteredOp, type SampleInput } from '../../../src/ops/opdef.js';
import type { ArgDef } from '../../../src/ops/signature.js';
import { sampleCase, type SampleCase } from '../../ops/support/samples.js';
import { arrayOf, isRef, type Data, type Program, type Ref, type Step } from './fuzz-program.js';
import { allowedBy, Chance, domainOf, handled, isCastable, largest, numbers, usable } from './fuzz-chance.js';
import { chooseCalls } from './fuzz-calls.js';
import { excluded, runsInTensorFlow } from './fuzz-limits.js';
import { allOps } from './ops.js';

const candidates = allOps().filter(
  ({ name, effect, samples, parsed }) =>
    effect === 'pure' &&
    samples.length > 0 &&
    !(name in excluded) &&
    parsed.inputs.length > 0 &&
    parsed.outputs.length > 0,
);
const differentiable = candidates.filter(({ grad }) => typeof grad === 'function');

/** A tensor of the program: what it will be, and its value. */
export interface Item {
  readonly ref: Ref;
  readonly tensor: Tensor;
  readonly value: NDArray;
}

/** The program of a seed: the same one every time. */
export function generate(seed: number): Program {
  return new Generator(seed).generate();
}

const shapes: readonly (readonly number[])[] = [[], [2], [3], [1], [2, 3], [3, 1], [1, 3], [2, 1], [2, 2], [2, 3, 2]];
const emptyShapes: readonly (readonly number[])[] = [[0], [0, 3], [2, 0]];

class Generator {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #graph = new Graph();
  readonly #steps: Step[] = [];
  readonly #items: Item[] = [];
  /** Whether static knowledge is complete in this program. */
  readonly #known: boolean;
  readonly #placed: boolean;
  readonly #dtype: DType;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(`program ${seed}`);
    this.#known = !this.#chance.oneIn(3);
    this.#placed = this.#chance.oneIn(3);
    this.#dtype = this.#chance.of(['float32', 'float32', 'float64']);
  }

  generate(): Program {
    const leaves = 1 + this.#chance.below(3);
    for (let i = 0; i < leaves; i++) this.#leaf(this.#dtype, this.#shape());
    if (this.#chance.oneIn(8)) this.#leaf('complex64', this.#shape());
    if (this.#chance.oneIn(8)) this.#leaf(this.#chance.of(['int32', 'int64', 'bool']), this.#shape());
    const size = 2 + this.#chance.below(9);
    for (let i = 0, tries = 0; i < size && tries < 60; tries++) if (this.#grow()) i++;
    const program = { seed: this.#seed, steps: this.#steps, calls: [] };
    return { ...program, calls: chooseCalls(this.#chance, program, this.#items, this.#placed) };
  }

  #shape(): readonly number[] {
    return this.#chance.oneIn(25) ? this.#chance.of(emptyShapes) : this.#chance.of(shapes);
  }

  #grow(): boolean {
    if (this.#chance.oneIn(16) && this.#sparseRead()) return true;
    const def = this.#chance.of(this.#chance.oneIn(8) ? candidates : differentiable);
    return (!this.#chance.oneIn(3) && this.#applyFreely(def)) || this.#applySample(def);
  }

  /** The op on whatever the program has, with the attributes of a sample. */
  #applyFreely(def: RegisteredOp): boolean {
    const sample = sampleCase(def, this.#chance.below(def.samples.length));
    if (sample.given.some(Boolean)) return false;
    const attrs = Object.entries(sample.attrs).filter(
      ([name]) => def.parsed.attrs.find((attr) => attr.name === name)?.kind !== 'type',
    );
    const bound = new Map<string, DType>();
    const pick = (arg: ArgDef, item: SampleInput): Ref | null => {
      const dtype = 'fixed' in arg.type ? arg.type.fixed : 'attr' in arg.type ? bound.get(arg.type.attr) : undefined;
      const allowed = 'attr' in arg.type ? allowedBy(def, arg.type.attr) : null;
      const fitting = this.#items.filter(({ tensor }) => {
        return dtype === undefined ? (allowed?.includes(tensor.dtype) ?? true) : tensor.dtype === dtype;
      });
      if (fitting.length === 0) return null;
      // Newer ones are preferred, so that programs become deep.
      const from = this.#chance.oneIn(2) ? Math.max(0, fitting.length - 4) : 0;
      const chosen = fitting[from + this.#chance.below(fitting.length - from)]!;
      if ('attr' in arg.type) bound.set(arg.type.attr, chosen.tensor.dtype);
      return this.#within(chosen, domainOf(item))?.ref ?? null;
    };
    const inputs = def.parsed.inputs.map((arg, i) => {
      const input = sample.sample.inputs[i]!;
      return 'list' in input ? input.list.map((item) => pick(arg, item)) : pick(arg, input);
    });
    if (inputs.flat().includes(null)) return false;
    return this.#add(def.name, inputs as (Ref | Ref[])[], Object.fromEntries(attrs)) !== null;
  }

  /** The op as in one of its samples, with tensors of the program bent into the shapes that it needs. */
  #applySample(def: RegisteredOp): boolean {
    const wide = this.#chance.oneIn(2);
    const sample = sampleCase(def, this.#chance.below(def.samples.length), { wide });
    const arrays = sample.inputs.flat() as NDArray[];
    if (arrays.some(({ dtype, size }) => !handled(dtype) || size > largest)) return false;
    const inputs = def.parsed.inputs.map((_, i) => this.#sampleInput(sample, i));
    if (inputs.flat().includes(null)) return false;
    return this.#add(def.name, inputs as (Ref | Ref[])[], sample.attrs) !== null;
  }

  #sampleInput(sample: SampleCase, position: number): Ref | null | (Ref | null)[] {
    const given = sample.given[position]!;
    const fit = (array: NDArray, item: SampleInput): Ref | null => {
      if (!isTrainable(array.dtype)) return this.#fixed(array);
      return this.#fit(array.dtype, array.shape, given ? [-2, 2] : domainOf(item));
    };
    const input = sample.inputs[position]!;
    const described = sample.sample.inputs[position]!;
    if ('list' in described) return (input as readonly NDArray[]).map((array, i) => fit(array, described.list[i]!));
    return fit(input as NDArray, described);
  }

  /** An index, an axis, a shape: mostly known. */
  #fixed(array: NDArray): Ref {
    const data = Array.from({ length: array.size }, (_, i) => Number(array.element(i)));
    const value = { dtype: array.dtype, shape: array.shape, data };
    if (!this.#known && this.#chance.oneIn(6)) return this.#step({ kind: 'placeholder', value, known: array.shape });
    return this.#step({ kind: 'constant', value });
  }

  /** A tensor of that dtype and shape with numbers in that domain, made of what there is, or a new leaf. */
  #fit(dtype: DType, shape: readonly number[], domain: readonly [number, number] | null): Ref | null {
    const same = this.#items.filter(
      ({ tensor, value }) => tensor.dtype === dtype && value.shape.join() === shape.join(),
    );
    if (same.length > 0 && !this.#chance.oneIn(4)) return this.#within(this.#chance.of(same), domain)?.ref ?? null;
    const others = this.#items.filter(({ tensor, value }) => isCastable(tensor.dtype, dtype) && value.size > 0);
    if (others.length === 0 || this.#chance.oneIn(4)) return this.#leaf(dtype, shape, domain ?? [-2, 2]);
    let item: Item | null = this.#chance.of(others);
    if (item.tensor.dtype !== dtype) item = this.#one('Cast', [item.ref], { DstT: dtype });
    item = item && this.#reshaped(item, shape);
    return (item && this.#within(item, domain))?.ref ?? null;
  }

  #reshaped(item: Item, shape: readonly number[]): Item | null {
    const { value } = item;
    if (value.shape.join() === shape.join()) return item;
    const size = sizeOf(shape);
    if (value.size === size) return this.#one('Reshape', [item.ref, this.#ints(shape)]);
    if (value.size === 1) {
      const flat = this.#one('Reshape', [item.ref, this.#ints([])]);
      return flat && this.#one('BroadcastTo', [flat.ref, this.#ints(shape)]);
    }
    let flat = this.#one('Reshape', [item.ref, this.#ints([-1])]);
    if (flat && value.size < size) flat = this.#one('Tile', [flat.ref, this.#ints([Math.ceil(size / value.size)])]);
    if (flat && flat.value.size > size) flat = this.#one('Slice', [flat.ref, this.#ints([0]), this.#ints([size])]);
    return flat && this.#one('Reshape', [flat.ref, this.#ints(shape)]);
  }

  /** The tensor itself where all its numbers lie in the domain, else low + (high - low) · sigmoid. */
  #within(item: Item, domain: readonly [number, number] | null): Item | null {
    const { dtype } = item.tensor;
    if (domain === null) return item;
    const [low, high] = domain;
    if (numbers(item.value).every((x) => x >= low && x <= high)) return item;
    if (!isFloating(dtype)) return null;
    const data = (x: number): Ref => this.#step({ kind: 'constant', value: { dtype, shape: [], data: [x] } });
    const unit = this.#one('Sigmoid', [item.ref]);
    const scaled = unit && this.#one('Mul', [unit.ref, data(high - low)]);
    return scaled && this.#one('AddV2', [scaled.ref, data(low)]);
  }

  #ints(data: readonly number[]): Ref {
    return this.#step({ kind: 'constant', value: { dtype: 'int32', shape: [data.length], data } }, false);
  }

  #leaf(dtype: DType, shape: readonly number[], domain: readonly [number, number] = [-2, 2]): Ref {
    const value = this.#chance.data(dtype, shape, domain);
    const kind = this.#chance.of(['placeholder', 'placeholder', 'placeholder', 'constant', 'variable'] as const);
    if (kind !== 'placeholder') return this.#step({ kind, value });
    return this.#step({ kind, value, known: this.#known ? shape : this.#partly(shape) });
  }

  #partly(shape: readonly number[]): Shape {
    if (this.#chance.oneIn(2)) return shape;
    return this.#chance.oneIn(6) ? null : shape.map((dim) => (this.#chance.oneIn(2) ? null : dim));
  }

  #step(step: Step, listed = true): Ref {
    const { value } = step as { value: Data };
    const index = this.#steps.push(this.#placed && this.#chance.oneIn(4) ? { ...step, ...this.#around() } : step) - 1;
    const tensor = this.#graph.asDefault(() =>
      step.kind === 'constant'
        ? call('Const', [], { value: arrayOf(value), dtype: value.dtype }).outputs[0]!
        : placeholder(value.dtype, value.shape),
    );
    this.#items.push({ ref: [index, 0], tensor, value: arrayOf(value) });
    const ref: Ref = [index, 0];
    if (!listed || (isInteger(value.dtype) && step.kind === 'constant')) this.#hidden.push(this.#items.pop()!);
    return ref;
  }

  /** Constants that only their op uses: axes and shapes. */
  readonly #hidden: Item[] = [];

  #around(): Pick<Step, 'scope' | 'device' | 'controls' | 'colocate'> {
    const earlier = () => this.#chance.below(this.#steps.length);
    switch (this.#steps.length === 0 ? 1 : this.#chance.below(4)) {
      case 0:
        return { scope: this.#chance.of(['a', 'b', 'a/b']) };
      case 1:
        return { device: this.#chance.of(['/device:CPU:0', '/device:CPU:1', '/job:localhost']) };
      case 2:
        return { controls: [earlier()] };
      default:
        return { colocate: earlier() };
    }
  }

  #sparseRead(): boolean {
    const variables = this.#steps.flatMap((step, i) =>
      step.kind === 'variable' && step.value.shape.length > 0 && step.value.shape[0]! > 0 ? [{ step, i }] : [],
    );
    if (variables.length === 0) return false;
    const { step, i } = this.#chance.of(variables);
    const { dtype, shape } = step.value;
    const rows = this.#chance.data(this.#chance.of(['int32', 'int64']), this.#chance.of([[2], [3], [2, 2], []]), [
      0,
      shape[0]! - 1,
    ]);
    const indices = this.#step({ kind: 'constant', value: rows });
    const { value } = step as { value: Data };
    const index = this.#steps.push({
      kind: 'op',
      op: 'ResourceGather',
      inputs: [[i, -1], indices],
      attrs: { dtype },
    });
    const read = this.#graph.asDefault(() => call('GatherV2', [arrayOf(value), arrayOf(rows), 0]));
    const result = new Kernel(opDef('GatherV2'), read).run(
      [arrayOf(value), arrayOf(rows), arrayOf({ dtype: 'int32', shape: [], data: [0] })],
      resources,
    )[0]!;
    this.#items.push({ ref: [index - 1, 0], tensor: read.outputs[0]!, value: result });
    return true;
  }

  #one(op: string, inputs: readonly Ref[], attrs: Readonly<Record<string, AttrInput>> = {}): Item | null {
    return this.#add(op, inputs, attrs)?.[0] ?? null;
  }

  /** Null where the op does not fit or gives numbers that are of no use. */
  #add(
    type: string,
    inputs: readonly (Ref | readonly Ref[])[],
    attrs: Readonly<Record<string, AttrInput>>,
  ): readonly Item[] | null {
    const outcome = this.#try(type, inputs, attrs);
    if (!outcome) return null;
    const plain: Step = { kind: 'op', op: type, inputs, attrs };
    const index = this.#steps.push(this.#placed && this.#chance.oneIn(6) ? { ...plain, ...this.#around() } : plain) - 1;
    const items = outcome.map(([tensor, value], i): Item => ({ ref: [index, i], tensor, value }));
    this.#items.push(...items);
    return items;
  }

  #try(
    type: string,
    inputs: readonly (Ref | readonly Ref[])[],
    attrs: Readonly<Record<string, AttrInput>>,
  ): readonly (readonly [Tensor, NDArray])[] | null {
    const operands = inputs.map((input) => (isRef(input) ? [this.#item(input)] : input.map((ref) => this.#item(ref))));
    const all = operands.flat();
    try {
      const op = this.#graph.asDefault(() =>
        call(
          type,
          operands.map((items, i) => (isRef(inputs[i]!) ? items[0]!.tensor : items.map(({ tensor }) => tensor))),
          attrs,
        ),
      );
      if (!runsInTensorFlow(type, all, op.outputs)) return null;
      const values = new Kernel(opDef(type), op).run(
        all.map(({ value }) => value),
        resources,
      );
      if (!values.every(usable)) return null;
      return op.outputs.map((tensor, i) => [tensor, values[i]!]);
    } catch {
      return null;
    }
  }

  #item([step, output]: Ref): Item {
    const find = (items: readonly Item[]) => items.find(({ ref }) => ref[0] === step && ref[1] === output);
    return (find(this.#items) ?? find(this.#hidden))!;
  }
}

const resources = { variables: new Map<string, NDArray>(), counters: new Map<string, unknown>() };
