/** Lists of tensors (TensorFlow's TensorList ops): what loops keep a value of every iteration in. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { mergeShapes, type Shape } from '../../graph/shape.js';
import { Tensor } from '../../graph/tensor.js';
import {
  batchElementShape,
  batchGetItem,
  batchLength,
  batchListFromTensor,
  batchPopBack,
  batchPushBack,
  batchResize,
  batchSetItem,
  batchStackList,
} from '../batching/lists.js';
import { batchOnce } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { handleAttrs, handleType, isDifferentiable, listAttrs } from '../handles.js';
import { constantShape, constantValue } from '../known.js';
import { defineOp, type Gradient, type ListAction, type OpView, type Routine, type RoutineContext } from '../opdef.js';
import { shapeOf, zerosLike } from '../rules.js';
import { TensorList } from '../tensor-list.js';
import type { Operand } from '../types.js';

const scalar: Shape = Object.freeze([]);

/** A routine that computes without side effects. */
function routine(name: string, list: ListAction | null, run: (context: RoutineContext) => readonly NDArray[]): Routine {
  return { routine: name, run, ...(list && { list }) };
}

const boxed = (list: TensorList): NDArray => new NDArray('variant', [], [list]);

function listOf({ inputs, op }: RoutineContext, position = 0): TensorList {
  const value = inputs[position]!.data[0];
  if (value instanceof TensorList) return value;
  throw new InvalidArgumentError(`${op.type} '${op.name}': input ${position} holds no list.`, op.details());
}

function integer({ inputs }: RoutineContext, position: number): number {
  return Number(inputs[position]!.element(0));
}

/** The shape that an element_shape input spells at run time: a scalar -1 says nothing, a -1 in a vector leaves that dimension open. */
function shapeValue(value: NDArray): Shape {
  if (value.shape.length === 0) return null;
  return Array.from({ length: value.size }, (_, i) => {
    const dim = Number(value.element(i));
    return dim < 0 ? null : dim;
  });
}

/** The same before it runs. */
export function elementShape(input: Tensor): Shape {
  const value = constantValue(input);
  return value ? shapeValue(value) : constantShape(input);
}

/** An element_shape operand for `shape`. */
export function shapeOperand(shape: Shape): NDArray {
  if (shape === null) return NDArray.from(-1, 'int32');
  return NDArray.from(
    shape.map((dim) => dim ?? -1),
    'int32',
    [shape.length],
  );
}

const elementType = (op: OpView): DType => op.typeAttr('element_dtype');
const elementsOf = (list: Gradient): Tensor => one('TensorListElementShape', [list], { shape_type: 'int32' });
const lengthOf = (list: Gradient): Tensor => one('TensorListLength', [list]);
/** The shape of an element as far as it is fixed, else computed from one. */
const rowShape = (tensor: Tensor): Tensor => one('Slice', [shapeOf(tensor), [1], [-1]]);

function stacked(items: readonly NDArray[], dtype: DType, shape: Shape, op: OpView): NDArray {
  const first = items[0]?.shape ?? shape?.map((dim) => dim ?? NaN);
  if (!first || first.some(Number.isNaN)) {
    throw new InvalidArgumentError(
      `${op.type} '${op.name}': the list is empty and the shape of its elements is not known.`,
    );
  }
  const odd = items.find((item) => item.shape.join() !== first.join());
  if (odd) {
    throw new InvalidArgumentError(
      `${op.type} '${op.name}': elements of shapes [${first.join(', ')}] and [${odd.shape.join(', ')}] cannot be stacked.`,
    );
  }
  const result = NDArray.filled(dtype, [items.length, ...first], dtype === 'string' ? '' : 0);
  const stride = items.length > 0 ? items[0]!.data.length : 0;
  items.forEach((item, i) => copyInto(result, item, i * stride));
  return result;
}

function copyInto(target: NDArray, source: NDArray, at: number): void {
  const data = target.data as unknown as { set?: (values: unknown, at: number) => void } & unknown[];
  if (data.set) data.set(source.data, at);
  else for (let i = 0; i < source.data.length; i++) data[at + i] = source.data[i];
}

/** Rows of a tensor, as arrays of their own storage. */
function rowsOf(tensor: NDArray): NDArray[] {
  const [count = 0, ...shape] = tensor.shape;
  const stride = count === 0 ? 0 : tensor.data.length / count;
  return Array.from({ length: count }, (_, i) => {
    const data = tensor.data.slice(i * stride, (i + 1) * stride);
    return new NDArray(tensor.dtype, shape, data);
  });
}

function checkElement(list: TensorList, item: NDArray, op: OpView): NDArray {
  if (mergeShapes(list.elementShape, item.shape) !== undefined) return item;
  throw new InvalidArgumentError(
    `${op.type} '${op.name}': an element of shape [${item.shape.join(', ')}] does not fit a list of [${list.elementShape?.map((dim) => dim ?? '?').join(', ')}].`,
  );
}

defineOp({
  name: 'EmptyTensorList',
  signature:
    'element_shape: shape_type, max_num_elements: int32 -> handle: variant | element_dtype: type, shape_type: {int32, int64}',
  infer: () => [scalar],
  lower: routine('emptyList', 'empty', ({ op, inputs }) => [
    boxed(TensorList.of(elementType(op), shapeValue(inputs[0]), [])),
  ]),
  grad: 'none',
  batch: batchOnce,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListReserve',
  signature:
    'element_shape: shape_type, num_elements: int32 -> handle: variant | element_dtype: type, shape_type: {int32, int64}',
  infer: () => [scalar],
  lower: routine('reserveList', 'reserve', (context) => {
    const { op, inputs } = context;
    return [boxed(TensorList.reserved(elementType(op), shapeValue(inputs[0]), integer(context, 1)))];
  }),
  grad: 'none',
  batch: batchOnce,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListPushBack',
  signature: 'input_handle: variant, tensor: element_dtype -> output_handle: variant | element_dtype: type',
  infer: () => [scalar],
  lower: routine('pushBack', 'push', (context) => [
    boxed(listOf(context).push(checkElement(listOf(context), context.inputs[1], context.op))),
  ]),
  grad: (op, [dlist]) =>
    isDifferentiable(op.inputs[1]) ? popBack(dlist, op.inputs[1], shapeOf(op.inputs[1])) : [null, null],
  batch: batchPushBack,
  effect: 'pure',
  samples: [],
});

/** A list with `tensor` as its last element. */
export function pushBack(list: Gradient, tensor: Gradient): Tensor {
  return one('TensorListPushBack', [list, tensor], tensor instanceof Tensor ? listAttrs(tensor) : {});
}

/** A list without its last element, which is like `element`, and that element. */
export function popBack(list: Gradient, element: Tensor, shape: Operand): readonly [Tensor, Tensor] {
  const attrs = { element_dtype: element.dtype, ...listAttrs(element, element) };
  const { outputs } = one('TensorListPopBack', [list, shape], attrs).op;
  return [outputs[0]!, outputs[1]!];
}

defineOp({
  name: 'TensorListPopBack',
  signature:
    'input_handle: variant, element_shape: int32 -> output_handle: variant, tensor: element_dtype | element_dtype: type',
  infer: ({ inputs }) => [scalar, elementShape(inputs[1])],
  lower: routine('popBack', 'pop', (context) => {
    const list = listOf(context);
    const rest = list.popped();
    return [boxed(rest), list.get(list.length - 1, shapeValue(context.inputs[1]))];
  }),
  grad: (_, [dlist, delement]) => (delement ? [pushBack(dlist, delement), null] : [null, null]),
  batch: batchPopBack,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListStack',
  signature:
    'input_handle: variant, element_shape: int32 -> tensor: element_dtype | element_dtype: type, num_elements: int = -1',
  infer: (op) => {
    const row = elementShape(op.inputs[1]);
    const count = op.intAttr('num_elements');
    return [row === null ? null : [count < 0 ? null : count, ...row]];
  },
  lower: routine('stackList', 'stack', (context) => {
    const { op, inputs } = context;
    const list = listOf(context);
    const count = op.intAttr('num_elements');
    if (count >= 0 && count !== list.length) {
      throw new InvalidArgumentError(`${op.type} '${op.name}': the list has ${list.length} elements, not ${count}.`);
    }
    const shape = mergeShapes(list.elementShape, shapeValue(inputs[1])) ?? null;
    const items = list.items().map((_, i) => list.get(i, shape));
    return [stacked(items, elementType(op), shape, op)];
  }),
  grad: (_, [dy]) => {
    const shape = dy.shape === null ? null : dy.shape.slice(1);
    return [one('TensorListFromTensor', [dy, shapeOperand(shape)]), null];
  },
  batch: batchStackList,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListFromTensor',
  signature:
    'tensor: element_dtype, element_shape: shape_type -> output_handle: variant | element_dtype: type, shape_type: {int32, int64}',
  infer: () => [scalar],
  lower: routine('listFromTensor', 'from', ({ op, inputs: [tensor, shape] }) => [
    boxed(TensorList.of(elementType(op), shapeValue(shape), rowsOf(tensor))),
  ]),
  grad: (op, [dlist]) => {
    const [tensor] = op.inputs;
    const count = tensor.shape?.[0] ?? -1;
    return [
      one('TensorListStack', [dlist, rowShape(tensor)], { element_dtype: tensor.dtype, num_elements: count }),
      null,
    ];
  },
  batch: batchListFromTensor,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListGetItem',
  signature:
    'input_handle: variant, index: int32, element_shape: Tshape -> item: element_dtype | element_dtype: type, Tshape: {int32, int64} = int32',
  infer: ({ inputs }) => [elementShape(inputs[2])],
  lower: routine('getItem', 'get', (context) => [
    listOf(context).get(integer(context, 1), shapeValue(context.inputs[2])),
  ]),
  grad: (op, [ditem]) => {
    const [list, index] = op.inputs;
    const empty = one('TensorListReserve', [elementsOf(list), lengthOf(list)], { element_dtype: ditem.dtype });
    return [one('TensorListSetItem', [empty, index, ditem]), null, null];
  },
  batch: batchGetItem,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListSetItem',
  signature:
    'input_handle: variant, index: int32, item: element_dtype -> output_handle: variant | element_dtype: type, resize_if_index_out_of_bounds: bool = false',
  infer: () => [scalar],
  lower: routine('setItem', 'set', (context) => {
    const list = listOf(context);
    const index = integer(context, 1);
    const grown =
      context.op.boolAttr('resize_if_index_out_of_bounds') && index >= list.length ? list.resized(index + 1) : list;
    return [boxed(grown.set(index, checkElement(list, context.inputs[2], context.op)))];
  }),
  grad: (op, [dlist]) => {
    const [list, index, item] = op.inputs;
    if (!isDifferentiable(item)) return [null, null, null];
    const rest = one('TensorListSetItem', [dlist, index, zerosLike(item)]);
    const ditem = one('TensorListGetItem', [dlist, index, shapeOf(item)], { element_dtype: item.dtype });
    if (!op.boolAttr('resize_if_index_out_of_bounds')) return [rest, null, ditem];
    return [one('TensorListResize', [rest, lengthOf(list)]), null, ditem];
  },
  batch: batchSetItem,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListResize',
  signature: 'input_handle: variant, size: int32 -> output_handle: variant',
  infer: () => [scalar],
  lower: routine('resizeList', null, (context) => [boxed(listOf(context).resized(integer(context, 1)))]),
  grad: (op, [dlist]) => [one('TensorListResize', [dlist, lengthOf(op.inputs[0])]), null],
  batch: batchResize,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListLength',
  signature: 'input_handle: variant -> length: int32',
  infer: () => [scalar],
  lower: routine('listLength', 'length', (context) => [NDArray.from(listOf(context).length, 'int32')]),
  grad: 'none',
  batch: batchLength,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'TensorListElementShape',
  signature: 'input_handle: variant -> element_shape: shape_type | shape_type: {int32, int64}',
  infer: () => [null],
  lower: routine('listElementShape', 'elementShape', (context) => {
    const dtype = context.op.typeAttr('shape_type');
    const { elementShape: shape } = listOf(context);
    return [
      shape === null
        ? NDArray.from(-1, dtype)
        : NDArray.from(
            shape.map((dim) => dim ?? -1),
            dtype,
            [shape.length],
          ),
    ];
  }),
  grad: 'none',
  batch: batchElementShape,
  effect: 'pure',
  samples: [],
});

/** An empty list for tensors like `element`. */
export function emptyList(element: Tensor, limit: Tensor): Tensor {
  const attrs = { element_dtype: element.dtype, ...listAttrs(element) };
  return one('EmptyTensorList', [shapeOperand(element.shape), limit], attrs);
}

/** An empty list that stands for `list`. */
export function emptyListLike(list: Tensor): Tensor {
  const type = handleType(list);
  const limit = convertToTensor(-1, 'int32', 'max_num_elements');
  const attrs = { element_dtype: type?.dtype ?? 'float32', ...(type && handleAttrs([list])) };
  return one('EmptyTensorList', [shapeOperand(null), limit], attrs);
}
