/** Loops whose number of iterations is decided at run time. */
import { DTypeError, InvalidArgumentError, ShapeError } from '../../graph/errors.js';
import { getDefaultGraph } from '../../graph/graph.js';
import { describeTensor } from '../../graph/node.js';
import { checkBoolean, checkOptionNames } from '../../graph/options.js';
import { nameScope } from '../../graph/scopes.js';
import { formatShape, isCompatible, mergeShapes, shapesEqual, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { composed, ofUser } from '../compose.js';
import { callLoop } from '../functional/loops.js';
import { assembled, partsLike, partsOfResult, type AnyShape, type Outside, type Parts } from '../functional/results.js';
import { flatten } from '../nest.js';
import { argumentFor, trace } from '../trace.js';
import type { Operand, OpOptions, TensorLike } from '../types.js';
import { stopGradient } from './constant.js';
import './functional.js';

export interface WhileLoopOptions extends OpOptions {
  /** After so many iterations the loop ends, whatever `cond` says: a number, or an int32 scalar. */
  readonly maximumIterations?: number | TensorLike<'int32'>;
  /** Shapes that hold in all iterations, one for each tensor among the loop variables, with null where a dimension changes. By default what they start with. */
  readonly shapeInvariants?: readonly Shape[];
  /** Whether the loop can be differentiated; true by default. Without it, it keeps nothing of its iterations. */
  readonly backProp?: boolean;
  /** How many iterations a TensorFlow runtime may overlap; 10 by default. Here they run one after another. */
  readonly parallelIterations?: number;
}

/** The loop variables as `cond` and `body` get them, and as the loop gives them. */
type Variables<V extends readonly unknown[]> = { -readonly [K in keyof V]: Outside<V[K]> };
/** Those whose shapes may change. */
type OpenVariables<V extends readonly unknown[]> = { -readonly [K in keyof V]: AnyShape<Outside<V[K]>> };

/**
 * Calls `body` on the loop variables as long as `cond` of them holds (TensorFlow `tf.while_loop`). Both are called once, to build
 * their parts of the graph, with tensors that stand for the variables; they may use any tensors around them, which
 * are the same in every iteration. `body` returns the variables' new values, with the same structure, dtypes and shapes.
 * Differentiable to any order; a loop that runs not once passes gradients straight through.
 *
 * @param cond gives a bool scalar
 * @param loopVars a list of tensors, data, slices, or nests of them: one for each argument of `cond` and `body`
 * @returns the variables after the last iteration, in the structure of `loopVars`
 * @throws InvalidArgumentError for a result of another structure or a bad option; DTypeError or ShapeError where a variable changes its
 *   dtype or, unless `shapeInvariants` allows it, its shape
 * @example
 * const [i, x] = whileLoop((i) => i.less(3), (i, x) => [i.add(1), x.multiply(2)], [constant(0, { dtype: 'int32' }), constant(1)]);
 * [i, x]; // [3, 8]
 */
export function whileLoop<const V extends readonly unknown[]>(
  cond: (...vars: OpenVariables<V>) => TensorLike | boolean,
  body: (...vars: OpenVariables<V>) => unknown,
  loopVars: V,
  options: WhileLoopOptions & { readonly shapeInvariants: readonly Shape[] },
): OpenVariables<V>;
export function whileLoop<const V extends readonly unknown[]>(
  cond: (...vars: Variables<V>) => TensorLike | boolean,
  body: (...vars: Variables<V>) => unknown,
  loopVars: V,
  options?: WhileLoopOptions,
): Variables<V>;
export function whileLoop(
  cond: (...vars: readonly never[]) => unknown,
  body: (...vars: readonly never[]) => unknown,
  loopVars: readonly unknown[],
  options: WhileLoopOptions = {},
): unknown {
  const settings = checkOptions(options);
  if (typeof cond !== 'function' || typeof body !== 'function')
    throw new InvalidArgumentError('whileLoop: cond and body must be functions.');
  if (!Array.isArray(loopVars) || loopVars.length === 0)
    throw new InvalidArgumentError('whileLoop: loopVars must be a list of at least one variable.');
  const operands = flatten(loopVars) as Operand[];
  const loop = new Loop(
    ofUser('whileLoop: cond', cond as Fn),
    ofUser('whileLoop: body', body as Fn),
    loopVars,
    settings,
  );
  return composed(
    operands.filter((value) => value !== null && value !== undefined),
    () => nameScope(options.name ?? 'while', (scope) => loop.build(scope)),
    'whileLoop',
  );
}

type Fn = (...vars: readonly unknown[]) => unknown;

interface Settings {
  readonly limit: number | TensorLike<'int32'> | null;
  readonly invariants: readonly Shape[] | null;
  readonly backProp: boolean;
  readonly parallelIterations: number;
}

function checkOptions(options: WhileLoopOptions): Settings {
  checkOptionNames('whileLoop', options, [
    'maximumIterations',
    'shapeInvariants',
    'backProp',
    'parallelIterations',
    'name',
  ]);
  const parallelIterations = options.parallelIterations ?? 10;
  if (!Number.isInteger(parallelIterations) || parallelIterations < 1)
    throw new InvalidArgumentError(
      `whileLoop: 'parallelIterations' must be a positive integer, not ${parallelIterations}.`,
    );
  const limit = options.maximumIterations ?? null;
  if (typeof limit === 'number' && (!Number.isInteger(limit) || limit < 0))
    throw new InvalidArgumentError(`whileLoop: 'maximumIterations' must be an integer of at least 0, not ${limit}.`);
  const backProp = checkBoolean('whileLoop', 'backProp', options.backProp ?? true);
  return { limit, invariants: checkInvariants(options.shapeInvariants), backProp, parallelIterations };
}

function checkInvariants(shapes: readonly Shape[] | undefined): readonly Shape[] | null {
  if (shapes === undefined) return null;
  const isDim = (dim: unknown): boolean => dim === null || (Number.isInteger(dim) && (dim as number) >= 0);
  const isShape = (shape: unknown): boolean => shape === null || (Array.isArray(shape) && shape.every(isDim));
  if (!Array.isArray(shapes))
    throw new InvalidArgumentError(
      "whileLoop: 'shapeInvariants' must be a list of shapes, one for each loop variable.",
    );
  const odd = shapes.findIndex((shape) => !isShape(shape));
  if (odd < 0) return shapes as readonly Shape[];
  throw new InvalidArgumentError(
    `whileLoop: shapeInvariants[${odd}] is no shape: it must be null or a list of dimensions, each null or an integer of at least 0.`,
  );
}

class Loop {
  readonly #cond: Fn;
  readonly #body: Fn;
  readonly #vars: readonly unknown[];
  readonly #settings: Settings;

  constructor(cond: Fn, body: Fn, vars: readonly unknown[], settings: Settings) {
    this.#cond = cond;
    this.#body = body;
    this.#vars = vars;
    this.#settings = settings;
  }

  build(scope: string): unknown {
    const graph = getDefaultGraph();
    const { limit, backProp, parallelIterations } = this.#settings;
    const start = partsOfResult('whileLoop', this.#vars);
    const maximum = convertToTensor(limit ?? -1, 'int32', 'maximum_iterations');
    if (!isCompatible(maximum.shape, [])) {
      throw new ShapeError(
        `whileLoop: 'maximumIterations' must be a scalar: ${describeTensor(maximum)}.`,
        maximum.op.details(),
      );
    }
    const counter = convertToTensor(0, 'int32', 'loop_counter');
    const shapes = this.#shapes(start);
    const inputs = [counter, maximum, ...start.tensors];
    const all = [counter.shape, maximum.shape, ...shapes];
    const specs = inputs.map((input, i) => argumentFor(input, undefined, all[i]));
    const { body: cond } = trace(`${scope}cond`, graph, specs, (args, self) => {
      self.setOutputs([captured(self, this.#test(start, args))]);
    });
    const { body } = trace(`${scope}body`, graph, specs, (args, self) => {
      const [count, most, ...vars] = args as readonly [Tensor, Tensor, ...Tensor[]];
      const next = this.#step(start, vars);
      const outputs = [one('AddV2', [count, 1], {}, { name: 'add' }), most, ...next];
      self.setOutputs(outputs.map((output) => captured(self, output)));
    });
    const outputs = callLoop({ cond, body, inputs, shapes: all, parallelIterations, backProp, name: scope }).slice(2);
    return assembled(start, backProp ? outputs : outputs.map((output) => stopGradient(output)));
  }

  /** The shapes of the variables in all iterations. */
  #shapes({ tensors }: Parts): readonly Shape[] {
    const { invariants } = this.#settings;
    if (invariants === null) return tensors.map(({ shape }) => shape);
    if (invariants.length !== tensors.length) {
      throw new InvalidArgumentError(
        `whileLoop: 'shapeInvariants' has ${invariants.length} entries for ${tensors.length} loop variables.`,
      );
    }
    return tensors.map((tensor, i) => {
      const shape = invariants[i]!;
      if (!isCompatible(tensor.shape, shape)) {
        throw new ShapeError(
          `whileLoop: loop variable ${i} starts as ${describeTensor(tensor)}, which its shape invariant ${formatShape(shape)} excludes.`,
        );
      }
      return shape;
    });
  }

  #test(start: Parts, [counter, limit, ...vars]: readonly Tensor[]): Tensor {
    const value = this.#cond(...(assembled(start, vars) as readonly unknown[]));
    const test = scalarTest(convertToTensor(value as Operand));
    return this.#settings.limit === null ? test : one('LogicalAnd', [one('Less', [counter!, limit!]), test]);
  }

  #step(start: Parts, vars: readonly Tensor[]): readonly Tensor[] {
    const result = this.#body(...(assembled(start, vars) as readonly unknown[]));
    // A loop over one variable may give it without a list around it.
    const nest = this.#vars.length === 1 && !Array.isArray(result) ? [result] : result;
    const next = partsLike('whileLoop', 'what body returns', nest, start);
    next.tensors.forEach((tensor, i) => checkVariable(i, vars[i]!, tensor));
    return next.tensors;
  }
}

function checkVariable(i: number, before: Tensor, after: Tensor): void {
  if (before.dtype !== after.dtype) {
    throw new DTypeError(
      `whileLoop: loop variable ${i} is ${before.dtype} at first and ${after.dtype} after an iteration (${describeTensor(after)}).`,
      after.op.details(),
    );
  }
  const merged = mergeShapes(before.shape, after.shape);
  if (merged !== undefined && shapesEqual(merged, after.shape)) return;
  throw new ShapeError(
    `whileLoop: loop variable ${i} has shape ${formatShape(before.shape)} at first and ${formatShape(after.shape)} after an iteration ` +
      `(${describeTensor(after)}). Where the shape may change, say so in shapeInvariants.`,
    after.op.details(),
  );
}

function scalarTest(test: Tensor): Tensor {
  if (test.dtype !== 'bool')
    throw new DTypeError(`whileLoop: cond must give a bool, and gives ${describeTensor(test)}.`, test.op.details());
  if (test.shape?.length === 0) return test;
  if (test.shape?.some((dim) => dim !== null && dim !== 1))
    throw new ShapeError(`whileLoop: cond must give a scalar, and gives ${describeTensor(test)}.`, test.op.details());
  return one('Reshape', [test, new Int32Array(0)], {}, { name: 'Squeeze' });
}
