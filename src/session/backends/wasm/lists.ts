/** Lists of tensors of one shape, as one stretch of memory and a length. */
import type { DType } from '../../../graph/dtype.js';
import { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import { isFullyDefined, sizeOf } from '../../../graph/shape.js';
import type { Tensor } from '../../../graph/tensor.js';
import { bin, bound, int, lazy, loaded, type Expr, type Lazy } from '../../../ops/expr.js';
import type { ListAction } from '../../../ops/opdef.js';
import { zeroOf } from '../../../ops/shape-rules.js';
import { holderOf, isCompiled, type FlowStep, type Value } from './program.js';

export interface List {
  readonly dtype: DType;
  /** Of an element; null where it shows later. */
  readonly shape: readonly number[] | null;
  /** How many elements there may be; null where nothing says so yet. */
  readonly capacity: number | null;
  /** One after another; null where all are zeros, apart from `only`. */
  readonly elements: Value | null;
  readonly only: { readonly index: Value; readonly item: Value } | null;
  readonly length: Value;
  /** Whether the length changes from one version to the next. */
  readonly isCounted: boolean;
  /** Whether there is room for the elements of a loop only, of each iteration one. */
  readonly isOpen: boolean;
  /** Whether there is room for another element, where that is so. */
  readonly hasRoom: boolean;
  /** Whether the elements are nobody else's: who alone uses the list may write to them. */
  readonly isOwn: boolean;
  /** Where it begins. */
  readonly origin: Operation;
}

/** What lists are made with. */
export interface ListContext {
  value(name: string, op: Operation, type: Pick<Value, 'dtype' | 'shape'> & Partial<Value>): Value;
  /** @throws where compiled code cannot compute it */
  define(name: string, op: Operation, tensor: Lazy): Value;
  push(step: Omit<FlowStep, 'callers'>): void;
  /** The same storage under another name, for what comes later. */
  renamed(value: Value): Value;
  /** How often a tensor is used, where lowering is. */
  uses(tensor: Tensor): number;
  refuse(): never;
  /** The shape of the elements of the list that begins at an operation, if an attempt before found it. */
  shapeAt(origin: Operation): readonly number[] | null;
  /** Ends this attempt, with that found. */
  found(origin: Operation, shape: readonly number[]): never;
}

/** Elements of a list at most: what is larger grows on the host, as far as it is needed. */
const largest = 1 << 26;

export class Lists {
  readonly #context: ListContext;
  readonly #of = new Map<Value, List>();

  constructor(context: ListContext) {
    this.#context = context;
  }

  get(value: Value): List | null {
    return this.#of.get(value) ?? null;
  }

  /** Whether an operation on lists works on those that are here, or begins one that may be. */
  knows(op: Operation, [first]: readonly Value[]): boolean {
    const { dtype } = first!;
    if (dtype === 'variant') return this.get(first!) !== null;
    return op.hasAttr('element_dtype') && isCompiled(op.typeAttr('element_dtype'));
  }

  /** A value that stands for a list. */
  add(op: Operation, list: List): Value {
    const value = this.#context.value(op.outputs[0]?.name ?? op.name, op, { dtype: 'variant', shape: null });
    this.#of.set(value, list);
    return value;
  }

  /** The same value, and where it is a list, one that others use as well. */
  shared(value: Value): Value {
    const list = this.get(value);
    return list?.isOwn ? this.add(list.origin, { ...list, isOwn: false }) : value;
  }

  /** The outputs of an operation on lists. @throws where it cannot be compiled */
  lower(op: Operation, action: ListAction, inputs: readonly Value[]): readonly Value[] {
    if (action === 'empty' || action === 'reserve') return [this.#empty(op, inputs, action === 'reserve')];
    if (action === 'from') return [this.#from(op, inputs[0]!)];
    const list = this.get(inputs[0]!) ?? this.#context.refuse();
    const second = inputs[1];
    switch (action) {
      case 'push':
        return [this.#push(op, list, second!)];
      case 'pop':
        return this.#pop(op, list);
      case 'get':
        return [this.#item(op, list, this.#checked(op, list, second!))];
      case 'set':
        return [this.#set(op, list, second!, inputs[2]!)];
      case 'stack':
        return [this.#stack(op, list)];
      case 'length':
        return [list.length];
      case 'elementShape': {
        const shape = list.shape ?? this.#context.refuse();
        return [this.#constant(op, NDArray.from([...shape], op.outputs[0]!.dtype, [shape.length]))];
      }
    }
  }

  /** What an expression of lists gives: one of them, a sum, or zeros. */
  of(op: Operation, expr: Expr, values: readonly Value[]): Value {
    const list = this.#evaluate(op, expr, values);
    return this.add(op, { ...list, isOwn: list.isOwn && this.#usesAlone(op) });
  }

  #evaluate(op: Operation, expr: Expr, values: readonly Value[]): List {
    if (expr.kind === 'load' && expr.source.kind === 'input')
      return this.get(values[expr.source.position]!) ?? this.#context.refuse();
    const operator = expr.kind === 'unary' || expr.kind === 'binary' ? expr.op : null;
    if (expr.kind === 'unary' && operator === 'zeros')
      return { ...this.#evaluate(op, expr.x, values), elements: null, only: null, isOwn: true };
    if (expr.kind !== 'binary' || operator !== 'add') return this.#context.refuse();
    return this.#sum(op, this.#evaluate(op, expr.a, values), this.#evaluate(op, expr.b, values));
  }

  #sum(op: Operation, a: List, b: List): List {
    if (!b.elements && !b.only) return a;
    if (!a.elements && !a.only) return b;
    if (!a.elements && b.elements) return this.#sum(op, b, a);
    if (a.elements && b.only) {
      const { index, item } = b.only;
      const [old, more] = [tensorOf(a.elements), tensorOf(item)];
      const total = lazy(a.dtype, item.shape!, (i) => bin('add', old.at([elementOf(index), ...i]), more.at(i)));
      const isAlone = this.#usesAlone(op);
      return this.#put(
        op,
        { ...a, isOwn: a.isOwn && isAlone },
        index,
        this.#context.define(`${op.name}/item`, op, total),
      );
    }
    const [x, y] = [this.dense(op, a), this.dense(op, b)];
    const [left, right] = [tensorOf(x), tensorOf(y)];
    const total = lazy(a.dtype, x.shape!, (i) => bin('add', left.at(i), right.at(i)));
    return { ...a, elements: this.#context.define(op.name, op, total), only: null, isOwn: false };
  }

  #usesAlone({ inputs }: Operation): boolean {
    return inputs.every((input) => this.#context.uses(input) === 1);
  }

  /** All elements of a list in memory. */
  dense(op: Operation, list: List): Value {
    if (list.elements) return list.elements;
    const zeros = this.#zeros(op, this.whole(list), list.dtype);
    return list.only ? this.#put(op, { ...list, elements: zeros, isOwn: false }, list.only.index, list.only.item).elements! : zeros; // prettier-ignore
  }

  /** The shape of all elements together. */
  whole({ shape, capacity }: List): readonly number[] {
    if (shape === null || capacity === null) return this.#context.refuse();
    const all = [capacity, ...shape];
    if (sizeOf(all) === 0 || sizeOf(all) > largest) this.#context.refuse();
    return all;
  }

  #zeros(op: Operation, shape: readonly number[], dtype: DType): Value {
    return this.#context.define(
      `${op.name}/zeros`,
      op,
      lazy(dtype, shape, () => zeroOf(dtype)),
    );
  }

  #constant(op: Operation, data: NDArray): Value {
    return this.#context.value(op.outputs[0]!.name, op, { dtype: data.dtype, shape: data.shape, data });
  }

  #empty(op: Operation, [shapeInput, count]: readonly Value[], isFull: boolean): Value {
    const dtype = op.typeAttr('element_dtype');
    if (!isCompiled(dtype)) this.#context.refuse();
    const given = shapeInput!.data?.shape.length === 1 ? Array.from(shapeInput!.data.data as Int32Array, Number) : null;
    const shape = given?.every((dim) => dim >= 0) ? given : this.#context.shapeAt(op);
    const most = Number(count!.data?.element(0) ?? this.#context.refuse());
    const length = this.#constant(op, NDArray.from(isFull ? most : 0, 'int32'));
    const capacity = most < 0 ? null : most;
    const content = { elements: null, only: null, length };
    return this.add(op, {
      dtype,
      shape,
      capacity,
      ...content,
      isCounted: !isFull,
      isOpen: !isFull && most < 0,
      hasRoom: true,
      isOwn: true,
      origin: op,
    });
  }

  #from(op: Operation, rows: Value): Value {
    const { dtype, shape } = rows;
    if (!shape || shape.length === 0 || !isCompiled(dtype) || sizeOf(shape) === 0) this.#context.refuse();
    const [count, ...rest] = shape;
    const length = this.#constant(op, NDArray.from(count!, 'int32'));
    const content = { elements: rows, only: null, length };
    return this.add(op, {
      dtype,
      shape: rest,
      capacity: count!,
      ...content,
      isCounted: false,
      isOpen: false,
      hasRoom: true,
      isOwn: false,
      origin: op,
    });
  }

  /** An index of a list, or an error in the run. */
  #checked(op: Operation, list: List, index: Value): Value {
    if (list.isCounted) this.#context.refuse();
    const checked = lazy('int32', [], () => bound(elementOf(index), this.whole(list)[0]!, 'index'));
    return this.#context.define(`${op.name}/index`, op, checked);
  }

  #item(op: Operation, list: List, index: Value): Value {
    const { dtype, shape } = list;
    this.whole(list);
    const name = op.outputs.at(-1)!.name;
    if (!list.elements && !list.only) return this.#zeros(op, shape!, dtype);
    const elements = tensorOf(this.dense(op, list));
    return this.#context.define(
      name,
      op,
      lazy(dtype, shape!, (i) => elements.at([elementOf(index), ...i])),
    );
  }

  #push(op: Operation, list: List, item: Value): Value {
    if (!list.isCounted || !list.hasRoom) this.#context.refuse();
    this.#fits(list, item);
    const most = this.whole(list)[0]!;
    const index = this.#context.define(`${op.name}/index`, op, lazy('int32', [], () => bound(elementOf(list.length), most, 'length'))); // prettier-ignore
    const longer = lazy('int32', [], () => bin('add', elementOf(index), int(1)));
    const length = this.#context.define(`${op.name}/length`, op, longer);
    return this.add(op, { ...this.#put(op, this.#alone(op, list), index, item), length, hasRoom: !list.isOpen });
  }

  #pop(op: Operation, list: List): readonly Value[] {
    if (!list.isCounted) this.#context.refuse();
    const most = this.whole(list)[0]!;
    const shorter = lazy('int32', [], () => bound(bin('sub', elementOf(list.length), int(1)), most, 'length'));
    const index = this.#context.define(`${op.name}/index`, op, shorter);
    const rest = { ...list, length: index, isOwn: false, hasRoom: !list.isOpen };
    return [this.add(op, rest), this.#item(op, list, index)];
  }

  #set(op: Operation, list: List, at: Value, item: Value): Value {
    if (op.boolAttr('resize_if_index_out_of_bounds')) this.#context.refuse();
    this.#fits(list, item);
    const index = this.#checked(op, list, at);
    if (!list.elements && !list.only) return this.add(op, { ...list, only: { index, item } });
    return this.add(op, this.#put(op, this.#alone(op, list), index, item));
  }

  #fits(list: List, item: Value): void {
    const { shape } = item;
    if (!shape || item.dtype !== list.dtype) return this.#context.refuse();
    if (list.shape === null) this.#context.found(list.origin, shape);
    if (list.shape.join() !== shape.join()) this.#context.refuse();
  }

  /** Whether `op` alone uses the list in its first input. */
  #alone(op: Operation, list: List): List {
    return { ...list, isOwn: list.isOwn && this.#context.uses(op.inputs[0]!) === 1 };
  }

  #put(op: Operation, list: List, index: Value, item: Value): List {
    const shape = this.whole(list);
    let block = list.elements && holderOf(list.elements);
    if (!block || !list.isOwn) {
      block = this.#context.value(`${op.name}/elements`, op, { dtype: list.dtype, shape });
      const from = list.elements ?? this.#zeros(op, shape, list.dtype);
      this.#context.push({ ...flow(op, 'move'), inputs: [from], outputs: [block] });
      if (list.only) return this.#put(op, this.#put(op, { ...list, only: null, elements: block, isOwn: true }, list.only.index, list.only.item), index, item); // prettier-ignore
    }
    this.#context.push({ ...flow(op, 'put'), inputs: [item, index], outputs: [block] });
    return { ...list, elements: this.#context.renamed(block), only: null, isOwn: true };
  }

  #stack(op: Operation, list: List): Value {
    const count = op.intAttr('num_elements');
    const whole = this.whole(list);
    if (list.isCounted || (count >= 0 && count !== whole[0])) this.#context.refuse();
    return this.dense(op, list);
  }

  /** The list as a variable of a loop, before it. `isWritten`: whether an iteration changes its elements. */
  variable(op: Operation, list: List, capacity: number | null, isWritten: boolean): Value {
    const isNew = list.elements === null && list.only === null && list.length.data !== null;
    if (isWritten && list.isOpen && !isNew) this.#context.refuse();
    const sized = { ...list, capacity };
    const length = list.isCounted ? this.#moved(op, list.length) : list.length;
    if (!isWritten) return this.add(op, { ...sized, length, isOwn: false });
    // It shows when the first element is pushed, and all begins again.
    if (list.shape === null) return this.add(op, { ...sized, length });
    const block = this.#context.value(`${op.name}/elements`, op, { dtype: list.dtype, shape: this.whole(sized) });
    if (list.elements || list.only || !list.isCounted) {
      if (capacity !== list.capacity) this.#context.refuse();
      this.#context.push({ ...flow(op, 'move'), inputs: [this.dense(op, sized)], outputs: [block] });
    } else this.#context.push({ ...flow(op, 'room'), outputs: [block] });
    return this.add(op, { ...sized, elements: block, only: null, length, isOwn: true });
  }

  /** A variable of a loop, after it. */
  after(variable: Value): Value {
    const list = this.get(variable);
    return list?.isOpen ? this.add(list.origin, { ...list, hasRoom: false }) : variable;
  }

  #moved(op: Operation, from: Value): Value {
    const to = this.#context.value(`${op.name}/length`, op, { dtype: from.dtype, shape: from.shape });
    this.#context.push({ ...flow(op, 'move'), inputs: [from], outputs: [to] });
    return to;
  }
}

function flow(op: Operation, what: FlowStep['flow']): Omit<FlowStep, 'callers'> {
  return { kind: 'flow', op, flow: what, inputs: [], outputs: [], variable: null };
}

function tensorOf({ id, dtype, shape }: Value): Lazy {
  if (!isFullyDefined(shape)) throw new Error('A value of no shape cannot be read.');
  return loaded({ kind: 'input', position: id }, dtype, shape);
}

/** The element of a scalar. */
function elementOf(value: Value): Expr {
  return tensorOf(value).at(value.shape!.map(() => int(0)));
}
