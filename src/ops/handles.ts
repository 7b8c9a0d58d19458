/** What the tensors behind resource and variant handles hold, as far as the graph tells. */
import type { Attrs } from '../graph/attr.js';
import { isTrainable, type DType } from '../graph/dtype.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';

/** What a variable, or every element of a list, holds. */
export interface HandleType {
  readonly dtype: DType;
  readonly shape: Shape;
}

const isHandle = (dtype: DType): boolean => dtype === 'resource' || dtype === 'variant';

/** What is behind `handle`, where the graph tells. */
export function handleType(handle: Tensor): HandleType | null {
  for (let tensor = handle; ;) {
    const { op, index } = tensor;
    const dtypes = op.def.attr['_handle_dtypes'];
    const shapes = op.def.attr['_handle_shapes'];
    if (dtypes?.kind === 'list' && dtypes.of === 'type' && shapes?.kind === 'list' && shapes.of === 'shape') {
      return { dtype: dtypes.value[index]!, shape: shapes.value[index]! };
    }
    if (op.hasAttr('element_dtype')) return { dtype: op.typeAttr('element_dtype'), shape: null };
    if (op.hasAttr('dtype') && op.hasAttr('shape') && !isHandle(op.typeAttr('dtype'))) {
      return { dtype: op.typeAttr('dtype'), shape: op.shapeAttr('shape') };
    }
    // What has as many outputs as inputs passes handles through (Identity, loop variables).
    const source = op.inputs[index];
    if (!source || !isHandle(source.dtype) || op.inputs.length !== op.outputs.length) return null;
    tensor = source;
  }
}

/** The attributes that keep what is known of `tensors` on a node whose outputs they become; none where all is in the dtypes. */
export function handleAttrs(tensors: readonly Tensor[]): Attrs {
  if (!tensors.some(({ dtype }) => isHandle(dtype))) return {};
  const types = tensors.map((tensor) => (isHandle(tensor.dtype) ? handleType(tensor) : null) ?? tensor);
  return {
    _handle_dtypes: { kind: 'list', of: 'type', value: types.map(({ dtype }) => dtype) },
    _handle_shapes: { kind: 'list', of: 'shape', value: types.map(({ shape }) => shape) },
  };
}

/** Whether gradient flows through `tensor`: a list of integers carries none, whatever its own dtype. */
export function isDifferentiable(tensor: Tensor): boolean {
  if (tensor.dtype !== 'variant') return isTrainable(tensor.dtype);
  const type = handleType(tensor);
  return type === null || isTrainable(type.dtype);
}
