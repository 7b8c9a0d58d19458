/** Grows the steps of random programs: signatures say what fits together, samples what an op can be tried on. */
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
import { arrayOf, isRef, type Leaf, type Ref, type Step } from './fuzz-program.js';
import { allowedBy, domainOf, handled, isCastable, largest, numbers, usable, type Chance } from './fuzz-chance.js';
import { at, resources, tried, Unusable, type Item, type Manner, type Run, type Values } from './fuzz-item.js';
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

/** What a body can see from where it stands. */
export interface Outside {
  /** The number of the step that the body belongs to. */
  readonly step: number;
  readonly grower: Grower;
  /** The arguments, and what they are at first. */
  readonly args: readonly (readonly [Tensor, NDArray])[];
  /** Whether it runs several times, with other numbers. */
  readonly again: boolean;
}

/** The steps of a program, or of a body in it. */
export class Grower {
  readonly manner: Manner;
  readonly steps: Step[] = [];
  readonly items: Item[];
  /** What computes the steps again. */
  readonly runs: Run[] = [];
  /** The number of its first step. */
  readonly base: number;
  /** In how many bodies it is. */
  readonly depth: number;
  readonly values: Values;
  /** The first item of its own. */
  readonly own: number;
  readonly #chance: Chance;
  readonly #graph: Graph;
  readonly #again: boolean;
  /** The steps that are variables. */
  readonly handles: Set<number>;

  constructor(manner: Manner, outside: Outside | null = null) {
    this.manner = manner;
    this.#chance = manner.chance;
    this.base = outside === null ? 0 : outside.step + 1;
    this.depth = outside === null ? 0 : outside.grower.depth + 1;
    this.#graph = outside === null ? new Graph() : outside.grower.#graph;
    this.#again = outside !== null && (outside.again || outside.grower.#again);
    this.items = outside === null ? [] : [...outside.grower.items];
    this.handles = outside === null ? new Set() : outside.grower.handles;
    this.own = this.items.length;
    this.values = outside === null ? [] : [...outside.grower.values, outside.args.map(([, value]) => value)];
    outside?.args.forEach(([tensor, value], k) => this.items.push({ ref: [outside.step, k], tensor, value }));
  }

  /** The number of the next step. */
  get next(): number {
    return this.base + this.steps.length;
  }

  /** A tensor that stands for the result of a step. */
  standIn(dtype: DType, shape: Shape): Tensor {
    return this.#graph.asDefault(() => placeholder(dtype, shape));
  }

  grow(): boolean {
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
      const fitting = this.items.filter(({ tensor }) => {
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
      if (!isTrainable(array.dtype)) return this.fixed(array);
      return this.fit(array.dtype, array.shape, given ? [-2, 2] : domainOf(item));
    };
    const input = sample.inputs[position]!;
    const described = sample.sample.inputs[position]!;
    if ('list' in described) return (input as readonly NDArray[]).map((array, i) => fit(array, described.list[i]!));
    return fit(input as NDArray, described);
  }

  /** An index, an axis, a shape: mostly known. */
  fixed(array: NDArray): Ref {
    const data = Array.from({ length: array.size }, (_, i) => Number(array.element(i)));
    const value = { dtype: array.dtype, shape: array.shape, data };
    if (this.depth === 0 && !this.manner.known && this.#chance.oneIn(6))
      return this.step({ kind: 'placeholder', value, known: array.shape });
    return this.step({ kind: 'constant', value });
  }

  /** A tensor of that dtype and shape with numbers in that domain, made of what there is, or a new leaf. */
  fit(dtype: DType, shape: readonly number[], domain: readonly [number, number] | null): Ref | null {
    const same = this.items.filter(
      ({ tensor, value }) => tensor.dtype === dtype && value.shape.join() === shape.join(),
    );
    if (same.length > 0 && !this.#chance.oneIn(4)) return this.#within(this.#chance.of(same), domain)?.ref ?? null;
    const others = this.items.filter(({ tensor, value }) => isCastable(tensor.dtype, dtype) && value.size > 0);
    if (others.length === 0 || this.#chance.oneIn(4)) return this.leaf(dtype, shape, domain ?? [-2, 2]);
    let item: Item | null = this.#chance.of(others);
    if (item.tensor.dtype !== dtype) item = this.one('Cast', [item.ref], { DstT: dtype });
    item = item && this.#reshaped(item, shape);
    return (item && this.#within(item, domain))?.ref ?? null;
  }

  #reshaped(item: Item, shape: readonly number[]): Item | null {
    const { value } = item;
    if (value.shape.join() === shape.join()) return item;
    const size = sizeOf(shape);
    if (value.size === size) return this.one('Reshape', [item.ref, this.#ints(shape)]);
    if (value.size === 1) {
      const flat = this.one('Reshape', [item.ref, this.#ints([])]);
      return flat && this.one('BroadcastTo', [flat.ref, this.#ints(shape)]);
    }
    let flat = this.one('Reshape', [item.ref, this.#ints([-1])]);
    if (flat && value.size < size) flat = this.one('Tile', [flat.ref, this.#ints([Math.ceil(size / value.size)])]);
    if (flat && flat.value.size > size) flat = this.one('Slice', [flat.ref, this.#ints([0]), this.#ints([size])]);
    return flat && this.one('Reshape', [flat.ref, this.#ints(shape)]);
  }

  /** The tensor itself where all its numbers lie in the domain, else low + (high - low) · sigmoid. */
  #within(item: Item, domain: readonly [number, number] | null): Item | null {
    const { dtype } = item.tensor;
    if (domain === null) return item;
    const [low, high] = domain;
    if (!this.#again && numbers(item.value).every((x) => x >= low && x <= high)) return item;
    if (!isFloating(dtype)) return null;
    const data = (x: number): Ref => this.step({ kind: 'constant', value: { dtype, shape: [], data: [x] } });
    const unit = this.one('Sigmoid', [item.ref]);
    const scaled = unit && this.one('Mul', [unit.ref, data(high - low)]);
    return scaled && this.one('AddV2', [scaled.ref, data(low)]);
  }

  #ints(data: readonly number[]): Ref {
    return this.step({ kind: 'constant', value: { dtype: 'int32', shape: [data.length], data } }, false);
  }

  leaf(dtype: DType, shape: readonly number[], domain: readonly [number, number] = [-2, 2]): Ref {
    const value = this.#chance.data(dtype, shape, domain);
    const leaves = ['placeholder', 'placeholder', 'placeholder', 'constant', 'variable'] as const;
    const kind = this.depth > 0 ? 'constant' : this.#chance.of(leaves);
    if (kind !== 'placeholder') return this.step({ kind, value });
    return this.step({ kind, value, known: this.manner.known ? shape : this.#partly(shape) });
  }

  #partly(shape: readonly number[]): Shape {
    if (this.#chance.oneIn(2)) return shape;
    return this.#chance.oneIn(6) ? null : shape.map((dim) => (this.#chance.oneIn(2) ? null : dim));
  }

  step(step: Leaf, listed = true): Ref {
    const { value } = step;
    const array = arrayOf(value);
    const tensor = this.#graph.asDefault(() =>
      step.kind === 'constant'
        ? call('Const', [], { value: array, dtype: value.dtype }).outputs[0]!
        : placeholder(value.dtype, value.shape),
    );
    const placed = this.manner.placed && this.#chance.oneIn(4);
    const [item] = this.push(step, [[tensor, array]], () => [array], placed) as [Item];
    // Integers that only their op uses: axes and shapes.
    if (!listed || (isInteger(value.dtype) && step.kind === 'constant')) this.#hidden.push(this.items.pop()!);
    return item.ref;
  }

  readonly #hidden: Item[] = [];

  /** Adds a step that gives these tensors. */
  push(
    step: Step,
    outputs: readonly (readonly [Tensor, NDArray])[],
    run: Run,
    placed = this.manner.placed && this.#chance.oneIn(6),
  ): readonly Item[] {
    const number = this.next;
    if (step.kind === 'variable') this.handles.add(number);
    this.steps.push(placed ? { ...step, ...this.#around() } : step);
    this.runs.push(run);
    this.values.push(outputs.map(([, value]) => value));
    const items = outputs.map(([tensor, value], i): Item => ({ ref: [number, i], tensor, value }));
    this.items.push(...items);
    return items;
  }

  #around(): Pick<Step, 'scope' | 'device' | 'controls' | 'colocate'> {
    const earlier = () => this.base + this.#chance.below(this.steps.length);
    switch (this.steps.length === 0 ? this.#chance.below(2) : this.#chance.below(4)) {
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

  /** Rows of a variable, read by its handle. */
  #sparseRead(): boolean {
    const variables = this.items.filter(({ ref: [step, output], value }) => {
      return output === 0 && this.handles.has(step) && value.shape.length > 0 && value.shape[0]! > 0;
    });
    if (variables.length === 0) return false;
    const { ref, tensor, value } = this.#chance.of(variables);
    const dtype = this.#chance.of(['int32', 'int64'] as const);
    const shape = this.#chance.of([[2], [3], [2, 2], []]);
    const rows = this.#chance.data(dtype, shape, [0, value.shape[0]! - 1]);
    const indices = this.step({ kind: 'constant', value: rows });
    const read = this.#graph.asDefault(() => call('GatherV2', [tensor, arrayOf(rows), 0]));
    const kernel = new Kernel(opDef('GatherV2'), read);
    const axis = arrayOf({ dtype: 'int32', shape: [], data: [0] });
    const run: Run = (values) => kernel.run([at(values, ref), at(values, indices), axis], resources);
    const step: Step = {
      kind: 'op',
      op: 'ResourceGather',
      inputs: [[ref[0], -1], indices],
      attrs: { dtype: value.dtype },
    };
    this.push(step, [[read.outputs[0]!, run(this.values)[0]!]], run, false);
    return true;
  }

  one(op: string, inputs: readonly Ref[], attrs: Readonly<Record<string, AttrInput>> = {}): Item | null {
    return this.#add(op, inputs, attrs)?.[0] ?? null;
  }

  /** Null where the op does not fit or gives numbers that are of no use. */
  #add(
    type: string,
    inputs: readonly (Ref | readonly Ref[])[],
    attrs: Readonly<Record<string, AttrInput>>,
  ): readonly Item[] | null {
    const outcome = this.#try(type, inputs, attrs);
    return outcome && this.push({ kind: 'op', op: type, inputs, attrs }, outcome.outputs, outcome.run);
  }

  #try(
    type: string,
    inputs: readonly (Ref | readonly Ref[])[],
    attrs: Readonly<Record<string, AttrInput>>,
  ): { readonly outputs: readonly (readonly [Tensor, NDArray])[]; readonly run: Run } | null {
    const operands = inputs.map((input) => (isRef(input) ? [this.item(input)] : input.map((ref) => this.item(ref))));
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
      const kernel = new Kernel(opDef(type), op);
      const run: Run = (values) => {
        const results = tried(() =>
          kernel.run(
            all.map(({ ref }) => at(values, ref)),
            resources,
          ),
        );
        if (!results.every(usable)) throw new Unusable(`${type} gives numbers of no use`);
        return results;
      };
      const results = run(this.values);
      return { outputs: op.outputs.map((tensor, i) => [tensor, results[i]!]), run };
    } catch {
      return null;
    }
  }

  /** Takes back all steps from number `length` of its own on. */
  truncate(length: number): void {
    this.steps.length = length;
    this.runs.length = length;
    this.values.length = this.base + length;
    for (const items of [this.items, this.#hidden]) {
      const kept = items.filter(({ ref: [step] }) => step < this.base + length);
      items.splice(0, items.length, ...kept);
    }
    for (const step of this.handles) if (step >= this.base + length) this.handles.delete(step);
  }

  item(ref: Ref): Item {
    const find = (items: readonly Item[]) => items.find((item) => item.ref[0] === ref[0] && item.ref[1] === ref[1]);
    return (find(this.items) ?? find(this.#hidden))!;
  }
}
