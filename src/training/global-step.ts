/** The variable that counts the steps of a training program. */
import { dtypeInfo } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, ShapeError } from '../graph/errors.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import { checkOptionNames } from '../graph/options.js';
import { formatShape } from '../graph/shape.js';
import { zeros } from '../ops/definitions/array-fill.js';
import { variable, variableBehind, type Variable } from '../ops/definitions/variable.js';

const collection = 'global_step';

export interface GlobalStepOptions {
  /** The graph that has it; the default graph unless given. */
  readonly graph?: Graph;
}

/**
 * The global step of the graph, or null: what `createGlobalStep` made, or else a variable called `global_step` (TensorFlow
 * `tf.compat.v1.train.get_global_step`).
 * @throws DTypeError or ShapeError where it is no integer scalar
 * @example
 * train.getGlobalStep(); // null
 */
export function getGlobalStep(options: GlobalStepOptions = {}): Variable | null {
  const graph = graphOf('getGlobalStep', options);
  const [name = collection] = graph.collection(collection);
  const op = graph.find(name);
  const handle = op?.outputs[0];
  const found = handle && variableBehind(handle);
  if (!found) return null;
  const { kind } = dtypeInfo(found.dtype);
  if (kind !== 'int') throw new DTypeError(`The global step '${found.name}' is ${found.dtype}, not an integer.`);
  if (found.shape !== null && found.shape.length > 0)
    throw new ShapeError(`The global step '${found.name}' is not a scalar: its shape is ${formatShape(found.shape)}.`);
  return found;
}

/**
 * Makes the global step of the graph: an int64 variable called `global_step` that starts as 0 and is not trained, whatever
 * name scope is open (TensorFlow `tf.compat.v1.train.create_global_step`).
 * @throws InvalidArgumentError where the graph has one
 * @example
 * train.createGlobalStep().name; // 'global_step:0'
 */
export function createGlobalStep(options: GlobalStepOptions = {}): Variable {
  const graph = graphOf('createGlobalStep', options);
  if (getGlobalStep({ graph }))
    throw new InvalidArgumentError('createGlobalStep: the graph has a global step already.');
  const make = () => variable(() => zeros([], { dtype: 'int64' }), { name: collection, trainable: false });
  const build = (): Variable => {
    const made = graph.asDefault(() => graph.withScope({ name: '' }, make));
    graph.addToCollection(collection, made.handle.op.name);
    return made;
  };
  return graph.attempt(() => graph.atSite(build));
}

/**
 * The global step of the graph, made where it is missing (TensorFlow `tf.compat.v1.train.get_or_create_global_step`).
 * @throws DTypeError or ShapeError where there is a `global_step` that is no integer scalar
 * @example
 * const w = variable(1, { name: 'w' });
 * const globalStep = train.getOrCreateGlobalStep();
 * const step = new train.GradientDescentOptimizer(0.1).minimize(square(w), { globalStep });
 * session.runSync(globalVariablesInitializer());
 * session.runSync(step);
 * session.runSync(globalStep); // 1n
 */
export function getOrCreateGlobalStep(options: GlobalStepOptions = {}): Variable {
  const graph = graphOf('getOrCreateGlobalStep', options);
  return getGlobalStep({ graph }) ?? createGlobalStep({ graph });
}

function graphOf(fn: string, options: GlobalStepOptions): Graph {
  checkOptionNames(fn, options, ['graph']);
  return (options.graph ?? getDefaultGraph()).root;
}
