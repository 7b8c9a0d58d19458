/** Functions of tensors whose gradient is the user's (TensorFlow `tf.custom_gradient`). */
import { InvalidArgumentError } from '../graph/errors.js';
import { Tensor } from '../graph/tensor.js';
import { convertToTensor } from '../ops/call.js';
import type { Variable } from '../ops/definitions/variable.js';
import type { BodyResult, Outside } from '../ops/functional/results.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { flatten, isPlainObject, packLike, sameStructure } from '../ops/nest.js';
import type { Gradient, OpView } from '../ops/opdef.js';
import type { Operand } from '../ops/types.js';
import { calling, withGradient, type Leaf, type PassedAll, type TracedCall } from './traced-call.js';

/** The last argument of a gradient function, where the function it belongs to uses variables. */
export interface GradientVariables {
  /** The trainable variables used, by name. */
  readonly variables: readonly Variable[];
}

/** Gradients as a gradient function returns them: tensors or data, null where none flows, in any nest. */
export type GradientNest =
  Leaf | IndexedSlices | null | readonly GradientNest[] | { readonly [key: string]: GradientNest };

/**
 * From the gradients of the results, one argument each, to those of the arguments. Every argument is a tensor, but for the last one where
 * variables are used; the type says both, so that neither has to be spelled out.
 */
export type GradientFunction = (...dys: readonly (Tensor & GradientVariables)[]) => GradientNest;

const fn = 'customGradient';

/**
 * A function of tensors with a gradient of its own, in the place of that of the operations it makes (TensorFlow `tf.custom_gradient`). Each call of
 * it calls `f`, which returns its results and a gradient function; that is called whenever a gradient is taken through
 * them, with the gradient of each result, and returns that of each argument.
 *
 * Arguments and results may be nests of arrays and plain objects; then gradients come and go in their flat order: arrays by
 * position, objects by their keys as written (TensorFlow sorts keys). What is returned may also have the nest of the arguments. A result that is not
 * differentiable gets null, one that nothing uses zeros; null returned says that none flows. Higher orders differentiate the operations
 * that the gradient function makes.
 *
 * Trainable variables that `f` uses otherwise than as arguments are handed to the gradient function in a last argument `{ variables }`, in order of
 * name; it then returns `[dxs, dvariables]`, the latter a list with a gradient, or null, for each of them.
 *
 * @returns a function that takes tensors or what stands for them, data included, and returns the results of `f` in their nest
 * @throws InvalidArgumentError where `f` is no function. When called: where `f` returns anything but `[ys, gradient]`, a result is no tensor, they
 *   belong to several graphs, or variables are used and the gradient function takes no argument for them. When differentiated: where the number of gradients is
 *   wrong; DTypeError and ShapeError where one does not fit. What `f` or the gradient function throws passes through, and nothing stays in the graph.
 * @example
 * const log1pexp = customGradient((x) => {
 *   const e = exp(x);
 *   return [log(e.add(1)), (dy) => dy.multiply(sigmoid(x))];
 * });
 * const x = constant(100);
 * gradients(log1pexp(x), x); // [1]; where that of log(1 + exp(x)) is NaN
 *
 * const w = variable(3, { name: 'w' });
 * const scaled = customGradient((x) => [
 *   x.multiply(w),
 *   (dy, { variables: [v] }) => [dy.multiply(v), [dy.multiply(10)]],
 * ]);
 * session.runSync(w.initializer);
 * session.runSync(gradients(scaled(x), [x, w])); // [3, 10]
 */
export function customGradient<const X extends readonly Tensor[], const Y extends BodyResult>(
  f: (...xs: X) => readonly [Y, GradientFunction],
): (...xs: PassedAll<X>) => Outside<Y>;
export function customGradient<const X extends readonly unknown[], const Y extends BodyResult>(
  f: (...xs: X) => readonly [Y, GradientFunction],
): (...xs: PassedAll<X>) => Outside<Y>;
export function customGradient(
  f: (...xs: readonly never[]) => readonly [unknown, GradientFunction],
): (...xs: readonly unknown[]) => unknown {
  if (typeof f !== 'function') throw new InvalidArgumentError(`${fn}: it takes a function.`);
  return (...args) =>
    calling(
      fn,
      f,
      args,
      (pair) => checkedPair(pair)[0],
      (call) => {
        checkTakesVariables(call);
        const { graph, outputs, inputs, variables } = call;
        const results = withGradient(graph, outputs, [...inputs, ...variables], (op, dys) =>
          gradientsBy(call, op, dys),
        );
        // TensorFlow reads the variables once more: these names are taken, too.
        for (let i = 0; i < variables.length; i++) graph.uniqueName('ReadVariableOp');
        return packLike(call.ys, results);
      },
    );
}

type Call = TracedCall<readonly [unknown, GradientFunction]>;

function checkedPair(pair: unknown): readonly [unknown, GradientFunction] {
  if (Array.isArray(pair) && pair.length === 2 && typeof pair[1] === 'function') return pair as never;
  throw new InvalidArgumentError(
    `${fn}: the function must return [ys, gradient], synchronously: its results and a function from their gradients to those of its arguments.`,
  );
}

/** A function without parameters, or with a rest parameter, tells nothing: its result will. */
function checkTakesVariables({ result: [, gradient], outputs, variables }: Call): void {
  if (variables.length === 0 || gradient.length === 0 || gradient.length > outputs.length) return;
  throw new InvalidArgumentError(
    `${fn}: the function uses ${named(variables)}, so its gradient function must take, after ${outputs.length === 1 ? 'the gradient' : `the ${outputs.length} gradients`} of ` +
      `the results, a parameter { variables } without default, and return [dxs, dvariables].`,
  );
}

function named(variables: readonly Variable[]): string {
  return `the variable${variables.length === 1 ? '' : 's'} ${variables.map(({ name }) => `'${name}'`).join(', ')}`;
}

/** What the gradient function gives for the inputs, and for the variables. */
function gradientsBy(call: Call, op: OpView, dys: readonly (Gradient | null)[]): readonly (Gradient | null)[] {
  const { outputs, inputs, variables, args } = call;
  const [, gradient] = call.result;
  const dense = dys.map((dy) => dy && convertToTensor(dy));
  const last = variables.length > 0 ? [{ variables }] : [];
  const given: unknown = gradient(...([...dense, ...last] as unknown as (Tensor & GradientVariables)[]));
  const [dxs, dvs] = last.length > 0 ? splitGiven(call, op, given) : [given, []];
  const flat = inOrder(args, dxs);
  if (flat.length !== inputs.length)
    throw wrongCount(op, `${flat.length} for its ${inputs.length} input${inputs.length === 1 ? '' : 's'}`);
  const ofInputs = flat.map((dx, i) => gradientOf(op, dx, op.inputs[outputs.length + i]!, `input ${i}`));
  const ofVariables = dvs.map((dv, i) =>
    gradientOf(op, dv, op.inputs[outputs.length + inputs.length + i]!, `variable '${variables[i]!.name}'`),
  );
  return [...ofInputs, ...ofVariables];
}

/** `[dxs, dvariables]`. */
function splitGiven({ variables }: Call, op: OpView, given: unknown): readonly [unknown, readonly unknown[]] {
  if (!Array.isArray(given) || given.length !== 2 || !Array.isArray(given[1])) {
    throw new InvalidArgumentError(
      `${fn}: the function uses ${named(variables)}, so the gradient function of '${op.name}' (created at ${op.createdAt}) ` +
        'must return [dxs, dvariables], where dvariables is a list with a gradient or null for each of { variables }, its last argument.',
      op.details(),
    );
  }
  if (given[1].length !== variables.length)
    throw wrongCount(op, `${given[1].length} for ${variables.length} variables (${named(variables)})`);
  return given as unknown as readonly [unknown, readonly unknown[]];
}

function wrongCount(op: OpView, what: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${fn}: the gradient function of '${op.name}' (created at ${op.createdAt}) must return a gradient, or null, for each; it returns ${what}.`,
    op.details(),
  );
}

/** Gradients in the order of the arguments, be they in their nest or in another one. */
function inOrder(args: readonly unknown[], dxs: unknown): readonly unknown[] {
  const nest = args.length === 1 && !sameStructure(args, dxs) ? args[0] : args;
  return sameStructure(nest, dxs) ? leavesLike(nest, dxs) : flatten(dxs);
}

function leavesLike(nest: unknown, like: unknown): unknown[] {
  if (Array.isArray(nest)) return nest.flatMap((item, i) => leavesLike(item, (like as readonly unknown[])[i]));
  if (isPlainObject(nest))
    return Object.keys(nest).flatMap((key) => leavesLike(nest[key], (like as Record<string, unknown>)[key]));
  return [like];
}

function gradientOf(op: OpView, dx: unknown, x: Tensor, what: string): Gradient | null {
  if (dx === null || dx instanceof Tensor || dx instanceof IndexedSlices) return dx;
  try {
    return convertToTensor(dx as Operand, x.dtype);
  } catch (error) {
    throw new InvalidArgumentError(
      `${fn}: the gradient function of '${op.name}' (created at ${op.createdAt}) gives for ${what} what is no gradient: ${(error as Error).message}`,
      { ...op.details(), cause: error },
    );
  }
}

/**
 * A function that computes what `f` does and passes gradients on as if it did nothing: the gradient of each result goes to the argument
 * in its place (TensorFlow `tf.grad_pass_through`). For steps that have none of their own, such as rounding or an assignment. Variables used in `f` get none.
 * @throws InvalidArgumentError where `f` is no function; when called, where `f` returns anything but as many tensors as it takes; when differentiated,
 *   ShapeError and DTypeError where a result differs from its argument
 * @example
 * const x = constant([1.4, 2.6]);
 * const y = gradPassThrough((x) => round(x))(x);
 * [y, ...gradients(y, x)]; // [[1, 3], [1, 1]]
 */
export function gradPassThrough<const X extends readonly Tensor[], const Y extends BodyResult>(
  f: (...xs: X) => Y,
): (...xs: PassedAll<X>) => Outside<Y>;
export function gradPassThrough<const X extends readonly unknown[], const Y extends BodyResult>(
  f: (...xs: X) => Y,
): (...xs: PassedAll<X>) => Outside<Y>;
export function gradPassThrough(f: (...xs: readonly never[]) => unknown): (...xs: readonly unknown[]) => unknown {
  const name = 'gradPassThrough';
  if (typeof f !== 'function') throw new InvalidArgumentError(`${name}: it takes a function.`);
  return (...args) =>
    calling(
      name,
      f,
      args,
      (ys) => ys,
      ({ graph, outputs, inputs, variables, ys }) => {
        if (outputs.length !== inputs.length) {
          throw new InvalidArgumentError(
            `${name}: the function must return as many tensors as it takes; it takes ${inputs.length} and returns ${outputs.length}.`,
          );
        }
        const results = withGradient(graph, outputs, [...inputs, ...variables], (_, dys) => [
          ...dys,
          ...variables.map(() => null),
        ]);
        for (let i = 0; i < variables.length; i++) graph.uniqueName('ReadVariableOp');
        return packLike(ys, results);
      },
    );
}
