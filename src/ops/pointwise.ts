/** What follows for gradients from the expression an op computes its elements by, and from the dtypes it is open to. */
import { isComplex } from '../graph/dtype.js';
import type { Complex } from '../graph/elements.js';
import type { Tensor } from '../graph/tensor.js';
import { one } from './call.js';
import type { Expr } from './expr.js';
import { constantValue } from './known.js';
import { opDef, type OpView, type Pointwise, type RegisteredOp } from './opdef.js';
import { constantBeside, shapeOf } from './rules.js';
import type { ArgDef } from './signature.js';

/** Which operands a choice is between. */
export interface Choice {
  /** The input that decides. */
  readonly test: number;
  readonly yes: number;
  readonly no: number;
}

export interface PointwiseFacts {
  /**
   * Whether the gradient of input `i` may be NaN where that of the output is 0: not if the derivative is one finite number
   * everywhere.
   */
  readonly isSteep: (i: number) => boolean;
  /** Where all the op does is to choose between operands. */
  readonly choice: Choice | null;
}

/** What is known of an operation each of whose elements depends on those of its inputs at the same place; null for others. */
export function pointwiseFacts(op: OpView): PointwiseFacts | null {
  const meaning = pointwiseMeaning(op);
  if (!meaning) return null;
  const operands = op.inputs.map((input, position): Expr => {
    const value = input.shape?.length === 0 ? constantValue(input)?.element(0) : undefined;
    if (typeof value === 'number' || typeof value === 'object') return { kind: 'literal', dtype: input.dtype, value };
    return { kind: 'load', dtype: input.dtype, source: { kind: 'input', position }, shape: [], index: [] };
  });
  const element = meaning.element(operands, op);
  const choice = choiceOf(element, operands);
  return { isSteep: (i) => !choice && !isAffine(element, operands[i]!), choice };
}

function pointwiseMeaning(op: OpView): Pointwise | null {
  return opDef(op.type).lower.pointwise ?? null;
}

function choiceOf(element: Expr, operands: readonly Expr[]): Choice | null {
  if (element.kind !== 'select') return null;
  const [test, yes, no] = [element.test, element.yes, element.no].map((part) => operands.indexOf(part));
  return test! < 0 || yes! < 0 || no! < 0 ? null : { test: test!, yes: yes!, no: no! };
}

/** Whether `e` is `operand` times a finite literal, plus what does not depend on it. Unproven counts as no. */
function isAffine(e: Expr, operand: Expr): boolean {
  if (e === operand) return true;
  switch (e.kind) {
    case 'load':
    case 'literal':
      return true;
    case 'cast':
      return isAffine(e.x, operand);
    case 'unary':
      return ['neg', 'conj', 'real', 'imag'].includes(e.op) ? isAffine(e.x, operand) : !contains(e, operand);
    case 'binary':
      if (e.op === 'add' || e.op === 'sub') return isAffine(e.a, operand) && isAffine(e.b, operand);
      if (e.op === 'mul' && isFactor(e.a, operand)) return isAffine(e.b, operand);
      if (e.op === 'mul' && isFactor(e.b, operand)) return isAffine(e.a, operand);
      if (e.op === 'div' && isFactor(e.b, operand) && Math.abs(Number(e.b.value)) > 0) return isAffine(e.a, operand);
      return !contains(e, operand);
    default:
      return !contains(e, operand);
  }
}

function isFactor(e: Expr, operand: Expr): e is Expr & { readonly kind: 'literal' } {
  if (e === operand || e.kind !== 'literal') return false;
  const parts = isComplex(e.dtype) ? Object.values(e.value as Complex) : [e.value];
  return parts.every(Number.isFinite);
}

function contains(e: Expr, operand: Expr): boolean {
  if (e === operand) return true;
  switch (e.kind) {
    case 'unary':
    case 'cast':
      return contains(e.x, operand);
    case 'binary':
      return contains(e.a, operand) || contains(e.b, operand);
    case 'select':
      return [e.test, e.yes, e.no].some((part) => contains(part, operand));
    case 'load':
    case 'literal':
    case 'variable':
      return false;
    default:
      return true;
  }
}

/** Tensors whose shapes are the same whatever they turn out to be have one origin. */
export class ShapeOrigins {
  readonly #known = new Map<Tensor, Tensor>();

  of(tensor: Tensor): Tensor {
    const stack = [tensor];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const from = this.#known.has(top) ? [] : shapedBy(top);
      const missing = from.filter((x) => !this.#known.has(x));
      stack.push(...missing);
      if (missing.length > 0) continue;
      const origins = new Set(from.map((x) => this.#known.get(x)!));
      if (!this.#known.has(top)) this.#known.set(top, origins.size === 1 ? [...origins][0]! : top);
      stack.pop();
    }
    return this.#known.get(tensor)!;
  }
}

/** The inputs that a tensor gets its shape from, where it is their broadcast. */
function shapedBy({ op }: Tensor): readonly Tensor[] {
  if (op.outputs.length !== 1 || !pointwiseMeaning(op as OpView)) return [];
  return op.inputs.filter(({ shape }) => shape?.length !== 0);
}

/** A condition that broadcasts to the shape of the output of `op`, or makes one: which elements are those of operand `yes`. */
export function conditionOf(op: OpView, { test, yes }: Choice): Tensor | (() => Tensor) {
  const condition = op.inputs[test]!;
  const [z] = op.outputs;
  const rank = condition.shape?.length;
  if (pointwiseMeaning(op)?.broadcasts || rank === 0 || (rank !== undefined && rank === z.shape?.length))
    return condition;
  // How it spreads its condition, only the op itself knows: it is asked with bools.
  const all = (value: boolean) => one('Fill', [shapeOf(z), constantBeside(z, value, 'bool')]);
  return () =>
    one(
      op.type,
      op.inputs.map((_, i) => (i === test ? condition : all(i === yes))),
    );
}

/**
 * Whether an op puts elements of its inputs, or sums of them, where it pleases, without looking at what they are: what is
 * open to every dtype, strings and handles too, can do nothing else.
 */
export function movesElements({ parsed, functional, effect }: RegisteredOp): boolean {
  if (functional || effect !== 'pure') return false;
  return parsed.attrs.some(({ name, kind, list, allowed }) => {
    const holds = ({ type }: ArgDef) => 'attr' in type && type.attr === name;
    return kind === 'type' && !list && allowed === null && parsed.inputs.some(holds) && parsed.outputs.some(holds);
  });
}
