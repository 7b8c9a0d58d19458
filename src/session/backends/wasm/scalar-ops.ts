/** What the operators of the expression IR are in WebAssembly, one element at a time: the same as in `ops/scalar.ts`. */
import { dtypeInfo, type DType } from '../../../graph/dtype.js';
import type { Element } from '../../../graph/elements.js';
import type { BinaryOp, UnaryOp } from '../../../ops/expr.js';
import { literalValue } from '../../../ops/scalar.js';
import type { Code, Local } from './assembler/code.js';
import type { ValueType } from './assembler/instructions.js';
import type { IntLibrary } from './int-library.js';
import type { MathFunction, MathLibrary } from './math/library.js';

export interface Libraries {
  readonly math: MathLibrary;
  readonly ints: IntLibrary;
  /** Whether code runs so often that short functions are written out where they are used. */
  readonly isHot: boolean;
}

/** The WebAssembly type that one element is held in: bools are i32, 0 or 1. */
export function scalarType(dtype: DType): ValueType {
  switch (dtype) {
    case 'float32':
      return 'f32';
    case 'float64':
      return 'f64';
    case 'int64':
      return 'i64';
    default:
      return 'i32';
  }
}

export function bytesOf(dtype: DType): number {
  return dtypeInfo(dtype).bytes;
}

export function scalarLiteral(code: Code, dtype: DType, value: Element): void {
  const element = literalValue(value, dtype);
  if (dtype === 'float32') code.f32(element as number);
  else if (dtype === 'float64') code.f64(element as number);
  else if (dtype === 'int64') code.i64(element as bigint);
  else code.i32(Number(element));
}

/** Takes an address from the stack. */
export function scalarLoad(code: Code, dtype: DType, offset: number): void {
  code.memory(dtype === 'bool' ? 'i32.load8_u' : `${scalarType(dtype)}.load`, offset);
}

/** Takes an address and a value from the stack. */
export function scalarStore(code: Code, dtype: DType, offset: number): void {
  code.memory(dtype === 'bool' ? 'i32.store8' : `${scalarType(dtype)}.store`, offset);
}

export const vectorFunctions: ReadonlySet<string> = new Set<MathFunction>([
  'exp',
  'expm1',
  'log',
  'log1p',
  'sin',
  'cos',
  'tan',
  'tanh',
  'erf',
  'erfc',
  'pow',
  'floormod',
]);

/** A function of vectors on single elements: each in all lanes, of which the first is taken. */
function throughVectors(code: Code, { math }: Libraries, name: string, dtype: DType, operands: readonly Local[]): void {
  const shape = dtype === 'float32' ? 'f32x4' : 'f64x2';
  for (const operand of operands) code.get(operand).op(`${shape}.splat`);
  code.call(math.function(name as MathFunction, dtype as 'float32' | 'float64')).lane(`${shape}.extract_lane`, 0);
}

/** Operators of floats that are one instruction, on elements as on vectors. */
export const simpleFloat: { readonly [K in UnaryOp | BinaryOp]?: string } = {
  neg: 'neg',
  abs: 'abs',
  sqrt: 'sqrt',
  floor: 'floor',
  ceil: 'ceil',
  rint: 'nearest',
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  div: 'div',
};

/** Comparisons of floats. */
export const floatTests: { readonly [K in BinaryOp]?: string } = {
  lt: 'lt',
  le: 'le',
  gt: 'gt',
  ge: 'ge',
  eq: 'eq',
  ne: 'ne',
};

const simpleInt: { readonly [K in BinaryOp]?: string } = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  lt: 'lt_s',
  le: 'le_s',
  gt: 'gt_s',
  ge: 'ge_s',
  eq: 'eq',
  ne: 'ne',
  and: 'and',
  or: 'or',
};

/** Leaves `op` of `x`, which is of `dtype`, on the stack. */
export function scalarUnary(code: Code, libraries: Libraries, op: UnaryOp, dtype: DType, x: Local): void {
  const { kind } = dtypeInfo(dtype);
  const t = scalarType(dtype);
  if (op === 'conj' || op === 'real') return void code.get(x);
  if (kind === 'bool') return void code.get(x).i32(1).op('i32.xor');
  if (op === 'imag' || (kind !== 'float' && op === 'isnan'))
    return scalarLiteral(code, op === 'isnan' ? 'bool' : dtype, 0);
  if (kind === 'float') {
    const simple = simpleFloat[op];
    if (simple) return void code.get(x).op(`${t}.${simple}`);
    if (op === 'isnan') return void code.get(x).get(x).op(`${t}.ne`);
    if (op === 'sign') return floatSign(code, dtype, x);
    return throughVectors(code, libraries, op, dtype, [x]);
  }
  const zero = () => scalarLiteral(code, dtype, 0);
  switch (op) {
    case 'neg':
      zero();
      return void code.get(x).op(`${t}.sub`);
    case 'abs':
      zero();
      code.get(x).op(`${t}.sub`).get(x).get(x);
      zero();
      return void code.op(`${t}.lt_s`, 'select');
    case 'sign':
      code.get(x);
      zero();
      code.op(`${t}.gt_s`).get(x);
      zero();
      code.op(`${t}.lt_s`, 'i32.sub');
      return void (t === 'i64' ? code.op('i64.extend_i32_s') : code);
    default:
      return void code.get(x);
  }
}

function floatSign(code: Code, dtype: DType, x: Local): void {
  const t = scalarType(dtype);
  const zero = () => scalarLiteral(code, dtype, 0);
  code.get(x);
  code.get(x);
  zero();
  code.op(`${t}.gt`).get(x);
  zero();
  code.op(`${t}.lt`, 'i32.sub', `${t}.convert_i32_s`);
  // NaN stays NaN.
  code.get(x).get(x).op(`${t}.ne`, 'select');
}

/** Leaves `op` of `a` and `b`, which are of `dtype`, on the stack. `site`: the number of the operation, for errors. */
export function scalarBinary(
  code: Code,
  libraries: Libraries,
  op: BinaryOp,
  dtype: DType,
  a: Local,
  b: Local,
  site = 0,
): void {
  const { kind } = dtypeInfo(dtype);
  const t = scalarType(dtype);
  if (op === 'max' || op === 'min') {
    const test = `${t}.${op === 'max' ? 'gt' : 'lt'}${kind === 'float' ? '' : '_s'}`;
    code.get(a).get(b).get(a).get(b).op(test);
    if (kind === 'float') code.get(a).get(a).op(`${t}.ne`, 'i32.or');
    return void code.op('select');
  }
  const simple = kind === 'float' ? (simpleFloat[op] ?? floatTests[op]) : simpleInt[op];
  if (simple) return void code.get(a).get(b).op(`${t}.${simple}`);
  if (kind !== 'float')
    return void code
      .get(a)
      .get(b)
      .i32(site)
      .call(libraries.ints.function(op, t as 'i32' | 'i64'));
  if (op === 'floordiv') return void code.get(a).get(b).op(`${t}.div`, `${t}.floor`);
  throughVectors(code, libraries, op, dtype, [a, b]);
}

/** Leaves `x`, which is of dtype `from`, as one of `to` on the stack: what does not fit an integer becomes its minimum. */
export function scalarCast(code: Code, from: DType, to: DType, x: Local): void {
  const [f, t] = [scalarType(from), scalarType(to)];
  if (from === to) return void code.get(x);
  if (to === 'bool') {
    code.get(x);
    scalarLiteral(code, from, 0);
    return void code.op(`${f}.ne`);
  }
  if (t === 'f32' || t === 'f64') {
    code.get(x);
    if (f === 'f32') return void code.op('f64.promote_f32');
    if (f === 'f64') return void code.op('f32.demote_f64');
    return void code.op(`${t}.convert_${f}_s`);
  }
  if (f === 'i32' || f === 'i64') {
    if (f === t) return void code.get(x);
    return void code.get(x).op(t === 'i64' ? 'i64.extend_i32_s' : 'i32.wrap_i64');
  }
  truncation(code, from, to, x);
}

function truncation(code: Code, from: DType, to: DType, x: Local): void {
  const [f, t] = [scalarType(from), scalarType(to)];
  const limit = t === 'i32' ? 2 ** 31 : 2 ** 63;
  code.get(x).op(`${t}.trunc_sat_${f}_s`);
  if (t === 'i32') code.i32(-(2 ** 31));
  else code.i64(-(2n ** 63n));
  // Below the minimum, saturation gives it already.
  code.get(x);
  scalarLiteral(code, from, limit);
  code.op(`${f}.lt`, 'select');
}
