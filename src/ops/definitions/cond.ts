/** Conditionals and function calls: what runs is decided, or shared, at run time. */
import type { DType } from '../../graph/dtype.js';
import { DTypeError, InvalidArgumentError } from '../../graph/errors.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import { getDefaultGraph, type Graph } from '../../graph/graph.js';
import { describeTensor } from '../../graph/node.js';
import { checkOptionNames } from '../../graph/options.js';
import { nameScope } from '../../graph/scopes.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { composed, usersOwn } from '../compose.js';
import { callBranches } from '../functional/branches.js';
import { assembled, partsOfResult, type BodyResult, type Outside, type Parts } from '../functional/results.js';
import { checkSameStructure } from '../nest.js';
import { trace } from '../trace.js';
import type { Operand, OpOptions, TensorLike } from '../types.js';
import { choices } from './functional.js';

/**
 * The result of `trueFn` where `pred` holds, else of `falseFn`: only one of them runs (TensorFlow `tf.cond`). Both are called once, to build
 * their parts of the graph; they may use any tensors and variables around them. They return tensors, or nests of arrays and plain
 * objects of them, alike in structure and dtypes. Differentiable to any order; a variable or tensor that only one of them uses gets zeros from the other.
 *
 * @param pred a scalar, bool or a number that counts as true unless it is 0
 * @throws InvalidArgumentError where `pred` is a JavaScript boolean, or the results differ in structure; DTypeError where they differ in dtype
 * @example
 * const x = constant(3);
 * cond(x.greater(2), () => x.multiply(x), () => x.negative()); // 9
 */
export function cond<T extends BodyResult, F extends BodyResult>(
  pred: TensorLike,
  trueFn: () => T,
  falseFn: () => F,
  options: OpOptions = {},
): Outside<T | F> {
  checkOptionNames('cond', options, ['name']);
  if (typeof pred === 'boolean') {
    throw new InvalidArgumentError(
      `cond: pred is the JavaScript value ${String(pred)}, known when the graph is built: use an if statement instead.`,
    );
  }
  return choose('cond', options.name ?? 'cond', pred, [trueFn, falseFn], ['true', 'false'], choices.if) as Outside<
    T | F
  >;
}

/**
 * The result of one of several functions, chosen by its position (TensorFlow `tf.switch_case`). As with `cond`, only the chosen one
 * runs. Where `branchIndex` is out of range, the last one does.
 *
 * @param branchIndex an int32 scalar
 * @throws InvalidArgumentError where there is no branch, or the results differ in structure; DTypeError where they differ in dtype
 * @example
 * const x = constant(3);
 * switchCase(constant(1, { dtype: 'int32' }), [() => x, () => x.multiply(2), () => x.multiply(3)]); // 6
 */
export function switchCase<T extends BodyResult>(
  branchIndex: TensorLike<'int32'>,
  branchFns: readonly (() => T)[],
  options: OpOptions = {},
): Outside<T> {
  checkOptionNames('switchCase', options, ['name']);
  if (!Array.isArray(branchFns) || branchFns.length === 0)
    throw new InvalidArgumentError('switchCase: there must be at least one branch.');
  if (typeof branchIndex === 'number') {
    throw new InvalidArgumentError(
      `switchCase: branchIndex is the JavaScript value ${String(branchIndex)}, known when the graph is built: call that function.`,
    );
  }
  const names = branchFns.map((_, i) => `branch${i}`);
  return choose(
    'switchCase',
    options.name ?? 'switch_case',
    branchIndex,
    branchFns,
    names,
    choices.case,
    'int32',
  ) as Outside<T>;
}

/** Traces every function and calls the one that the selector chooses. */
function choose(
  fn: string,
  name: string,
  selector: Operand,
  functions: readonly (() => BodyResult)[],
  names: readonly string[],
  choice: typeof choices.if,
  dtype?: DType,
): unknown {
  for (const each of functions)
    if (typeof each !== 'function') throw new InvalidArgumentError(`${fn}: every branch must be a function.`);
  if (selector === null || selector === undefined)
    throw new InvalidArgumentError(`${fn}: what decides is ${String(selector)}, not a tensor.`);
  const own = functions.map(usersOwn);
  const build = (scope: string): unknown => {
    const operand = scalar(fn, convertToTensor(selector, dtype));
    const traced = own.map((each, i) => branch(fn, `${scope}${names[i]}`, each));
    const [first, ...others] = traced.map(({ parts }) => parts);
    for (const [i, other] of others.entries()) checkAlike(fn, names[0]!, names[i + 1]!, first!, other);
    const outputs = callBranches(
      choice(operand),
      traced.map(({ body }) => body),
      first!.tensors.length,
      [],
      { name: scope },
    );
    return assembled(first!, outputs);
  };
  return composed([selector], () => nameScope(name, build), fn);
}

/** A scalar; a tensor of one element becomes one. */
function scalar(fn: string, tensor: Tensor): Tensor {
  if (tensor.shape?.length === 0) return tensor;
  if (tensor.shape?.some((dim) => dim !== null && dim !== 1)) {
    throw new InvalidArgumentError(
      `${fn}: ${describeTensor(tensor)} decides, and must be a scalar.`,
      tensor.op.details(),
    );
  }
  return one('Reshape', [tensor, new Int32Array(0)], {}, { name: 'Squeeze' });
}

function branch(
  fn: string,
  name: string,
  build: () => BodyResult,
): { readonly body: FunctionGraph; readonly parts: Parts } {
  const graph: Graph = getDefaultGraph();
  const { body, result } = trace(name, graph, [], (_, self) => {
    const parts = partsOfResult(fn, build());
    self.setOutputs(parts.tensors.map((tensor) => captured(self, tensor)));
    return parts;
  });
  return { body, parts: result };
}

/** Results must agree in structure, in what their leaves are, and in dtypes. */
function checkAlike(fn: string, nameA: string, nameB: string, a: Parts, b: Parts): void {
  checkSameStructure(fn, `the result of the ${nameB} function, as that of the ${nameA} function,`, a.nest, b.nest);
  a.leaves.forEach((leaf, i) => {
    const other = b.leaves[i]!;
    if (leaf.kind !== other.kind) {
      throw new InvalidArgumentError(
        `${fn}: result ${i} of the ${nameA} function is ${leaf.kind}, that of the ${nameB} function ${other.kind}.`,
      );
    }
    leaf.tensors.forEach((tensor, j) => {
      const peer = other.tensors[j]!;
      if (tensor.dtype !== peer.dtype) {
        throw new DTypeError(
          `${fn}: result ${i} of the ${nameA} function is ${describeTensor(tensor)}, that of the ${nameB} function ${describeTensor(peer)}: ` +
            `the dtypes must agree. Use cast(x, '${tensor.dtype}').`,
        );
      }
    });
  });
}
