/** Additions to some rows of a variable, without reading or writing the rest. */
import type { InvalidArgumentError } from '../../graph/errors.js';
import { NDArray } from '../../graph/ndarray.js';
import { formatShape, mergeShapes, shapesEqual, sizeOf, type Shape } from '../../graph/shape.js';
import { batchResourceScatterAdd } from '../batching/indexing.js';
import { numbers } from '../indexing.js';
import { defineOp, type OpView, type RoutineContext } from '../opdef.js';
import { addRows } from '../routines/scatter.js';
import { argumentError, shapeError } from '../shape-rules.js';
import { checkedType, keyOf, valueOf } from './variable-ops.js';

defineOp({
  name: 'ResourceScatterAdd',
  signature: 'resource: resource, indices: Tindices, updates: dtype -> | dtype: numbertype, Tindices: {int32, int64}',
  infer: checkRows,
  lower: {
    routine: 'scatter add',
    scatter: { base: 0, indices: 1, updates: 2, dropsNegative: false, what: 'indices', places: 'number' },
    run: scatterAddVariable,
  },
  grad: 'none',
  batch: batchResourceScatterAdd,
  effect: 'write',
  samples: [],
});

/** The updates are one row for each index, or a scalar for all. */
function checkRows(op: OpView): readonly Shape[] {
  const [, indices, updates] = op.inputs;
  const shape = checkedType(op, updates.dtype)?.shape ?? null;
  if (shape?.length === 0) throw shapeError(op, 'a scalar variable has no rows', []);
  if (updates.shape?.length === 0 || shape === null || indices.shape === null) return [];
  const expected = [...indices.shape, ...shape.slice(1)];
  if (mergeShapes(updates.shape, expected) !== undefined) return [];
  throw shapeError(op, `the updates must have the shape ${formatShape(expected)}`, [updates]);
}

function scatterAddVariable(context: RoutineContext): readonly NDArray[] {
  const [, indices, updates] = context.inputs;
  const old = valueOf(context);
  const rest = old.shape.slice(1);
  const expected = [...indices.shape, ...rest];
  const invalid = (what: string): InvalidArgumentError => argumentError(context.op, what);
  if (old.shape.length === 0 || old.dtype !== updates.dtype)
    throw invalid(`variable ${keyOf(context)} is ${old.dtype}${formatShape(old.shape)}`);
  const scalar = updates.shape.length === 0;
  if (!scalar && !shapesEqual(updates.shape, expected)) {
    throw invalid(`the updates have the shape ${formatShape(updates.shape)}; ${formatShape(expected)} is needed`);
  }
  const places = numbers(indices);
  const bad = places.findIndex((place) => place < 0 || place >= old.shape[0]!);
  if (bad >= 0) throw invalid(`indices[${bad}] = ${places[bad]} is not in [0, ${old.shape[0]})`);
  const sum = old.copy();
  addRows(sum, scalar ? NDArray.filled(updates.dtype, expected, updates.element(0)) : updates, places, sizeOf(rest));
  context.resources.variables.set(keyOf(context), sum);
  return [];
}
