/** Every op there is: importing this registers them all. */
import '../../../src/index.js';
import { isTrainable } from '../../../src/graph/dtype.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import type { Shape } from '../../../src/graph/shape.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import { constant, placeholder } from '../../../src/ops/definitions/constant.js';
import { call } from '../../../src/ops/call.js';
import type { Operation } from '../../../src/graph/operation.js';
import type { SampleCase } from '../../ops/support/samples.js';

export { allOps } from '../../../src/ops/opdef.js';

/** How much the graph knows of its inputs. */
export type Knowledge = 'static shapes' | 'some dims' | 'unknown dims' | 'unknown rank' | 'unknown values';
export const knowledges: readonly Knowledge[] = [
  'static shapes',
  'some dims',
  'unknown dims',
  'unknown rank',
  'unknown values',
];

export interface SampleGraph {
  readonly op: Operation;
  /** The differentiable inputs. */
  readonly xs: readonly Tensor[];
  readonly feeds: Map<Tensor, NDArray>;
}

/** One node of the op, fed with a sample. Spelt-out integers (axes, shapes) are constants unless values are unknown. */
export function buildSample({ def, inputs, given, attrs }: SampleCase, knowledge: Knowledge): SampleGraph {
  const feeds = new Map<Tensor, NDArray>();
  const xs: Tensor[] = [];
  const leaf = (array: NDArray, fixed: boolean): Tensor => {
    const differentiable = isTrainable(array.dtype);
    if (fixed && !differentiable && knowledge !== 'unknown values') return constant(array, { dtype: array.dtype });
    const tensor = placeholder(
      array.dtype,
      placeholderShape(array.shape, fixed && !differentiable ? 'static shapes' : knowledge, feeds.size),
    ) as Tensor;
    feeds.set(tensor, array);
    if (differentiable) xs.push(tensor);
    return tensor;
  };
  const operands = inputs.map((input, i) =>
    input instanceof NDArray ? leaf(input, given[i]!) : input.map((item) => leaf(item, given[i]!)),
  );
  return { op: call(def.name, operands, attrs, { name: 'y' }), xs, feeds };
}

/** The static shape of input number `position`. */
export function placeholderShape(shape: readonly number[], knowledge: Knowledge, position = 0): Shape {
  switch (knowledge) {
    case 'some dims':
      // Every second one, beginning elsewhere in each input, so that known dimensions meet unknown ones.
      return shape.map((dim, axis) => ((axis + position) % 2 === 0 ? null : dim));
    case 'unknown dims':
      return shape.map(() => null);
    case 'unknown rank':
      return null;
    case 'static shapes':
    case 'unknown values':
      return shape;
  }
}
