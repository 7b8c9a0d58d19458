/** Jacobians: the gradients of every element of a tensor, all at once. */
import { InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { describeTensor } from '../graph/node.js';
import { checkOptionNames } from '../graph/options.js';
import { unrecorded } from '../graph/recorders.js';
import { controlDependencies } from '../graph/scopes.js';
import { formatShape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { moveAxis } from '../ops/batching/operands.js';
import { convertToTensor, one } from '../ops/call.js';
import { composedInScope } from '../ops/compose.js';
import { assertEqualShapes } from '../ops/definitions/assert.js';
import { Variable } from '../ops/definitions/variable.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { item } from '../ops/indexing.js';
import { packLike, type Mapped, type Nest } from '../ops/nest.js';
import type { Gradient } from '../ops/opdef.js';
import { constantBeside, joined, scalarOf, shapeOf } from '../ops/rules.js';
import type { Operand } from '../ops/types.js';
import { checkUnconnected, gradients, type GradientOptions } from './gradients.js';
import { checkSeedOptions, forEachSeed, sizeOfShape, unitRows, type SeedOptions } from './seed-rows.js';
import { operandsIn, type TapeOperand } from './structures.js';

export interface JacobianOptions extends Omit<GradientOptions, 'gradYs'>, SeedOptions {}

/** What can have a Jacobian, or be what a Jacobian is by. */
export type JacobianOperand = Exclude<TapeOperand, IndexedSlices>;

/** A Jacobian, or null, in the place of each tensor of a nest. */
export type Jacobians<X> = [Nest<never>] extends [X] ? Nest<Tensor | null> : Mapped<X, TapeOperand, Tensor | null>;

/** The options of Jacobians. */
export const jacobianNames = [
  'aggregationMethod',
  'gateGradients',
  'colocateGradientsWithOps',
  'stopGradients',
  'unconnectedGradients',
  'maskedNaN',
  'parallelIterations',
  'usePfor',
  'name',
] as const;

/** The gradients of Σ seed · y by each x. */
export type Backward = (y: Tensor, seed: Tensor) => readonly (Gradient | null)[];

/**
 * The Jacobian of `y` by each x: element [i…, j…] is dy[i…] / dx[j…] (TensorFlow's `jacobian` of `parallel_for/gradients.py`, and
 * `GradientTape.jacobian`). The gradients of all elements of y are computed at once, by operations on all of them: the rules of
 * `vectorizedMap`. An operation that has none runs in a loop, which is said on the console.
 *
 * @param y a tensor or a variable (its value), of any shape
 * @param xs what to differentiate by: tensors or variables, nested at will in arrays and plain objects
 * @param options those of `gradients`, and how many rows are computed at once
 * @returns the nest of `xs`: in each place a tensor of shape `[...y.shape, ...x.shape]` and the dtype of x, or null where y does not
 *   depend on x, unless `unconnectedGradients` is 'zero'
 * @throws InvalidArgumentError for a bad option, IndexedSlices, or operands of several graphs; DTypeError where y is bool or string;
 *   LookupError where an operation on the way has no gradient
 * @example
 * const x = constant([1, 2, 3]);
 * jacobian(x.multiply(x), x); // [[2, 0, 0], [0, 4, 0], [0, 0, 6]]
 */
export function jacobian<const X extends Nest<JacobianOperand>>(
  y: JacobianOperand,
  xs: X,
  options: JacobianOptions = {},
): Jacobians<X> {
  const fn = 'jacobian';
  checkJacobianOptions(fn, options);
  const target = jacobianOperand(fn, 'y', y);
  const sources = jacobianOperands(fn, 'xs', xs);
  const { name, parallelIterations: _, usePfor: __, unconnectedGradients: ___, ...backward } = options;
  const operands = [target, ...sources] as readonly Operand[];
  const back: Backward = (y, seed) => gradients(y, sources, { ...backward, gradYs: [seed] });
  return composedInScope(fn, { name }, operands, () =>
    packLike(xs, jacobiansOf(target, sources, back, options)),
  ) as Jacobians<X>;
}

/** One Jacobian, or null, for each of `xs`. */
export function jacobiansOf(
  target: JacobianOperand,
  xs: readonly JacobianOperand[],
  backward: Backward,
  options: Pick<JacobianOptions, 'parallelIterations' | 'usePfor' | 'unconnectedGradients'>,
): readonly (Tensor | null)[] {
  const y = valueOf(target);
  const shape = shapeOf(y);
  const rows = () => unitRows(sizeOfShape(shape, y.shape), y);
  const each = (row: Tensor) => backward(y, shapedAs(y, one('Reshape', [row, shape])));
  const shapes = (i: number): Tensor => shapeOf(valueOf(xs[i]!));
  const all = takesGradient(y) ? forEachSeed({ each, shapeOf: shapes }, rows(), options) : xs.map(() => null);
  return all.map((stacked, i) => {
    if (stacked === null)
      return options.unconnectedGradients === 'zero' ? zerosOf(y, [shapeOf(valueOf(xs[i]!))], valueOf(xs[i]!)) : null;
    const result = one('Reshape', [stacked, joined([shape, item(shapeOf(stacked), { start: 1 })])]);
    const row = stacked.shape?.slice(1) ?? null;
    result.graph.refineShape(result, y.shape && row && [...y.shape, ...row]);
    return result;
  });
}

/**
 * The Jacobian of each row of `y` by the same row of `x`: element [b, i…, j…] is dy[b, i…] / dx[b, j…] (TensorFlow's `batch_jacobian` of
 * `parallel_for/gradients.py`). Right only where a row of y depends on no other row of x: the gradients of all rows are taken together.
 *
 * @param y a tensor or a variable of shape `[b, ...out]`
 * @param x likewise, of shape `[b, ...in]`
 * @param options those of `gradients`, and how many elements of a row are computed at once
 * @returns a tensor of shape `[b, ...out, ...in]` and the dtype of x, or null where y does not depend on x, unless
 *   `unconnectedGradients` is 'zero'
 * @throws ShapeError where y or x is a scalar, or their numbers of rows differ; otherwise as `jacobian`
 * @example
 * const x = constant([[1, 2], [3, 4]]);
 * batchJacobian(x.multiply(x), x); // [[[2, 0], [0, 4]], [[6, 0], [0, 8]]]
 */
export function batchJacobian(y: JacobianOperand, x: JacobianOperand, options: JacobianOptions = {}): Tensor | null {
  const fn = 'batchJacobian';
  checkJacobianOptions(fn, options);
  const [target, source] = [jacobianOperand(fn, 'y', y), jacobianOperand(fn, 'x', x)];
  checkRows(fn, 1, ['y', target], ['x', source]);
  const { name, parallelIterations: _, usePfor: __, unconnectedGradients: ___, ...backward } = options;
  const operands = [target, source] as readonly Operand[];
  return composedInScope(fn, { name }, operands, () =>
    batchJacobianOf(target, source, (y, seed) => gradients(y, [source], { ...backward, gradYs: [seed] }), options),
  );
}

/** The Jacobian of each row, or null. */
export function batchJacobianOf(
  target: JacobianOperand,
  source: JacobianOperand,
  backward: Backward,
  options: Pick<JacobianOptions, 'parallelIterations' | 'usePfor' | 'unconnectedGradients'>,
): Tensor | null {
  const [y, x] = [valueOf(target), valueOf(source)];
  const shape = shapeOf(y);
  const inner = item(shape, { start: 1 });
  const rows = () => unitRows(sizeOfShape(inner, y.shape?.slice(1) ?? null), y);
  const each = (row: Tensor) => {
    const seed = one('Reshape', [row, joined([constantBeside(y, [1], 'int32'), inner])]);
    return backward(y, shapedAs(y, one('BroadcastTo', [seed, shape])));
  };
  const work = { each, shapeOf: () => shapeOf(x) };
  const [stacked = null] = takesGradient(y) ? forEachSeed(work, rows(), options) : [];
  if (stacked === null && options.unconnectedGradients !== 'zero') return null;
  return sameRows(y, x, () => {
    if (stacked === null) return zerosOf(y, [item(shapeOf(x), { start: 1 })], x);
    const byRow = moveAxis(stacked, 1, 0, stacked.shape?.length ?? null);
    const result = one('Reshape', [byRow, joined([shape, item(shapeOf(byRow), { start: 2 })])]);
    const row = stacked.shape?.slice(2) ?? null;
    result.graph.refineShape(result, y.shape && row && [...y.shape, ...row]);
    return result;
  });
}

/** What `build` makes, checked at run time where it is not known before that `y` has as many rows as `x`. */
function sameRows(y: Tensor, x: Tensor, build: () => Tensor): Tensor {
  const known = [y, x].map(({ shape }) => shape?.[0] ?? null);
  if (!known.includes(null)) return build();
  const [rows, others] = [y, x].map((tensor) => item(one('Shape', [tensor]), { start: 0, stop: 1 }));
  return controlDependencies([assertEqualShapes(rows!, others!)], build);
}

/** What is true or false, or text, has none to pass on. */
const takesGradient = ({ dtype }: Tensor): boolean => dtype !== 'bool' && dtype !== 'string';

/** The tensor of an operand. To be differentiated is no use of a variable that a tape should take note of. */
const valueOf = (operand: JacobianOperand): Tensor => unrecorded(() => convertToTensor(operand));

/** `tensor`, which has the static shape of `like`. */
function shapedAs(like: Tensor, tensor: Tensor): Tensor {
  tensor.graph.refineShape(tensor, like.shape);
  return tensor;
}

/** Zeros of the shape of one after that of the other. */
function zerosOf(y: Tensor, shapes: readonly Tensor[], x: Tensor): Tensor {
  return one('Fill', [joined([shapeOf(y), ...shapes]), scalarOf(x.dtype, 0)], {}, { name: 'zeros' });
}

/** @throws InvalidArgumentError for an option that there is not, or a bad value of those that are its own */
export function checkJacobianOptions(
  fn: string,
  options: JacobianOptions,
  names: readonly string[] = jacobianNames,
): void {
  checkOptionNames(fn, options, names);
  checkSeedOptions(fn, options);
  checkUnconnected(fn, options.unconnectedGradients);
}

/** The tensors and variables of a nest. @throws InvalidArgumentError for any other leaf */
export function jacobianOperands(fn: string, argument: string, nest: Nest<TapeOperand>): JacobianOperand[] {
  return operandsIn(fn, argument, nest).map((operand) => {
    if (!(operand instanceof IndexedSlices)) return operand;
    throw new InvalidArgumentError(`${fn}: ${argument} holds IndexedSlices: make them dense by toTensor().`);
  });
}

/** The only operand. */
export function jacobianOperand(fn: string, argument: string, operand: unknown): JacobianOperand {
  if (operand instanceof Tensor || operand instanceof Variable) return operand as JacobianOperand;
  jacobianOperands(fn, argument, [operand as TapeOperand]);
  throw new InvalidArgumentError(
    `${fn}: ${argument} must be one tensor or variable, not ${Array.isArray(operand) ? 'a list' : 'an object'} of them.`,
  );
}

/** @throws ShapeError where an operand has a lower rank, or two have not as many rows */
export function checkRows(
  fn: string,
  rank: number,
  [yName, y]: readonly [argument: string, operand: JacobianOperand],
  [xName, x]: readonly [argument: string, operand: JacobianOperand],
): void {
  for (const [name, operand] of [
    [yName, y],
    [xName, x],
  ] as const) {
    // prettier-ignore
    if (operand.shape === null || operand.shape.length >= rank) continue;
    throw new ShapeError(`${fn}: ${name}, ${describeOperand(operand)}, must have rank ${rank} at least.`);
  }
  const [rows, others] = [y.shape?.[0] ?? null, x.shape?.[0] ?? null];
  if (rows === null || others === null || rows === others) return;
  throw new ShapeError(
    `${fn}: ${yName} and ${xName} must have the same first dimension: ${describeOperand(y)} has ${rows} rows, ${describeOperand(x)} has ${others}.`,
  );
}

const describeOperand = (operand: JacobianOperand): string =>
  operand instanceof Tensor
    ? describeTensor(operand)
    : `the variable '${operand.name}' (${operand.dtype}${formatShape(operand.shape)})`;
