/** What the compiler makes of a request, stage by stage: values with concrete shapes, and the steps that compute them. */
import type { DType } from '../../../graph/dtype.js';
import type { NDArray } from '../../../graph/ndarray.js';
import type { Operation } from '../../../graph/operation.js';
import type { Convolution } from '../../../ops/convolution.js';
import { int, variable, type Expr, type Lazy } from '../../../ops/expr.js';
import type { ScatterReading } from '../../../ops/opdef.js';
import type { Request } from '../../plan.js';

/** One tensor of the plan, or a temporary of a lowering. */
export interface Value {
  readonly id: number;
  readonly name: string;
  readonly dtype: DType;
  /** null where it depends on data. */
  readonly shape: readonly number[] | null;
  /** Known before the run. */
  readonly data: NDArray | null;
  /** Its elements, in terms of loads from other values; null for what a step of another kind gives. */
  readonly definition: Lazy | null;
  /** The element at the index of its shape, where it has a definition. */
  readonly root: Expr | null;
  /** The value whose storage it is, under another shape. */
  readonly alias: Value | null;
  /** The operation it comes from. */
  readonly op: Operation;
  /** The operations that call the function it belongs to, innermost first. */
  readonly callers: readonly Operation[];
}

/** Values computed in one loop nest over `shape`. */
export interface KernelStep {
  readonly kind: 'kernel';
  readonly shape: readonly number[];
  readonly members: readonly Value[];
}

/** An operation that JavaScript runs: a routine, or one whose shapes or dtypes are not for compiled code. */
export interface HostStep {
  readonly kind: 'host';
  readonly op: Operation;
  /** As a value has them. */
  readonly callers: readonly Operation[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export interface MatMulStep {
  readonly kind: 'matmul';
  readonly op: Operation;
  readonly a: Value;
  readonly b: Value;
  readonly out: Value;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** A convolution of images or one of its gradients. */
export interface ConvolutionStep {
  readonly kind: 'convolution';
  readonly op: Operation;
  readonly convolution: Convolution;
  readonly a: Value;
  readonly b: Value;
  readonly out: Value;
}

/** Rows added up at places that data says, one after another. Indices are checked before anything is written. */
export interface ScatterStep {
  readonly kind: 'scatter';
  readonly op: Operation;
  readonly reading: ScatterReading;
  /** What rows are added to; null for zeros. */
  readonly base: Value | null;
  readonly indices: Value;
  readonly updates: Value;
  readonly out: Value;
}

/** What a scatter reads. */
export function scattered({ base, indices, updates }: ScatterStep): readonly Value[] {
  return base ? [base, indices, updates] : [indices, updates];
}

/** A variable that the plan holds in its own memory while it runs. */
export interface VariableSlot {
  readonly key: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** What it holds when the run begins. */
  readonly initial: Value;
  /** The first operation on it. */
  readonly op: Operation;
  /** The handle, as that operation gets it. */
  readonly handle: NDArray;
}

/** From here on the variable holds `value`. */
export interface AssignStep {
  readonly kind: 'assign';
  readonly op: Operation;
  readonly variable: VariableSlot;
  readonly value: Value;
}

/**
 * A mark, or what goes with marks. Loops: from `loop` to `again`, left at `while` where its input is false; choices: from `if` by way of
 * `else` to `end`. Steps between marks run any number of times.
 */
export interface FlowStep {
  readonly kind: 'flow';
  readonly op: Operation;
  readonly callers: readonly Operation[];
  readonly flow: 'loop' | 'while' | 'again' | 'if' | 'else' | 'end' | 'move' | 'content' | 'room' | 'put';
  /** The bool that decides, what is moved, or an element of a list and where to put it. */
  readonly inputs: readonly Value[];
  /** Where it is moved to, the elements of the list, or what a variable holds at this point. `room`: what has a place from here on. */
  readonly outputs: readonly Value[];
  readonly variable: VariableSlot | null;
}

export type ProgramStep = KernelStep | HostStep | MatMulStep | ConvolutionStep | AssignStep | ScatterStep | FlowStep;

export interface Program {
  readonly request: Request;
  readonly values: readonly Value[];
  readonly steps: readonly ProgramStep[];
  readonly feeds: readonly Value[];
  readonly fetches: readonly Value[];
  readonly variables: readonly VariableSlot[];
}

/** The operations that call the function that a step belongs to, innermost first. */
export function callersOf(step: ProgramStep): readonly Operation[] {
  switch (step.kind) {
    case 'kernel':
      return step.members[0]!.callers;
    case 'matmul':
    case 'convolution':
    case 'scatter':
      return step.out.callers;
    case 'assign':
      return step.value.callers;
    case 'host':
    case 'flow':
      return step.callers;
  }
}

/** The value that holds the storage of `value`. */
export function holderOf(value: Value): Value {
  let holder = value;
  while (holder.alias) holder = holder.alias;
  return holder;
}

const inMemory: ReadonlySet<DType> = new Set(['float32', 'float64', 'int32', 'int64', 'bool']);

/** Whether compiled code can hold elements of `dtype`. */
export function isCompiled(dtype: DType): boolean {
  return inMemory.has(dtype);
}

export type Node<K extends Expr['kind']> = Extract<Expr, { readonly kind: K }>;

/** Whether computing it can fail, apart from its parts: an index out of range, or a division of integers by zero. */
export function mayFail(expr: Expr): boolean {
  if (expr.kind === 'bound') return true;
  if (expr.kind !== 'binary' || !expr.dtype.startsWith('int')) return false;
  return ['div', 'floordiv', 'floormod'].includes(expr.op) && !(expr.b.kind === 'literal' && Number(expr.b.value) > 0);
}

/** Visits every expression below `root` once, without recursion. */
export function visitExprs(root: Expr, visit: (expr: Expr) => void): void {
  const seen = new Set<Expr>();
  const stack: Expr[] = [root];
  for (let expr = stack.pop(); expr; expr = stack.pop()) {
    if (seen.has(expr)) continue;
    seen.add(expr);
    visit(expr);
    stack.push(...partsOf(expr));
  }
}

export function partsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'variable':
      return [];
    case 'load':
      return expr.index;
    case 'unary':
    case 'cast':
      return [expr.x];
    case 'binary':
      return [expr.a, expr.b];
    case 'select':
      return [expr.test, expr.yes, expr.no];
    case 'reduce':
      return [expr.body];
    case 'bound':
      return [expr.index];
  }
}

/**
 * The index of a shape: variables, and 0 along dimensions of 1. The same ones each time, so that values of one shape speak of the
 * same elements.
 */
export class IndexVariables {
  readonly #known = new Map<string, readonly Expr[]>();

  of(shape: readonly number[]): readonly Expr[] {
    const key = shape.join();
    let found = this.#known.get(key);
    if (!found) {
      found = shape.map((extent) => (extent === 1 ? int(0) : variable(extent)));
      this.#known.set(key, found);
    }
    return found;
  }
}
