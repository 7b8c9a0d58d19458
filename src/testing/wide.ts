/** Functions of less than double precision, evaluated in float64: the graph between x and ys once more, with wider dtypes. */
import { isComplex, type DType } from '../graph/dtype.js';
import { TapelessError } from '../graph/errors.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { call, one } from '../ops/call.js';
import { opDef, type AttrInput, type RegisteredOp } from '../ops/opdef.js';
import type { ArgDef } from '../ops/signature.js';
import { isDifferentiable } from './reals.js';
import type { Workbench } from './workbench.js';

/** float64 or complex128 for what holds numbers of that kind with less precision; any other dtype is its own. */
export function wideDType(dtype: DType): DType {
  if (!isDifferentiable(dtype)) return dtype;
  return isComplex(dtype) ? 'complex128' : 'float64';
}

/**
 * `ys` as functions of `wideX` in the place of `x` (tensors, or handles of variables). Copies are made of all that lies
 * between, with type attrs widened; whatever else they need is cast. Null where an operation cannot be had that way: it
 * has an effect, a body, or takes float32 only.
 */
export function widened(bench: Workbench, x: Tensor, wideX: Tensor, ys: readonly Tensor[]): readonly Tensor[] | null {
  const copies = new Map<Tensor, Tensor>([[x, wideX]]);
  for (const op of ancestors(bench, x, ys)) {
    if (!op.inputs.some((input) => copies.has(input))) continue;
    const outputs = copyOf(op, copies);
    if (!outputs) return null;
    op.outputs.forEach((output, i) => {
      if (!bench.isFed(output) && output !== x) copies.set(output, outputs[i]!);
    });
  }
  return ys.map((y) => copies.get(y) ?? y);
}

/** What `ys` depend on and is not older than `x`, oldest first. */
function ancestors(bench: Workbench, x: Tensor, ys: readonly Tensor[]): readonly Operation[] {
  const seen = new Set<Operation>();
  const stack: Operation[] = [];
  const visit = (tensor: Tensor): void => {
    if (tensor.op.id < x.op.id || seen.has(tensor.op) || bench.isFed(tensor)) return;
    seen.add(tensor.op);
    stack.push(tensor.op);
  };
  ys.forEach(visit);
  for (let op = stack.pop(); op; op = stack.pop()) op.inputs.forEach(visit);
  return [...seen].sort((a, b) => a.id - b.id);
}

function copyOf(op: Operation, copies: ReadonlyMap<Tensor, Tensor>): readonly Tensor[] | null {
  const def = opDef(op.type);
  if (def.effect === 'write' || def.effect === 'random') return null;
  const inputs = op.inputs.map((input) => copies.get(input) ?? input);
  const wide = new Set<string>();
  const groups = argumentsOf(op, def);
  for (const { arg, first, end } of groups) {
    const isWider = op.inputs.slice(first, end).some(({ dtype }, i) => dtype !== inputs[first + i]!.dtype);
    if (isWider && 'fixed' in arg.type) return null;
    if (isWider && 'attr' in arg.type) wide.add(arg.type.attr);
  }
  const attrs = attrsOf(op, def);
  if (!attrs) return null;
  const operands = groups.map(({ arg, first, end }) => {
    const widen = 'attr' in arg.type && wide.has(arg.type.attr);
    const tensors = inputs.slice(first, end).map((tensor) => (widen ? asWide(tensor) : tensor));
    return arg.count === null && !('list' in arg.type) ? tensors[0]! : tensors;
  });
  try {
    return call(op.type, operands, attrs).outputs;
  } catch (error) {
    // A signature that does not allow the wide dtype.
    if (error instanceof TapelessError) return null;
    throw error;
  }
}

function asWide(tensor: Tensor): Tensor {
  const dtype = wideDType(tensor.dtype);
  return dtype === tensor.dtype ? tensor : one('Cast', [tensor], { DstT: dtype });
}

interface Group {
  readonly arg: ArgDef;
  readonly first: number;
  readonly end: number;
}

/** Which inputs belong to which argument of the signature. */
function argumentsOf(op: Operation, def: RegisteredOp): readonly Group[] {
  let first = 0;
  return def.parsed.inputs.map((arg) => {
    const types = 'list' in arg.type ? (op.attr(arg.type.list) as readonly DType[]).length : 1;
    const length = arg.count === null ? types : op.intAttr(arg.count);
    const group = { arg, first, end: first + length };
    first = group.end;
    return group;
  });
}

/** The attrs that a call must be given; dtypes of outputs alone are wide. Null where one of them is a function. */
function attrsOf(op: Operation, def: RegisteredOp): Record<string, AttrInput> | null {
  const inferred = new Set(
    def.parsed.inputs.flatMap(({ type }) => ('attr' in type ? [type.attr] : 'list' in type ? [type.list] : [])),
  );
  const attrs: Record<string, AttrInput> = {};
  for (const { name, kind, list } of def.parsed.attrs) {
    if (inferred.has(name) || !op.hasAttr(name)) continue;
    if (kind === 'func') return null;
    const value = op.attr(name) as AttrInput;
    attrs[name] = kind === 'type' && !list ? wideDType(value as DType) : value;
  }
  return attrs;
}
