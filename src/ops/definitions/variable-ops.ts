/** The ops of resource variables: handles, reads and assignments. The values live in the session. */
import { dtypeInfo, isComplex, type DType } from '../../graph/dtype.js';
import { allocate } from '../../graph/dtype.js';
import { readElement, writeElement } from '../../graph/elements.js';
import { DTypeError, FailedPreconditionError, InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import { describeTensor } from '../../graph/node.js';
import { NDArray } from '../../graph/ndarray.js';
import {
  formatShape,
  isCompatible,
  isFullyDefined,
  numElements,
  shapesEqual,
  sizeOf,
  type Shape,
} from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchResourceGather } from '../batching/indexing.js';
import { batchOnce } from '../batching/operands.js';
import { convertToTensor, one } from '../call.js';
import { IndexedSlices } from '../indexed-slices.js';
import { bin, bound, cast, lazy, type Expr, type Lazy } from '../expr.js';
import { defineOp, type LowerView, type OpView, type Routine, type RoutineContext } from '../opdef.js';
import { handleType, type HandleType } from '../handles.js';
import { tailOf } from '../slicing.js';

export { handleType } from '../handles.js';
export type { HandleType as VariableType } from '../handles.js';

/** What the variable behind `handle` holds. @throws InvalidArgumentError where the graph does not tell */
export function variableType(handle: Tensor): HandleType {
  const type = handleType(handle);
  if (type) return type;
  throw new InvalidArgumentError(`${describeTensor(handle)} is not the handle of a variable.`, handle.op.details());
}

/** The shape of the variable behind `handle`, as an int32 vector: a constant where it is fully known. */
export function variableShape(handle: Tensor): Tensor {
  const shape = handleType(handle)?.shape ?? null;
  if (!isFullyDefined(shape)) return one('VariableShape', [handle]);
  return handle.graph.receiver.asDefault(() => convertToTensor(NDArray.from(shape, 'int32', [shape.length]), 'int32'));
}

/** The key of the variable that input `position` is the handle of. */
export function keyOf({ inputs }: RoutineContext, position = 0): string {
  return (inputs[position]!.data as readonly string[])[0]!;
}

/** Its value, which must not be changed. @throws FailedPreconditionError where it has none yet */
export function valueOf(context: RoutineContext, position = 0): NDArray {
  const key = keyOf(context, position);
  const value = context.resources.variables.get(key);
  if (value) return value;
  const { op } = context;
  throw new FailedPreconditionError(
    `Could not find variable ${key}: it is uninitialized, and ${op.type} '${op.name}' needs its value. Run the initializer ` +
      'first: session.run(globalVariablesInitializer()), or the initializer of this variable.',
    op.details(),
  );
}

defineOp({
  name: 'VarHandleOp',
  signature:
    "-> resource: resource | container: string = '', shared_name: string = '', debug_name: string = '', dtype: type, " +
    'shape: shape, allowed_devices: list(string) = []',
  infer: () => [[]],
  lower: {
    routine: 'variable handle',
    run: ({ op }) => {
      const container = op.stringAttr('container');
      const name = op.stringAttr('shared_name') || op.name;
      return [new NDArray('resource', [], [container === '' ? name : `${container}/${name}`])];
    },
  },
  grad: 'none',
  batch: batchOnce,
  effect: 'pure',
  samples: [],
});

defineOp({
  name: 'VarIsInitializedOp',
  signature: 'resource: resource -> is_initialized: bool',
  infer: () => [[]],
  lower: {
    routine: 'variable is initialized',
    run: (context) => [NDArray.from(context.resources.variables.has(keyOf(context)))],
  },
  grad: 'none',
  batch: batchOnce,
  effect: 'read',
  samples: [],
});

defineOp({
  name: 'DisableCopyOnRead',
  signature: 'resource: resource ->',
  infer: () => [],
  lower: {
    routine: 'disable copy on read',
    run: (context) => {
      // How TensorFlow keeps the value is nothing here: reads never copy. It must be there all the same.
      valueOf(context);
      return [];
    },
  },
  grad: 'none',
  batch: batchOnce,
  effect: 'read',
  samples: [],
});

defineOp({
  name: 'ReadVariableOp',
  signature: 'resource: resource -> value: dtype | dtype: type',
  infer: (op) => [checkedType(op, op.outputs[0].dtype)?.shape ?? null],
  lower: {
    routine: 'read variable',
    reads: true,
    // Stored arrays are replaced, never changed, so that a read is a snapshot.
    run: (context) => [valueOf(context)],
  },
  grad: (_, [dy]) => [dy],
  batch: batchOnce,
  effect: 'read',
  samples: [],
});

defineOp({
  name: 'VariableShape',
  signature: 'input: resource -> output: out_type | out_type: {int32, int64} = DT_INT32',
  infer: ({ inputs: [handle] }) => {
    const shape = handleType(handle)?.shape ?? null;
    return [[shape === null ? null : shape.length]];
  },
  lower: {
    routine: 'variable shape',
    run: (context) => {
      const { shape } = valueOf(context);
      return [NDArray.from(shape, context.op.typeAttr('out_type'), [shape.length])];
    },
  },
  grad: 'none',
  batch: batchOnce,
  effect: 'read',
  samples: [],
});

defineOp({
  name: 'AssignVariableOp',
  signature: 'resource: resource, value: dtype -> | dtype: type, validate_shape: bool = false',
  infer: checkAssignment,
  lower: {
    routine: 'assign variable',
    assigns: ({ inputs: [, value] }) => [{ input: 0, content: value }],
    run: (context) => {
      const value = context.inputs[1];
      const declared = handleType(context.op.inputs[0])?.shape ?? null;
      if (!isCompatible(declared, value.shape)) throw wrongShape(context, declared, value.shape);
      context.resources.variables.set(keyOf(context), value.copy());
      return [];
    },
  },
  grad: 'none',
  batch: 'loop',
  effect: 'write',
  samples: [],
});

/** What the variable holds, and the other operand, joined element by element. */
const changed =
  (op: 'add' | 'sub'): NonNullable<Routine['assigns']> =>
  ({ inputs: [held, value] }) => [
    { input: 0, content: lazy(held.dtype, held.shape, (index) => bin(op, held.at(index), value.at(index))) },
  ];

defineOp({
  name: 'AssignAddVariableOp',
  signature: 'resource: resource, value: dtype -> | dtype: type',
  infer: checkArithmetic,
  lower: { routine: 'assign add variable', assigns: changed('add'), run: (context) => update(context, 1) },
  grad: 'none',
  batch: 'loop',
  effect: 'write',
  samples: [],
});

defineOp({
  name: 'AssignSubVariableOp',
  signature: 'resource: resource, value: dtype -> | dtype: type',
  infer: checkArithmetic,
  lower: { routine: 'assign sub variable', assigns: changed('sub'), run: (context) => update(context, -1) },
  grad: 'none',
  batch: 'loop',
  effect: 'write',
  samples: [],
});

defineOp({
  name: 'ResourceGather',
  signature:
    'resource: resource, indices: Tindices -> output: dtype | batch_dims: int = 0, validate_indices: bool = true, ' +
    'dtype: type, Tindices: {int32, int64}',
  infer: (op) => {
    const shape = checkedType(op, op.outputs[0].dtype)?.shape ?? null;
    if (shape?.length === 0)
      throw new ShapeError(`${op.type} '${op.name}': a scalar variable has no rows to gather.`, op.details());
    const indices = op.inputs[1].shape;
    const batch = op.intAttr('batch_dims');
    return [shape && indices && [...shape.slice(0, batch), ...indices.slice(batch), ...shape.slice(batch + 1)]];
  },
  lower: { routine: 'gather variable', elements: gatheredRows, run: gather },
  grad: (op, [dy]) => {
    if (op.intAttr('batch_dims') !== 0) {
      throw new InvalidArgumentError(`${op.type} '${op.name}': there is no gradient with batch_dims.`, op.details());
    }
    const [handle, indices] = op.inputs;
    const shape = variableShape(handle);
    const length = one('ExpandDims', [sizeOfTensor(indices), 0]);
    const valuesShape = one('ConcatV2', [[length, tailOf(shape, 1)], 0], {}, { name: 'concat' });
    const values = one('Reshape', [dy, valuesShape]);
    return [new IndexedSlices(values, one('Reshape', [indices, length]), shape), null];
  },
  batch: batchResourceGather,
  effect: 'read',
  samples: [],
});

/** The number of elements of `x` as an int32 scalar: a constant where it is known. */
function sizeOfTensor(x: Tensor): Tensor {
  const size = numElements(x.shape);
  if (size === null || !isFullyDefined(x.shape)) return one('Size', [x]);
  return x.graph.receiver.asDefault(() => convertToTensor(size, 'int32', 'Size'));
}

/** What the handle at input `position` holds. @throws DTypeError where that is not `dtype` */
export function checkedType(op: OpView, dtype: DType, position = 0): HandleType | null {
  const handle = op.inputs[position]!;
  const type = handleType(handle);
  if (type && type.dtype !== dtype) {
    throw new DTypeError(
      `${op.type} '${op.name}': the variable ${describeTensor(handle)} holds ${type.dtype}, not ${dtype}.`,
      op.details(),
    );
  }
  return type;
}

function checkAssignment(op: OpView): readonly Shape[] {
  const [handle, value] = op.inputs;
  const type = checkedType(op, value.dtype);
  if (type && !isCompatible(type.shape, value.shape)) {
    throw new ShapeError(
      `${op.type} '${op.name}': cannot assign ${describeTensor(value)} to the variable '${handle.name}': its shape is ` +
        `${formatShape(type.shape)}.`,
      op.details(),
    );
  }
  return [];
}

function checkArithmetic(op: OpView): readonly Shape[] {
  const { dtype } = op.inputs[1];
  if (!['float', 'int', 'complex'].includes(dtypeInfo(dtype).kind)) {
    throw new DTypeError(`${op.type} '${op.name}': variables of dtype ${dtype} have no arithmetic.`, op.details());
  }
  return checkAssignment(op);
}

function wrongShape(context: RoutineContext, expected: Shape, got: readonly number[]): InvalidArgumentError {
  const { op } = context;
  return new InvalidArgumentError(
    `${op.type} '${op.name}': cannot update variable ${keyOf(context)} of shape ${formatShape(expected)} using a tensor of ` +
      `shape ${formatShape(got)}.`,
    op.details(),
  );
}

/** Stores the variable's value plus, or minus, the operand. */
function update(context: RoutineContext, sign: 1 | -1): readonly NDArray[] {
  const old = valueOf(context);
  const delta = context.inputs[1];
  if (!shapesEqual(old.shape, delta.shape)) throw wrongShape(context, old.shape, delta.shape);
  const { dtype } = old;
  // The parts of complex numbers add up one by one.
  const part: DType = dtype === 'complex64' ? 'float32' : dtype === 'complex128' ? 'float64' : dtype;
  const length = old.size * (isComplex(dtype) ? 2 : 1);
  const result = allocate(part, length);
  for (let i = 0; i < length; i++) {
    const a = readElement(part, old.data, i);
    const b = readElement(part, delta.data, i);
    const sum = typeof a === 'bigint' ? a + BigInt(sign) * (b as bigint) : (a as number) + sign * (b as number);
    writeElement(part, result, i, sum);
  }
  context.resources.variables.set(keyOf(context), new NDArray(dtype, old.shape, result));
  return [];
}

/** The rows at indices that lie in the variable; the batch dimensions that both share come first. */
function gatheredRows({ op, inputs: [held, indices] }: LowerView): readonly Lazy[] {
  const batch = op.intAttr('batch_dims');
  const shape = [...held.shape.slice(0, batch), ...indices.shape.slice(batch), ...held.shape.slice(batch + 1)];
  const picked = indices.shape.length;
  const at = (index: readonly Expr[]): Expr => {
    const row = cast(bound(indices.at(index.slice(0, picked)), held.shape[batch]!, 'indices'), 'int32');
    return held.at([...index.slice(0, batch), row, ...index.slice(picked)]);
  };
  return [lazy(held.dtype, shape, at)];
}

function gather(context: RoutineContext): readonly NDArray[] {
  const value = valueOf(context);
  const { op } = context;
  const indices = context.inputs[1];
  const batch = op.intAttr('batch_dims');
  const rows = value.shape[batch] ?? 0;
  const outer = sizeOf(value.shape.slice(0, batch));
  const width = sizeOf(value.shape.slice(batch + 1)) * (isComplex(value.dtype) ? 2 : 1);
  const perBatch = outer === 0 ? 0 : indices.size / outer;
  const shape = [...value.shape.slice(0, batch), ...indices.shape.slice(batch), ...value.shape.slice(batch + 1)];
  const result = allocate(value.dtype, sizeOf(shape));
  for (let i = 0; i < indices.size; i++) {
    const row = Number(indices.element(i));
    if (row < 0 || row >= rows) {
      throw new InvalidArgumentError(
        `${op.type} '${op.name}': indices[${i}] = ${row} is not in [0, ${rows}).`,
        op.details(),
      );
    }
    const from = (Math.floor(i / perBatch) * rows + row) * width;
    for (let k = 0; k < width; k++) result[i * width + k] = value.data[from + k]!;
  }
  return [new NDArray(value.dtype, shape, result)];
}
