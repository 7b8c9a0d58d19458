/**
 * What is known of a tensor's value before anything runs: constants of any kind, and small integer tensors (shapes, axes,
 * sizes) worked out from their op's lowering, element by element, with the unknown ones left open.
 */
import { allocate, type DType } from '../graph/dtype.js';
import { writeElement, type Element } from '../graph/elements.js';
import { TapelessError } from '../graph/errors.js';
import { NDArray } from '../graph/ndarray.js';
import { FunctionGraph } from '../graph/function-graph.js';
import type { Operation } from '../graph/operation.js';
import { isFullyDefined, sizeOf, stridesOf, type Shape } from '../graph/shape.js';
import type { Tensor } from '../graph/tensor.js';
import { int, loaded, type Expr, type Lazy, type Source, type Variable } from './expr.js';
import { opDef, type Lowering, type LowerView, type Many, type OpView, type RegisteredOp } from './opdef.js';
import { binary, combiner, conversion, identityOf, literalValue, unary } from './scalar.js';

const maxElements = 64;
const maxSteps = 20_000;

/** Undefined stands for an element that is not known. */
type Partial = Element | undefined;

interface Knowledge {
  /** The whole value, or null where some of it is not known. */
  readonly array: NDArray | null;
  readonly elements: readonly Partial[];
}

/** A slot on the tensor itself: a graph has millions of tensors, and hardly any has a known value. */
const slot = Symbol('static value');
type Slotted = Tensor & { [slot]?: Knowledge | null };

/** The value of `t`, where all of it follows from constants and static shapes; otherwise null. */
export function constantValue(t: Tensor): NDArray | null {
  return knowledge(t)?.array ?? null;
}

/** States the value of `t`, a tensor that stands for another in a plan. */
export function stateValue(t: Tensor, array: NDArray): void {
  (t as Slotted)[slot] = { array, elements: [] };
}

/** The shape that the vector `t` spells out: null for a dimension not known, or altogether where its length is not known. */
export function constantShape(t: Tensor): Shape {
  const length = t.shape?.length === 1 ? t.shape[0]! : null;
  const known = knowledge(t);
  const array = known?.array;
  if (array && array.shape.length !== 1) return null;
  const size = array ? array.size : length;
  if (size === null) return null;
  return Array.from({ length: size }, (_, i) => {
    const dim = array ? array.element(i) : known?.elements[i];
    return dim === undefined || Number(dim) < 0 ? null : Number(dim);
  });
}

/** Works out what is known of the outputs of a new operation. To be called once, right after it is made. */
export function learn(op: Operation, def: RegisteredOp): void {
  if (op.inputs.length === 0 || def.effect !== 'pure' || typeof def.lower !== 'function') return;
  if (!op.outputs.some(isCandidate)) return;
  const complete = op.inputs.every((input) => isFullyDefined(input.shape));
  if (!complete && op.inputs.some((input) => input.shape === null)) return;
  try {
    const outputs = def.lower(staticView(op));
    op.outputs.forEach((output, i) => {
      if (isCandidate(output)) (output as Slotted)[slot] = evaluated(op, output, outputs[i]!);
    });
  } catch (error) {
    // A rule meets dimensions it cannot compute with, or a value it needs is not known. Run-time errors wait for a run.
    if (complete && error !== unknownValue && !(error instanceof TapelessError)) throw error;
  }
}

function isCandidate({ dtype, shape }: Tensor): boolean {
  if (dtype !== 'int32' && dtype !== 'int64' && dtype !== 'bool') return false;
  return isFullyDefined(shape) && sizeOf(shape) <= maxElements;
}

function knowledge(t: Tensor): Knowledge | null {
  const known = (t as Slotted)[slot];
  if (known !== undefined) return known;
  if (t.op.inputs.length > 0) return null;
  const outside = t.graph instanceof FunctionGraph ? t.graph.capturedBy(t) : null;
  return ((t as Slotted)[slot] = outside ? knowledge(outside) : leafKnowledge(t));
}

/** The value of a leaf: data known beforehand, looked up the first time somebody asks. */
function leafKnowledge(t: Tensor): Knowledge | null {
  const lower = pureLowering(t.op.type);
  if (!lower) return null;
  const output = lower(staticView(t.op))[t.index]!;
  if (output.alias?.kind === 'data') return { array: viewAs(output.alias.array, output.shape), elements: [] };
  return isCandidate(t) ? evaluated(t.op, t, output) : null;
}

function pureLowering(type: string): Lowering | null {
  try {
    const { effect, lower } = opDef(type);
    return effect === 'pure' && typeof lower === 'function' ? lower : null;
  } catch {
    return null;
  }
}

function viewAs(array: NDArray, shape: readonly number[]): NDArray {
  return array.shape === shape ? array : array.reshape(shape);
}

const unknownValue = new Error('The value is not known before the graph runs.');

function staticView(op: Operation): LowerView {
  const inputs = op.inputs.map(({ dtype, shape }, position) =>
    loaded(
      { kind: 'input', position },
      dtype,
      shape!.map((dim) => dim ?? NaN),
    ),
  );
  return {
    op: op as OpView,
    inputs: inputs as unknown as Many<Lazy>,
    value(i) {
      const array = constantValue(op.inputs[i]!);
      if (!array) throw unknownValue;
      return array;
    },
    temp: (tensor) => tensor,
  };
}

function evaluated(op: Operation, output: Tensor, value: Lazy): Knowledge | null {
  const shape = output.shape as readonly number[];
  const strides = stridesOf(shape);
  const evaluator = new StaticEvaluator(op);
  const elements = Array.from({ length: sizeOf(shape) }, (_, i) =>
    evaluator.evaluate(value.at(strides.map((stride, axis) => int(Math.floor(i / stride) % shape[axis]!)))),
  );
  if (elements.includes(undefined)) return elements.some((x) => x !== undefined) ? { array: null, elements } : null;
  const data = allocate(output.dtype, elements.length);
  elements.forEach((x, i) => writeElement(output.dtype, data, i, x!));
  return { array: new NDArray(output.dtype, shape, data), elements };
}

/** Evaluates expressions as far as they are known, and no further than is cheap. */
class StaticEvaluator {
  readonly #op: Operation;
  readonly #variables = new Map<Variable, number>();
  #steps = 0;

  constructor(op: Operation) {
    this.#op = op;
  }

  evaluate(expr: Expr): Partial {
    while (expr.kind === 'select') {
      const test = this.evaluate(expr.test);
      if (test === undefined) return undefined;
      expr = test !== 0 ? expr.yes : expr.no;
    }
    if (++this.#steps > maxSteps) return undefined;
    switch (expr.kind) {
      case 'literal':
        return isOpen(expr.value, expr.dtype) ? undefined : literalValue(expr.value, expr.dtype);
      case 'variable':
        return this.#variables.get(expr);
      case 'load':
        return this.#load(expr.source, expr.shape, expr.index);
      case 'unary':
      case 'cast': {
        const x = this.evaluate(expr.x);
        if (x === undefined) return undefined;
        return expr.kind === 'cast' ? conversion(expr.x.dtype, expr.dtype)(x) : unary(expr.op, expr.x.dtype)(x);
      }
      case 'binary':
        return this.#binary(expr);
      case 'reduce':
        return this.#reduce(expr);
      case 'bound': {
        const index = this.evaluate(expr.index);
        return index !== undefined && Number(index) >= 0 && Number(index) < expr.size ? index : undefined;
      }
    }
  }

  /** Down the left operands without recursion: sums of many terms are long that way. */
  #binary(expr: Expr & { readonly kind: 'binary' }): Partial {
    const spine = [expr];
    let left = expr.a;
    for (; left.kind === 'binary'; left = left.a) spine.push(left);
    let a = this.evaluate(left);
    for (let i = spine.length - 1; i >= 0; i--) {
      const node = spine[i]!;
      const b = this.evaluate(node.b);
      a = a === undefined || b === undefined ? absorbed(node, a ?? b) : binary(node.op, node.a.dtype)(a, b);
    }
    return a;
  }

  #load(source: Source, shape: readonly number[], index: readonly Expr[]): Partial {
    const strides = stridesOf(shape);
    let address = 0;
    for (let axis = 0; axis < index.length; axis++) {
      const i = this.evaluate(index[axis]!);
      if (i === undefined) return undefined;
      if (Number(i) !== 0) address += Number(i) * strides[axis]!;
    }
    if (source.kind === 'data') return elementAt(source.array, address);
    const known = source.kind === 'input' ? knowledge(this.#op.inputs[source.position]!) : null;
    return known?.array ? elementAt(known.array, address) : known?.elements[address];
  }

  #reduce(expr: Expr & { readonly kind: 'reduce' }): Partial {
    const extents = expr.over.map((variable) => variable.extent);
    const total = sizeOf(extents);
    if (!(total <= maxSteps)) return undefined;
    const combine = combiner(expr.op, expr.dtype);
    let result: Partial = identityOf(expr.op, expr.dtype);
    for (let term = 0; term < total; term++) {
      let rest = term;
      for (let axis = extents.length - 1; axis >= 0; axis--) {
        this.#variables.set(expr.over[axis]!, rest % extents[axis]!);
        rest = Math.floor(rest / extents[axis]!);
      }
      const x = this.evaluate(expr.body);
      if (x === undefined) return undefined;
      result = combine(result, x);
    }
    return result;
  }
}

/** Whether an integer literal stands for a dimension that is not known. */
function isOpen(value: Element, dtype: DType): boolean {
  return Number.isNaN(value) && (dtype.startsWith('int') || dtype.startsWith('uint'));
}

/** What one known operand alone decides. */
function absorbed({ op, a }: Expr & { readonly kind: 'binary' }, x: Partial): Partial {
  if (x === undefined) return undefined;
  if (op === 'mul' && Number(x) === 0 && a.dtype.startsWith('int')) return x;
  if ((op === 'and' && x === 0) || (op === 'or' && x === 1)) return x;
  return undefined;
}

function elementAt(array: NDArray, address: number): Partial {
  return address >= 0 && address < array.size ? array.element(address) : undefined;
}
