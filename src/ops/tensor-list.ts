/** The value of a tensor list: what a variant tensor of TensorFlow's list ops holds. */
import type { DType } from '../graph/dtype.js';
import { writeElement } from '../graph/elements.js';
import { InvalidArgumentError } from '../graph/errors.js';
import { NDArray } from '../graph/ndarray.js';
import { formatShape, isFullyDefined, mergeShapes, type Shape } from '../graph/shape.js';
import { binary, type VariantValue } from './scalar.js';

type Item = NDArray | null;

/** What changed from a version to the next: `index` held `item` before. */
interface Difference {
  readonly index: number;
  readonly item: Item;
  readonly next: Version;
}

/** A version of a list's contents: the newest holds the array, older ones what to undo. */
interface Version {
  content: Item[] | Difference;
}

/** The array of a version, which becomes the one that holds it (H. G. Baker, Shallow binding makes functional arrays fast, 1991). */
function itemsOf(version: Version): Item[] {
  const chain: Version[] = [];
  let at = version;
  for (; !Array.isArray(at.content); at = at.content.next) chain.push(at);
  for (let older = chain.pop(); older; older = chain.pop()) {
    const { index, item } = older.content as Difference;
    const items = at.content as Item[];
    at.content = { index, item: items[index] ?? null, next: older };
    items[index] = item;
    older.content = items;
    at = older;
  }
  return at.content as Item[];
}

/** How many elements a list that has room for more keeps one by one. */
const few = 4;

/**
 * An immutable list of tensors of one dtype. Changing it gives a new list, in constant time as long as it is the newest that
 * changes. An element never set reads as zeros; a list of which a few are set takes no room for the others: the gradient of taking an
 * element is such a list, and adding it costs as much as has been set.
 */
export class TensorList implements VariantValue {
  readonly dtype: DType;
  /** What every element's shape is compatible with. */
  readonly elementShape: Shape;
  readonly length: number;
  /** All that is set; null where it is kept in a version. */
  readonly #set: ReadonlyMap<number, NDArray> | null;
  #version: Version | null;

  private constructor(
    dtype: DType,
    elementShape: Shape,
    length: number,
    content: ReadonlyMap<number, NDArray> | Version,
  ) {
    this.dtype = dtype;
    this.elementShape = elementShape;
    this.length = length;
    this.#set = content instanceof Map ? content : null;
    this.#version = content instanceof Map ? null : (content as Version);
  }

  static of(dtype: DType, elementShape: Shape, items: readonly Item[]): TensorList {
    return new TensorList(dtype, elementShape, items.length, { content: [...items] });
  }

  /** A list of `length` elements, none of which is set. */
  static reserved(dtype: DType, elementShape: Shape, length: number): TensorList {
    return new TensorList(dtype, elementShape, length, new Map());
  }

  /** Element `index`, zeros of `shape` where it was never set. @throws InvalidArgumentError for an index out of range */
  get(index: number, shape: Shape = this.elementShape): NDArray {
    this.#checkIndex(index);
    const item = this.#itemAt(index);
    if (item) return item;
    const whole = mergeShapes(this.#anyShape(), shape);
    if (!isFullyDefined(whole ?? null)) {
      throw new InvalidArgumentError(`Element ${index} of the list was never set, and its shape is not known.`);
    }
    return zeros(this.dtype, whole as readonly number[]);
  }

  set(index: number, item: NDArray): TensorList {
    this.#checkIndex(index);
    if (this.#set === null || (this.#set.size >= few && !this.#set.has(index)))
      return this.#with(index, item, this.length);
    return new TensorList(this.dtype, this.elementShape, this.length, new Map([...this.#set, [index, item]]));
  }

  push(item: NDArray): TensorList {
    return this.#with(this.length, item, this.length + 1);
  }

  /** The list without its last element. */
  popped(): TensorList {
    if (this.length === 0) throw new InvalidArgumentError('The list is empty: nothing can be popped.');
    return new TensorList(this.dtype, this.elementShape, this.length - 1, this.#contents());
  }

  resized(length: number): TensorList {
    const items = this.items().slice(0, length);
    while (items.length < length) items.push(null);
    return TensorList.of(this.dtype, this.elementShape, items);
  }

  items(): Item[] {
    return itemsOf(this.#contents()).slice(0, this.length);
  }

  /** Element by element; an element never set counts as zeros. */
  add(value: VariantValue): TensorList {
    const other = value as TensorList;
    if (this.length !== other.length) {
      throw new InvalidArgumentError(`Lists of ${this.length} and ${other.length} elements cannot be added.`);
    }
    if (other.#set) return this.#plus(other.#set);
    if (this.#set) return other.#plus(this.#set);
    const [a, b] = [this.items(), other.items()];
    return TensorList.of(
      this.dtype,
      this.elementShape,
      a.map((x, i) => (x && b[i] ? sum(x, b[i]) : (x ?? b[i]!))),
    );
  }

  zeros(): TensorList {
    return TensorList.of(
      this.dtype,
      this.elementShape,
      this.items().map((item) => item && zerosLike(item)),
    );
  }

  #plus(terms: ReadonlyMap<number, NDArray>): TensorList {
    return [...terms].reduce<TensorList>((list, [i, term]) => {
      const item = list.#itemAt(i);
      return list.set(i, item ? sum(item, term) : term);
    }, this);
  }

  #itemAt(index: number): Item {
    return (this.#set ? this.#set.get(index) : itemsOf(this.#contents())[index]) ?? null;
  }

  /** The version that holds the elements, those not set among them. */
  #contents(): Version {
    if (this.#version) return this.#version;
    const items = new Array<Item>(this.length).fill(null);
    for (const [i, item] of this.#set!) if (i < items.length) items[i] = item;
    return (this.#version = { content: items });
  }

  /** The shape of an element that is set, or what is known of all. */
  #anyShape(): Shape {
    return isFullyDefined(this.elementShape)
      ? this.elementShape
      : (this.items().find((item) => item !== null)?.shape ?? this.elementShape);
  }

  #with(index: number, item: Item, length: number): TensorList {
    const before = this.#contents();
    const items = itemsOf(before);
    const version: Version = { content: items };
    before.content = { index, item: items[index] ?? null, next: version };
    items[index] = item;
    return new TensorList(this.dtype, this.elementShape, length, version);
  }

  #checkIndex(index: number): void {
    if (index < 0 || index >= this.length) {
      throw new InvalidArgumentError(`Index ${index} is out of range for a list of ${this.length} elements.`);
    }
  }
}

function zerosLike(item: NDArray): NDArray {
  if (item.dtype !== 'variant') return zeros(item.dtype, item.shape);
  const values = item.data as unknown as readonly VariantValue[];
  return new NDArray(
    'variant',
    item.shape,
    values.map((value) => value.zeros()),
  );
}

function zeros(dtype: DType, shape: readonly number[]): NDArray {
  return NDArray.filled(dtype, shape, binaryZero(dtype));
}

function binaryZero(dtype: DType): number | bigint | string | { re: number; im: number } {
  if (dtype === 'int64' || dtype === 'uint64') return 0n;
  if (dtype === 'string') return '';
  return dtype.startsWith('complex') ? { re: 0, im: 0 } : 0;
}

function sum(a: NDArray, b: NDArray): NDArray {
  if (formatShape(a.shape) !== formatShape(b.shape)) {
    throw new InvalidArgumentError(
      `List elements of shapes ${formatShape(a.shape)} and ${formatShape(b.shape)} cannot be added.`,
    );
  }
  const add = binary('add', a.dtype);
  const result = a.copy();
  for (let i = 0; i < a.size; i++) writeElement(a.dtype, result.data, i, add(a.element(i), b.element(i)));
  return result;
}
