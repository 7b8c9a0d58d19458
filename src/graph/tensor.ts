/** Tensor handles: one output of an operation. */
import type { DType } from './dtype.js';
import type { Graph } from './graph.js';
import type { Operation } from './operation.js';
import type { Shape } from './shape.js';

/**
 * A symbolic value: output `index` of `op`. It holds no data; a session computes it.
 *
 * The type carries the dtype and, where it is known, the static shape. Every function of the library that takes a tensor
 * first is also a method.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- op families add their methods to the interface
export class Tensor<D extends DType = DType, S extends Shape = Shape> {
  readonly op: Operation;
  readonly index: number;
  readonly dtype: D;
  #shape: S;

  /** @internal */
  constructor(op: Operation, index: number, dtype: D, shape: S) {
    this.op = op;
    this.index = index;
    this.dtype = dtype;
    this.#shape = shape;
  }

  /** The static shape: null for an unknown dimension, or altogether where the rank is unknown. */
  get shape(): S {
    return this.#shape;
  }

  /** `op:index`. */
  get name(): string {
    return `${this.op.name}:${this.index}`;
  }

  get graph(): Graph {
    return this.op.graph;
  }

  /** @internal Only a graph calls this: it keeps what is needed to go back. */
  setShape(shape: S): void {
    this.#shape = shape;
  }

  toString(): string {
    return `Tensor(${this.name}, ${this.dtype}${this.shape === null ? '' : `[${this.shape.map((d) => d ?? '?').join(', ')}]`})`;
  }
}
// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unused-vars
export interface Tensor<D extends DType, S extends Shape> {}
