/** The record that declares an op, and the registry of all of them. */
import type { AttrValue } from '../graph/attr.js';
import type { DType } from '../graph/dtype.js';
import { InvalidArgumentError, NotFoundError } from '../graph/errors.js';
import type { FunctionGraph } from '../graph/function-graph.js';
import type { NDArray, TensorData } from '../graph/ndarray.js';
import type { Operation } from '../graph/operation.js';
import type { Dim, Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import type { Convolution } from './convolution.js';
import type { Expr, Lazy } from './expr.js';
import { foreignOp } from './foreign-op.js';
import { isPlain, type NodeForm } from './forms.js';
import type { IndexedSlices } from './indexed-slices.js';
import { parseSignature, type Signature } from './signature.js';

/** A list whose first elements can be taken apart by name: a signature guarantees that they are there. */
export type Many<T> = readonly [T, T, T, T, T, ...T[]];

/** An operation as its own record sees it. */
export type OpView = Operation & { readonly inputs: Many<Tensor>; readonly outputs: Many<Tensor> };

/** What a gradient is made of. */
export type Gradient = Tensor | IndexedSlices;

/**
 * The vector-Jacobian product of an op: from the gradients of its outputs to those of its inputs, null where none flows.
 * Gradients of outputs that nothing uses come as zeros; those of outputs that are not differentiable come as null.
 */
export type GradientFn = (op: OpView, dys: Many<Gradient>, calculus: Calculus) => readonly (Gradient | null)[];

/** What a rule gets from the walk that calls it. */
export interface Calculus {
  /**
   * Differentiates inside a function body: appends, to the body being built, what computes the gradients of `xs` from those of
   * `ys`, null where none flows. Both belong to one body; null among `dys` stands for no gradient.
   */
  readonly differentiate: (
    ys: readonly Tensor[],
    dys: readonly (Gradient | null)[],
    xs: readonly Tensor[],
  ) => readonly (Gradient | null)[];
}

/**
 * What an op does besides computing: decides what may be merged, folded, moved or run twice. 'feed': it computes nothing, a run
 * has to give its value. 'foreign': it has no record, so nothing is known of it; its nodes are carried, and run by others.
 */
export type Effect = 'pure' | 'read' | 'write' | 'random' | 'feed' | 'foreign';

/** What a lowering sees: concrete input shapes, and the values of the inputs it must know (axes, shapes, paddings). */
export interface LowerView {
  readonly op: OpView;
  readonly inputs: Many<Lazy>;
  /** The value of input `i`; the lowering holds for that value only. */
  value(i: number): NDArray;
  /** `tensor`, computed once into a buffer of its own before whatever loads it. */
  temp(tensor: Lazy): Lazy;
}

/** The meaning of an op, element by element: its outputs as functions of the index. */
export interface Lowering {
  (view: LowerView): readonly Lazy[];
  /** Where an element of the only output depends on one element of each input alone, that at the same place: how. */
  readonly pointwise?: Pointwise;
  /** Where the only output is a convolution of images or one of its gradients: which, for these inputs. */
  readonly convolution?: (view: Pick<LowerView, 'op' | 'inputs' | 'value'>) => Convolution;
}

/** An element of an output from the elements of the inputs. */
export interface Pointwise {
  readonly element: (operands: readonly Expr[], op: OpView) => Expr;
  /** Whether places are the same under broadcasting; if not, the op has a way of its own to spread its operands. */
  readonly broadcasts: boolean;
}

/** State that outlives a run: variables by name, and the counters of stateful random ops. */
export interface Resources {
  readonly variables: Map<string, NDArray>;
  readonly counters: Map<string, unknown>;
}

export interface RoutineContext {
  readonly op: OpView;
  readonly inputs: Many<NDArray>;
  /** Which outputs anybody reads. */
  readonly wanted: readonly boolean[];
  readonly resources: Resources;
  readonly functions: FunctionRunner;
}

/** Runs function bodies for the operations that call them. */
export interface FunctionRunner {
  /** The wanted outputs of `body`, and its effects; what `needs` says is not needed may be null. */
  run(
    body: FunctionGraph,
    inputs: readonly (NDArray | null)[],
    wanted: readonly boolean[],
  ): readonly (NDArray | null)[];
  /** Which arguments of `body` its wanted outputs and its effects depend on. */
  needs(body: FunctionGraph, wanted: readonly boolean[]): readonly boolean[];
}

/** For operations that run outside a session: there are no functions to call. */
export const noFunctions: FunctionRunner = {
  run: (body) => {
    throw new InvalidArgumentError(`The function '${body.name}' can be called in a session only.`);
  },
  needs: (body) => body.inputs.map(() => true),
};

/** The meaning of an op that is no expression: a named computation on whole arrays. Inputs must not be changed. */
export interface Routine {
  readonly routine: string;
  readonly run: (context: RoutineContext) => readonly NDArray[];
  /** As a lowering has it. */
  readonly pointwise?: Pointwise;
  /** Where it is the product of the matrices in the last two axes of its two inputs: how each is read. */
  readonly product?: (op: OpView) => readonly [MatrixReading, MatrixReading];
  /** Where all it does is to hand over what the variable in its first input holds. */
  readonly reads?: true;
  /** Where it runs functions, and does nothing else: which, and when. */
  readonly flow?: (op: OpView) => Flow;
  /** Where it works on a list of tensors, what it does. */
  readonly list?: ListAction;
  /** Where nothing reads what it gives: it stands for what other branches have. */
  readonly standsIn?: true;
  /**
   * Where all it does is to give variables new contents, element by element: these, in order. An input that is a handle stands for
   * what its variable holds.
   */
  readonly assigns?: (view: LowerView) => readonly Assignment[];
  /** Where it only computes elements, of outputs in order, and inputs that are handles stand for what their variables hold. */
  readonly elements?: (view: LowerView) => readonly Lazy[];
  /** Where it adds rows up at places that data says. */
  readonly scatter?: ScatterReading;
}

/** Rows, each added to the row of the result that its index says, one after another. */
export interface ScatterReading {
  /** The positions of the inputs: what rows are added to (null for zeros; a handle stands for its variable, which changes), indices, and rows. */
  readonly base: number | null;
  readonly indices: number;
  readonly updates: number;
  /** Whether rows of negative indices are left out; otherwise they are errors. */
  readonly dropsNegative: boolean;
  /** What errors call the indices, and whether they say which one by its place in their shape or by its number. */
  readonly what: string;
  readonly places: 'index' | 'number';
}

/** What operations do on lists; in their inputs, first is the list, then an index, then an element. */
export type ListAction =
  /** A list of none, or of zeros: from the shape of elements, and how many there may be, or are. */
  | 'empty'
  | 'reserve'
  /** The rows of a tensor, and back. */
  | 'from'
  | 'stack'
  | 'push'
  | 'pop'
  | 'get'
  | 'set'
  | 'length'
  | 'elementShape';

/** How an operation runs functions. Their inputs are its own, after those that decide. */
export type Flow =
  | { readonly kind: 'call'; readonly body: FunctionGraph }
  /** The first body whose test of the first input holds, else the last. */
  | {
      readonly kind: 'choice';
      readonly bodies: readonly FunctionGraph[];
      readonly test: (decides: Expr, body: number) => Expr;
    }
  | { readonly kind: 'loop'; readonly cond: FunctionGraph; readonly body: FunctionGraph };

export interface Assignment {
  /** The position of the input that is the handle. */
  readonly input: number;
  readonly content: Lazy;
}

/** How the matrices in an operand of a product are read. */
export interface MatrixReading {
  readonly transpose: boolean;
  readonly conjugate: boolean;
}

/** An input on which the table specs try an op: a shape to fill with numbers from `domain` ([-2, 2]), or a value. */
export type SampleInput =
  | readonly number[]
  | { readonly shape: readonly number[]; readonly dtype?: DType; readonly domain?: readonly [number, number] }
  | { readonly value: TensorData; readonly dtype?: DType };

export interface Sample {
  /** One entry an input argument of the signature; an array of entries for a list argument. */
  readonly inputs: readonly (SampleInput | { readonly list: readonly SampleInput[] })[];
  readonly attrs?: Readonly<Record<string, AttrInput>>;
  /** Why finite differences do not apply here (a kink, a step); the gradient is then compared with TensorFlow alone. */
  readonly notDifferentiable?: string;
}

/** An attribute as a call gives it; the signature says what it means. */
export type AttrInput =
  | number
  | bigint
  | boolean
  | string
  | Shape
  | NDArray
  | readonly (number | bigint | boolean | string | Shape)[]
  | AttrValue;

/** A tensor of a function of one row, as there is for all rows at once. */
export interface Batched {
  readonly tensor: Tensor;
  /** Whether its first axis is that of the rows; if not, it is the same for each. Every element of a stacked list has that axis. */
  readonly stacked: boolean;
}

/** The rows that an operation is made for at once. */
export interface Rows {
  /** How many there are, as far as is known. */
  readonly count: Dim;
  /** How many there are: an int32 scalar. */
  readonly size: Tensor;
  /** The same as a vector of one element. */
  sizeVector(dtype: DType): Tensor;
  /** `operand` with the axis of the rows: repeated where it has none. */
  stack(operand: Batched): Tensor;
  /** The same for another number of rows, with nothing made for them yet. */
  resized(size: Tensor | number): Rows;
  /** What the tensors `wanted` of a function body are for inputs like `inputs`: its operations are made here for all rows. */
  inline(body: FunctionGraph, inputs: readonly Batched[], wanted: readonly Tensor[]): readonly Batched[];
}

/** The function of one row that an operation is part of, as it is made for all rows. */
export interface Surroundings {
  readonly body: FunctionGraph;
  /** Whether anything that is made uses an output. */
  isUsed(output: Tensor): boolean;
  /** What a tensor of the function is for all rows, at any later time as well; null for one that it has not. */
  batched(tensor: Tensor): Batched | null;
}

/**
 * An op on all rows at once: the outputs, from inputs of which at least one is stacked (or, of an op that draws random numbers
 * or writes, perhaps none). Null for an output that nothing in the function uses; null altogether where there is no answer for
 * these inputs: the op then runs row by row.
 */
export type BatchRule = (
  op: OpView,
  inputs: Many<Batched>,
  rows: Rows,
  surroundings: Surroundings,
) => readonly (Batched | null)[] | null;

/** All there is to an op. No field is optional: an undecided gradient does not compile. */
export interface OpDef {
  /** TensorFlow's name. */
  readonly name: string;
  /** TensorFlow's registration: `a: T, b: T -> product: T | transpose_a: bool = false, T: {float, double}`. */
  readonly signature: string;
  /** Static output shapes; throws a ShapeError for inputs that do not fit. Values of inputs: `constantValue`. */
  readonly infer: (op: OpView) => readonly Shape[];
  readonly lower: Lowering | Routine;
  /** 'none' where it is known that no gradient flows; 'stop' for an op whose purpose is to stop it. */
  readonly grad: GradientFn | 'none' | 'stop';
  readonly effect: Effect;
  /** What `vectorizedMap` makes of it; 'loop' where nothing better is known than to run it row by row. */
  readonly batch: BatchRule | 'loop';
  /** What the table specs check it on: values against TensorFlow, gradients against finite differences, shapes. */
  readonly samples: readonly Sample[];
}

/** A registered op: its record and the parsed signature. */
export interface RegisteredOp extends OpDef {
  readonly parsed: Signature;
  /** Its name in lower case. */
  readonly key: string;
  /** Whether it calls functions: its gradient is then that of their bodies. */
  readonly functional: boolean;
  /** What its nodes on tensors of one dtype, of which nothing else is said, have in common; null where they may differ. */
  readonly forms: Map<DType, NodeForm> | null;
}

const registry = new Map<string, RegisteredOp>();

/** Declares an op. @throws InvalidArgumentError for a second record of that name or a signature that does not parse. */
export function defineOp(def: OpDef): void {
  if (registry.has(def.name)) throw new InvalidArgumentError(`Op '${def.name}' is defined already.`);
  const parsed = parseSignature(def.name, def.signature);
  const functional = parsed.attrs.some((attr) => attr.kind === 'func');
  registry.set(
    def.name,
    Object.freeze({
      ...def,
      parsed,
      key: def.name.toLowerCase(),
      functional,
      forms: isPlain(parsed) ? new Map() : null,
    }),
  );
}

/** The record of an op type, if there is one: a graph may hold ops that only other programs know. */
export function findOp(type: string): RegisteredOp | undefined {
  return registry.get(type);
}

/** The record of an op type. @throws NotFoundError where there is none. */
export function knownOp(type: string): RegisteredOp {
  const def = findOp(type);
  if (!def) throw new NotFoundError(`There is no op '${type}'.`, { op: type });
  return def;
}

/** The record of the op type of a node; of one that there is no record of, one that says so. */
export function opDef(type: string): RegisteredOp {
  return registry.get(type) ?? foreignOp(type);
}

/** Whether there is a record of that name. */
export function isOp(type: string): boolean {
  return registry.has(type);
}

/** All records, by name. */
export function allOps(): readonly RegisteredOp[] {
  return [...registry.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
