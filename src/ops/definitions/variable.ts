/** Resource variables: state that a session keeps between runs. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { FunctionGraph } from '../../graph/function-graph.js';
import { Graph, getDefaultGraph } from '../../graph/graph.js';
import type { TensorData } from '../../graph/ndarray.js';
import type { Operation } from '../../graph/operation.js';
import { unrecorded } from '../../graph/recorders.js';
import type { Placed } from '../../graph/scope.js';
import { controlDependencies, nameScope } from '../../graph/scopes.js';
import { isFullyDefined, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { call, convertToTensor, one } from '../call.js';
import { originOf } from '../capture.js';
import type { AsShape, DTypeOfData, ShapeOfData } from '../literals.js';
import { receivesMethods } from '../methods.js';
import type { Operand, OpOptions, TensorConvertible, TensorLike } from '../types.js';
import { group } from './control.js';
import './variable-ops.js';

export { handleType, variableShape, variableType, type VariableType } from './variable-ops.js';

/** The methods of tensors, which variables have too: they read the variable first. */
type TensorMethods<D extends DType, S extends Shape> = Omit<
  Tensor<D, S>,
  'op' | 'index' | 'dtype' | 'shape' | 'name' | 'graph' | 'setShape' | 'toString'
>;

interface VariableParts<D extends DType, S extends Shape> {
  readonly handle: Tensor<'resource', []>;
  readonly dtype: D;
  readonly shape: S;
  readonly trainable: boolean;
  readonly initialValue: Tensor<D>;
  readonly initializer: Operation;
  readonly fetchable: Tensor<D, S>;
  /** The assignment that reads come after. */
  readonly after: Operation | null;
  readonly constraint: Constraint | null;
  readonly restored: boolean;
}

/** What an optimizer replaces the value of a variable by after each of its updates. */
export type Constraint = (variable: Variable) => Operand;

/**
 * A variable: a value that a session keeps between runs, and that assignments change (TensorFlow `tf.Variable`, a resource
 * variable in graph mode). Usable wherever a tensor is; each such use reads it afresh.
 *
 * @example
 * const v = variable([1, 2], { name: 'v' });
 * session.runSync(globalVariablesInitializer());
 * session.runSync(v.assignAdd([1, 1])); // [2, 3]
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging -- tensor methods are installed on the prototype
export class Variable<out D extends DType = DType, out S extends Shape = Shape> implements TensorConvertible<D, S> {
  /** What identifies the variable in the graph. */
  readonly handle: Tensor<'resource', []>;
  readonly dtype: D;
  readonly shape: S;
  /** Whether optimizers change it unless told otherwise. */
  readonly trainable: boolean;
  readonly initialValue: Tensor<D>;
  /** The operation that assigns the initial value. */
  readonly initializer: Operation;
  /** The tensor that stands for the variable where it is fetched: of an assignment's result, a read that comes after it. */
  readonly fetchable: Tensor<D, S>;
  /** What optimizers replace the value by after each update. */
  readonly constraint: Constraint | null;
  /** Whether it has no initial value, as variables of models that were loaded: `initializer` assigns what is fed for `initialValue`. */
  readonly restored: boolean;
  readonly #after: Operation | null;

  /** @internal */
  constructor(parts: VariableParts<D, S>) {
    this.handle = parts.handle;
    this.dtype = parts.dtype;
    this.shape = parts.shape;
    this.trainable = parts.trainable;
    this.initialValue = parts.initialValue;
    this.initializer = parts.initializer;
    this.fetchable = parts.fetchable;
    this.constraint = parts.constraint;
    this.restored = parts.restored;
    this.#after = parts.after;
  }

  /** The operation that makes the handle; of what an assignment returns, the assignment. */
  get op(): Operation {
    return this.#after ?? this.handle.op;
  }

  /** The name of the handle, `v:0`; of what an assignment returns, that of the assignment. */
  get name(): string {
    return this.#after?.name ?? this.handle.name;
  }

  get graph(): Graph {
    return this.handle.graph;
  }

  /** A new read of the value. */
  value(options?: OpOptions): Tensor<D, S> {
    const read = (): Tensor<D, S> =>
      one('ReadVariableOp', [this.handle], { dtype: this.dtype }, options) as Tensor<D, S>;
    return this.#after ? this.#ordered(read) : this.graph.withScope({ colocation: [], device: '' }, read);
  }

  /** What operands of that variable become: a new read. */
  toTensor(): Tensor<D, S> {
    return this.value();
  }

  /**
   * Replaces the value (TensorFlow `Variable.assign`). The result stands for the variable after the assignment: as an
   * operand or a fetch it is the new value, as a control input the assignment, and further assignments to it come later.
   * @throws DTypeError or ShapeError where `value` does not fit
   * @example
   * const v = variable([1, 2]);
   * session.runSync(v.assign([3, 4])); // [3, 4]
   */
  assign(value: Operand, options?: OpOptions): Variable<D, S> {
    return this.#assigned('AssignVariableOp', value, { validate_shape: isFullyDefined(this.shape) }, options);
  }

  /**
   * Adds `delta` to the value (TensorFlow `Variable.assign_add`); the result is as that of `assign`.
   * @throws DTypeError or ShapeError where `delta` does not fit: there is no broadcasting
   */
  assignAdd(delta: Operand, options?: OpOptions): Variable<D, S> {
    return this.#assigned('AssignAddVariableOp', delta, {}, options);
  }

  /**
   * Subtracts `delta` from the value (TensorFlow `Variable.assign_sub`); the result is as that of `assign`.
   * @throws DTypeError or ShapeError where `delta` does not fit: there is no broadcasting
   */
  assignSub(delta: Operand, options?: OpOptions): Variable<D, S> {
    return this.#assigned('AssignSubVariableOp', delta, {}, options);
  }

  /**
   * The rows at `indices`, without reading the rest (TensorFlow `Variable.sparse_read`); its gradient is IndexedSlices.
   * @throws InvalidArgumentError at run time for an index out of range
   * @example
   * const v = variable([[1, 2], [3, 4]]);
   * session.runSync(v.initializer);
   * session.runSync(v.sparseRead([1])); // [[3, 4]]
   */
  sparseRead(indices: Operand, options?: OpOptions): Tensor<D> {
    const read = (): Tensor =>
      one('ResourceGather', [this.handle, indices], { dtype: this.dtype }, { name: options?.name ?? 'Gather' });
    return this.#ordered(read) as Tensor<D>;
  }

  /** Whether the variable has a value, as a new bool scalar. */
  isInitialized(options?: OpOptions): Tensor<'bool', []> {
    return one('VarIsInitializedOp', [this.handle], {}, options) as Tensor<'bool', []>;
  }

  toString(): string {
    return `Variable(${this.name}, ${this.dtype}${this.shape === null ? '' : `[${this.shape.map((d) => d ?? '?').join(', ')}]`})`;
  }

  #ordered<T>(fn: () => T): T {
    return this.#after ? controlDependencies([this.#after], fn) : fn();
  }

  #assigned(
    type: string,
    value: Operand,
    attrs: Readonly<Record<string, boolean>>,
    options?: OpOptions,
  ): Variable<D, S> {
    const { graph } = this;
    const build = (): Variable<D, S> => {
      const tensor = graph.asDefault(() => convertToTensor(value, this.dtype));
      const after = call(type, [this.handle, tensor], attrs, options);
      const read = (): Tensor => one('ReadVariableOp', [this.handle], { dtype: this.dtype });
      const fetchable = controlDependencies([after], read) as Tensor<D, S>;
      return new Variable<D, S>({ ...this, fetchable, after });
    };
    // The body being built, if any, is where its operations go.
    const { receiver } = graph;
    return receiver.attempt(() => receiver.atSite(() => this.#ordered(build)));
  }
}
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface Variable<D extends DType, S extends Shape> extends TensorMethods<D, S> {}
receivesMethods(Variable);

export interface VariableOptions<D extends DType = DType> extends OpOptions {
  readonly dtype?: D;
  /** Whether optimizers change it unless told otherwise; true by default. */
  readonly trainable?: boolean;
  /** A projection: after each of its updates, an optimizer assigns what this makes of the variable. */
  readonly constraint?: Constraint;
}

export const variableOf = new WeakMap<Operation, Variable>();

/**
 * A variable that starts as `initialValue`: data, a tensor, or a function that makes one, called in the variable's name
 * scope. Its dtype and shape stay what those of the initial value are (TensorFlow `tf.Variable`).
 * @throws DTypeError where `dtype` does not fit the initial value
 * @example
 * const w = variable(() => random.normal([3, 2]), { name: 'w' });
 * const step = variable(0, { dtype: 'int64', trainable: false });
 */
export function variable<D extends DType, S extends Shape>(
  initialValue: TensorLike<D, S> | (() => TensorLike<D, S>),
  options?: VariableOptions<D>,
): Variable<D, S>;
export function variable<const X extends TensorData, D extends DType = DTypeOfData<X>>(
  initialValue: X | (() => X),
  options?: VariableOptions<D>,
): Variable<D, AsShape<ShapeOfData<X>>>;
export function variable(initialValue: Operand | (() => Operand), options: VariableOptions = {}): Variable {
  if (initialValue === null || initialValue === undefined) {
    throw new InvalidArgumentError(`variable: the initial value is ${String(initialValue)}.`);
  }
  const graph = (initialValue as { readonly graph?: unknown }).graph;
  // A variable made in a function body is one variable, whatever becomes of the body.
  const owner = (graph instanceof Graph ? graph : getDefaultGraph()).root;
  if (graph instanceof Graph && graph !== owner)
    throw new InvalidArgumentError(
      'variable: the initial value is computed in a function body; give a function that computes it, or data.',
    );
  const build = (): Variable =>
    nameScope(options.name ?? 'Variable', (scope) => create(owner, scope, initialValue, options));
  // A variable waits for nothing: it must be possible to initialize it first. No tape takes its making for a use of it.
  const lifted = (): Variable => owner.withScope({ controllers: [] }, () => unrecorded(build));
  return owner.attempt(() => owner.atSite(() => owner.asDefault(lifted)));
}

/** The nodes of a variable, in TensorFlow's order. */
function create(graph: Graph, scope: string, initial: Operand | (() => Operand), options: VariableOptions): Variable {
  const name = scope.slice(0, -1);
  const { initialValue, handle } = withVariable(graph, name, () => makeHandle(graph, scope, initial, options.dtype));
  const { dtype, shape } = initialValue;
  nameScope('IsInitialized', () => one('VarIsInitializedOp', [handle]));
  const placed = { colocation: [], device: handle.op.device };
  const initializer = nameScope('Assign', (assign) =>
    graph.withScope(placed, () => call('AssignVariableOp', [handle, initialValue], {}, { name: assign })),
  );
  const read = (): Tensor => one('ReadVariableOp', [handle], { dtype });
  const fetchable = nameScope('Read', () => graph.withScope({ device: handle.op.device }, read));
  const trainable = options.trainable ?? true;
  const constraint = options.constraint ?? null;
  const nodes = { handle, dtype, shape, trainable, initialValue, initializer, fetchable };
  const parts = { ...nodes, constraint, after: null, restored: false };
  const result = new Variable(parts);
  variableOf.set(handle.op, result);
  graph.addToCollection('variables', name);
  if (trainable) graph.addToCollection('trainable_variables', name);
  return result;
}

function makeHandle(
  graph: Graph,
  scope: string,
  initial: Operand | (() => Operand),
  dtype: DType | undefined,
): { initialValue: Tensor; handle: Tensor<'resource', []> } {
  const convert = (): Tensor =>
    convertToTensor(typeof initial === 'function' ? initial() : initial, dtype, 'initial_value');
  const initialValue = nameScope('Initializer', () => graph.withScope({ device: '' }, convert));
  const attrs = {
    dtype: initialValue.dtype,
    shape: initialValue.shape,
    shared_name: scope.slice(0, -1),
    debug_name: scope,
  };
  return { initialValue, handle: one('VarHandleOp', [], attrs, { name: scope }) as Tensor<'resource', []> };
}

/** Places what `fn` makes with a variable that does not exist yet. */
function withVariable<T>(graph: Graph, name: string, fn: () => T): T {
  const itself: Placed = { device: '', colocationGroups: () => [`loc:@${name}`] };
  const { colocation } = graph.scope;
  return graph.withScope({ colocation: colocation.length > 0 ? colocation : [itself] }, fn);
}

/** The variable whose handle `handle` is, or is passed on from, in a function body too; undefined where there is none. */
export function variableBehind(handle: Tensor): Variable | undefined {
  let origin = originOf(handle);
  while (origin.graph instanceof FunctionGraph) {
    const outside = origin.graph.capturedBy(origin);
    if (!outside) break;
    origin = originOf(outside);
  }
  return variableOf.get(origin.op);
}

/** The variables of a collection of `graph`, oldest first. */
export function variablesIn(graph: Graph, collection: 'variables' | 'trainable_variables'): readonly Variable[] {
  const found = graph.collection(collection).map((name) => variableOf.get(graph.operation(name)));
  return found.filter((variable) => variable !== undefined);
}

/**
 * All variables of the default graph, oldest first (TensorFlow `tf.compat.v1.global_variables`). In a function body these are the
 * variables of the graph that it is in.
 * @example
 * variable([1, 2], { name: 'w' });
 * variable(0, { name: 'step', trainable: false });
 * globalVariables().map((v) => v.name); // ['w:0', 'step:0']
 */
export function globalVariables(): readonly Variable[] {
  return variablesIn(getDefaultGraph().root, 'variables');
}

/**
 * The variables of the default graph that optimizers change (TensorFlow `tf.compat.v1.trainable_variables`); otherwise as
 * `globalVariables`.
 * @example
 * variable([1, 2], { name: 'w' });
 * variable(0, { name: 'step', trainable: false });
 * trainableVariables().map((v) => v.name); // ['w:0']
 */
export function trainableVariables(): readonly Variable[] {
  return variablesIn(getDefaultGraph().root, 'trainable_variables');
}

/**
 * An operation that gives the listed variables their initial values (TensorFlow `tf.compat.v1.variables_initializer`).
 * @example
 * const v = variable([1, 2]);
 * session.runSync(variablesInitializer([v]));
 * session.runSync(v); // [1, 2]
 */
export function variablesInitializer(variables: readonly Variable[], options: OpOptions = {}): Operation {
  return group(
    variables.map(({ initializer }) => initializer),
    { name: options.name ?? 'init' },
  );
}

/**
 * An operation that gives all variables of the default graph their initial values (TensorFlow
 * `tf.compat.v1.global_variables_initializer`). Make it when all variables exist.
 * @example
 * const v = variable([1, 2]);
 * session.runSync(globalVariablesInitializer());
 * session.runSync(v); // [1, 2]
 */
export function globalVariablesInitializer(options?: OpOptions): Operation {
  const own = globalVariables().filter(({ restored }) => !restored);
  return variablesInitializer(own, options);
}
