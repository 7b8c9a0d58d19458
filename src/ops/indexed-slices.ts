/** Sparse gradients: rows of a larger tensor. */
import type { DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../graph/errors.js';
import type { Graph } from '../graph/graph.js';
import { describeTensor } from '../graph/node.js';
import type { Operation } from '../graph/operation.js';
import { isCompatible, mergeShapes, type Shape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { graphOf, one } from './call.js';
import { composed } from './compose.js';
import { constantShape } from './known.js';
import { elementOf } from './slicing.js';
import type { OpOptions, TensorConvertible } from './types.js';

/**
 * The rows `values[i]` at positions `indices[i]` of a tensor of shape `denseShape`; rows that occur twice add up, rows
 * that do not occur are zero (TensorFlow's IndexedSlices). Usable wherever a tensor is: it is then made dense.
 *
 * @example
 * const s = new IndexedSlices(constant([[1, 2]]), constant([2], { dtype: 'int32' }), constant([3, 2], { dtype: 'int32' }));
 * s.toTensor(); // [[0, 0], [0, 0], [1, 2]]
 */
export class IndexedSlices<D extends DType = DType> implements TensorConvertible<D> {
  /** Shape `[n, ...rest]`. */
  readonly values: Tensor<D>;
  /** Shape `[n]`, int32 or int64. */
  readonly indices: Tensor;
  /** The shape of the dense tensor, as a vector; null where it is not known. */
  readonly denseShape: Tensor | null;

  /** @throws InvalidArgumentError for what is no tensor, or tensors of several graphs; DTypeError and ShapeError where they do not go together */
  constructor(values: Tensor<D>, indices: Tensor, denseShape: Tensor | null = null) {
    checkParts(values, indices, denseShape);
    this.values = values;
    this.indices = indices;
    this.denseShape = denseShape;
  }

  get op(): Operation {
    return this.values.op;
  }
  get graph(): Graph {
    return this.values.graph;
  }
  get dtype(): D {
    return this.values.dtype;
  }
  /** The static shape of the dense tensor, as far as `values` and `denseShape` tell. */
  get shape(): Shape {
    const shape: Shape = this.values.shape === null ? null : [null, ...this.values.shape.slice(1)];
    return this.denseShape === null ? shape : (mergeShapes(shape, constantShape(this.denseShape)) ?? shape);
  }
  get name(): string {
    return this.values.name;
  }

  /**
   * The dense tensor, by new nodes: an UnsortedSegmentSum.
   * @throws InvalidArgumentError where there is no `denseShape`
   */
  toTensor(options?: OpOptions): Tensor<D> {
    const { denseShape } = this;
    if (denseShape === null) {
      throw new InvalidArgumentError(
        `IndexedSlices of values ${describeTensor(this.values)} have no denseShape, so they cannot become a dense tensor.`,
        this.op.details(),
      );
    }
    return composed([this.values], () => {
      const rows = elementOf(denseShape, 0);
      return one('UnsortedSegmentSum', [this.values, this.indices, rows], {}, options);
    }) as Tensor<D>;
  }

  toString(): string {
    return `IndexedSlices(${this.name}, indices ${this.indices.name}${this.denseShape ? `, shape ${this.denseShape.name}` : ''})`;
  }
}

const fn = 'IndexedSlices';

function checkParts(values: unknown, indices: unknown, denseShape: unknown): void {
  const parts = Object.entries(denseShape === null ? { values, indices } : { values, indices, denseShape });
  for (const [name, part] of parts) {
    if (!(part instanceof Tensor)) throw new InvalidArgumentError(`${fn}: ${name} must be a tensor.`);
    if (name === 'values' || part.dtype === 'int32' || part.dtype === 'int64') continue;
    throw new DTypeError(`${fn}: ${name} must be int32 or int64: ${describeTensor(part)}.`, part.op.details());
  }
  const tensors = parts.map(([, part]) => part as Tensor);
  graphOf(fn, tensors);
  // Whether values and indices are as many shows where the slices become dense: TensorFlow lets such ones pass on.
  const [rows, ...vectors] = tensors.map(({ shape }) => shape);
  if (rows?.length !== 0 && vectors.every((shape) => isCompatible(shape, [null]))) return;
  throw new ShapeError(
    `${fn}: values must have a shape [n, …], indices [n], and denseShape must be a vector: ` +
      `${tensors.map(describeTensor).join(', ')}.`,
    tensors[0]!.op.details(),
  );
}
