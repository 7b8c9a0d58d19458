/** What follows for gradients from the expression an op computes its elements by, and from the dtypes it is open to. */
import type { Tensor } from '../graph/tensor.js';
import { one } from './call.js';
import type { Expr } from './expr.js';
import { opDef, type OpView, type RegisteredOp } from './opdef.js';
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
  /** Whether its derivative is the same finite number everywhere: then no gradient of it is NaN unless what arrived was. */
  readonly affine: boolean;
  /** Where all it does is to choose between operands. */
  readonly choice: Choice | null;
}

/** What is known of an operation each of whose elements depends on those of its inputs at the same place; null for others. */
export function pointwiseFacts(op: OpView): PointwiseFacts | null {
  const { lower } = opDef(op.type);
  if (typeof lower !== 'function' || !lower.pointwise) return null;
  const operands = op.inputs.map(({ dtype }, position): Expr => {
    return { kind: 'load', dtype, source: { kind: 'input', position }, shape: [], index: [] };
  });
  const element = lower.pointwise.element(operands, op);
  const choice = choiceOf(element, operands);
  return { affine: choice !== null || isAffine(element), choice };
}

function choiceOf(element: Expr, operands: readonly Expr[]): Choice | null {
  if (element.kind !== 'select') return null;
  const [test, yes, no] = [element.test, element.yes, element.no].map((part) => operands.indexOf(part));
  return test! < 0 || yes! < 0 || no! < 0 ? null : { test: test!, yes: yes!, no: no! };
}

/** Whether `x` is a sum of loads with factors that are literals. Unproven counts as no. */
function isAffine(x: Expr): boolean {
  switch (x.kind) {
    case 'load':
    case 'literal':
      return true;
    case 'cast':
      return isAffine(x.x);
    case 'unary':
      return ['neg', 'conj', 'real', 'imag'].includes(x.op) && isAffine(x.x);
    case 'binary':
      if (x.op === 'mul') return (x.a.kind === 'literal' && isAffine(x.b)) || (x.b.kind === 'literal' && isAffine(x.a));
      return (x.op === 'add' || x.op === 'sub') && isAffine(x.a) && isAffine(x.b);
    default:
      return false;
  }
}

/** A condition that broadcasts to the shape of the output of `op`, or makes one: which elements are those of operand `yes`. */
export function conditionOf(op: OpView, { test, yes }: Choice): Tensor | (() => Tensor) {
  const condition = op.inputs[test]!;
  const [z] = op.outputs;
  const { lower } = opDef(op.type);
  const broadcasts = typeof lower === 'function' && lower.pointwise?.broadcasts;
  const rank = condition.shape?.length;
  if (broadcasts || rank === 0 || (rank !== undefined && rank === z.shape?.length)) return condition;
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
