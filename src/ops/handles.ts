/** What the tensors behind resource and variant handles hold, as far as the graph tells. */
import type { Attrs } from '../graph/attr.js';
import { isTrainable, type DType } from '../graph/dtype.js';
import type { Operation } from '../graph/operation.js';
import type { Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';

/** What a variable, or every element of a list, holds. */
export interface HandleType {
  readonly dtype: DType;
  readonly shape: Shape;
  /** The dtype of what lists hold whose elements are lists, down to those that are not. */
  readonly leaf: DType;
}

const isHandle = (dtype: DType): boolean => dtype === 'resource' || dtype === 'variant';

/** What is behind `handle`, where the graph tells. */
export function handleType(handle: Tensor): HandleType | null {
  for (let tensor = handle; ;) {
    const { op, index } = tensor;
    const dtypes = op.def.attr['_handle_dtypes'];
    const shapes = op.def.attr['_handle_shapes'];
    if (dtypes?.kind === 'list' && dtypes.of === 'type' && shapes?.kind === 'list' && shapes.of === 'shape') {
      const leaves = op.def.attr['_handle_leaves'];
      const dtype = dtypes.value[index]!;
      if (dtype === 'resource') return hints.get(tensor) ?? null;
      const leaf = leaves?.kind === 'list' && leaves.of === 'type' ? leaves.value[index]! : dtype;
      return { dtype, shape: shapes.value[index]!, leaf };
    }
    if (op.hasAttr('element_dtype')) return plain(op.typeAttr('element_dtype'), null);
    if (op.hasAttr('dtype') && op.hasAttr('shape') && !isHandle(op.typeAttr('dtype'))) {
      return plain(op.typeAttr('dtype'), op.shapeAttr('shape'));
    }
    // What has as many outputs as inputs passes handles through (Identity, loop variables).
    const source = op.inputs[index];
    if (!source || !isHandle(source.dtype) || op.inputs.length !== op.outputs.length) return hints.get(tensor) ?? null;
    tensor = source;
  }
}

/** What is behind handles of which no node says it. */
const hints = new WeakMap<Tensor, HandleType>();

/** Notes what is behind the variables among the inputs of `op`, which came from elsewhere, as far as it or the functions that it calls tell. */
export function learnHandles(op: Operation, bodies: readonly { readonly inputs: readonly Tensor[] }[]): void {
  op.inputs.forEach((input, i) => {
    if (input.dtype !== 'resource' || handleType(input)) return;
    const inside = bodies.map(({ inputs }) => inputs[i - op.inputs.length + inputs.length]);
    const known = inside.flatMap((argument) => (argument && handleType(argument)) ?? []);
    const dtype = op.hasAttr('dtype') ? op.typeAttr('dtype') : null;
    const [type = dtype && plain(dtype, null)] = known;
    if (type) hints.set(originOf(input), type);
  });
}

/** Where a handle comes from, through operations that pass it on. */
function originOf(handle: Tensor): Tensor {
  for (let tensor = handle; ;) {
    const source = tensor.op.inputs[tensor.index];
    if (source?.dtype !== handle.dtype) return tensor;
    tensor = source;
  }
}

const plain = (dtype: DType, shape: Shape): HandleType => ({ dtype, shape, leaf: dtype });

/** What is behind a tensor that is a handle; of any other, the tensor itself. */
function typeBehind(tensor: Tensor): HandleType {
  return (isHandle(tensor.dtype) ? handleType(tensor) : null) ?? plain(tensor.dtype, tensor.shape);
}

/** The attributes that keep what is known of `tensors` on a node whose outputs they become; none where all is in the dtypes. */
export function handleAttrs(tensors: readonly Tensor[]): Attrs {
  if (!tensors.some(({ dtype }) => isHandle(dtype))) return {};
  return attrsOf(tensors.map(typeBehind));
}

/**
 * Those of a node whose outputs are a list, each element of which is like `element`, and then tensors like `others`; none where the dtype of
 * the elements says all.
 */
export function listAttrs(element: Tensor, ...others: readonly Tensor[]): Attrs {
  if (element.dtype !== 'variant') return {};
  const list = { dtype: element.dtype, shape: element.shape, leaf: typeBehind(element).leaf };
  return attrsOf([list, ...others.map(typeBehind)]);
}

function attrsOf(types: readonly HandleType[]): Attrs {
  const nested = types.some(({ dtype, leaf }) => dtype !== leaf);
  return {
    _handle_dtypes: { kind: 'list', of: 'type', value: types.map(({ dtype }) => dtype) },
    _handle_shapes: { kind: 'list', of: 'shape', value: types.map(({ shape }) => shape) },
    ...(nested && { _handle_leaves: { kind: 'list', of: 'type', value: types.map(({ leaf }) => leaf) } }),
  };
}

/** Whether gradient flows through `tensor`: a list of integers carries none, whatever its own dtype. */
export function isDifferentiable(tensor: Tensor): boolean {
  if (tensor.dtype !== 'variant') return isTrainable(tensor.dtype);
  const type = handleType(tensor);
  return type === null || isTrainable(type.leaf);
}
