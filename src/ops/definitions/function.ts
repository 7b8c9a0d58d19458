/** Functions of the graph's library that are called like JavaScript ones. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import type { Graph } from '../../graph/graph.js';
import { getDefaultGraph } from '../../graph/graph.js';
import { checkName } from '../../graph/names.js';
import { checkOptionNames } from '../../graph/options.js';
import { captured } from '../capture.js';
import type { Tensor } from '../../graph/tensor.js';
import { composed, usersOwn } from '../compose.js';
import { callBranches } from '../functional/branches.js';
import { assembled, partsOfResult, type BodyResult, type Outside, type Parts } from '../functional/results.js';
import { describeNest, flatten } from '../nest.js';
import { argumentFor, trace } from '../trace.js';
import type { Operand, OpOptions } from '../types.js';
import { choices } from './functional.js';

/** What a function may be called with: what it takes, or data in the place of a tensor. */
type Arguments<A extends readonly unknown[]> = { [K in keyof A]: A[K] | (A[K] extends Tensor ? Operand : never) };

/**
 * A function whose body becomes part of the graph's library; each call of it is one node (TensorFlow `tf.function`, which makes
 * PartitionedCall nodes). `fn` is called once for each structure, dtypes and shapes of arguments and each graph; it takes and returns nests of tensors
 * and may use tensors and variables around it. Differentiable to any order: the backward function is in the library too.
 *
 * @throws InvalidArgumentError where `fn` is not a function or returns what is no tensor
 * @example
 * const cube = tl.function((x) => x.multiply(x).multiply(x), { name: 'cube' });
 * const x = constant(2);
 * [cube(x), ...gradients(cube(x), x)]; // [8, 12]
 */
export function graphFunction<A extends readonly unknown[], R extends BodyResult>(
  fn: (...args: A) => R,
  options: OpOptions = {},
): (...args: Arguments<A>) => Outside<R> {
  const name = 'function';
  if (typeof fn !== 'function') throw new InvalidArgumentError(`${name}: it takes a function.`);
  checkOptionNames(name, options, ['name']);
  if (options.name !== undefined) checkName(options.name, false);
  const traced = new WeakMap<Graph, Map<string, Traced>>();
  const tracing = new Set<string>();
  return (...args) => {
    const own = usersOwn(fn);
    const call = (): unknown => {
      const graph = getDefaultGraph();
      const given = partsOfResult('function', args);
      const key = describe(given);
      const known = traced.get(graph) ?? new Map<string, Traced>();
      traced.set(graph, known);
      let body = known.get(key);
      if (!body || !isIn(graph, body)) {
        if (tracing.has(key))
          throw new InvalidArgumentError(`${name}: the function calls itself: that would never end. Use whileLoop.`);
        tracing.add(key);
        try {
          known.set(key, (body = traceFor(graph, given, own as never, options)));
        } finally {
          tracing.delete(key);
        }
      }
      const outputs = callBranches(choices.call(), [body.body], body.result.tensors.length, given.tensors, options);
      return assembled(body.result, outputs);
    };
    return composed(flatten(args as unknown) as readonly Operand[], call, name) as Outside<R>;
  };
}

interface Traced {
  readonly body: FunctionGraph;
  readonly result: Parts;
}

function traceFor(
  graph: Graph,
  given: Parts,
  fn: (...args: readonly unknown[]) => unknown,
  options: OpOptions,
): Traced {
  const specs = given.tensors.map((tensor, i) => argumentFor(tensor, `arg${i}`));
  return trace(options.name ?? 'function', graph, specs, (inputs, self) => {
    const parts = partsOfResult('function', fn(...(assembled(given, inputs) as readonly unknown[])));
    self.setOutputs(parts.tensors.map((tensor) => captured(self, tensor)));
    return parts;
  });
}

/** A body of a transaction that was rolled back is in the library no more. */
function isIn(graph: Graph, { body }: Traced): boolean {
  return graph.root.functions().some((fn) => fn.body === body);
}

function describe({ nest, leaves, tensors }: Parts): string {
  const types = tensors.map(({ dtype, shape }) => `${dtype}${JSON.stringify(shape)}`);
  return [describeNest(nest), leaves.map(({ kind }) => kind).join(), ...types].join('|');
}
