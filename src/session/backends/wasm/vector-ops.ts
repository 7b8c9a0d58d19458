/**
 * The same as `scalar-ops.ts` on all lanes of a vector: four of 32 bits, or two of 64, in which case elements of 32 bits take the lower
 * half of the vector. Bools are masks as wide as the lanes.
 */
import { dtypeInfo, type DType } from '../../../graph/dtype.js';
import type { BinaryOp, UnaryOp } from '../../../ops/expr.js';
import type { Code, Local } from './assembler/code.js';
import { bytesOf, floatTests, simpleFloat, vectorFunctions, type Libraries } from './scalar-ops.js';
import type { MathFunction } from './math/library.js';

export type Lanes = 2 | 4;

const shapes: { readonly [D in DType]?: string } = {
  float32: 'f32x4',
  float64: 'f64x2',
  int32: 'i32x4',
  int64: 'i64x2',
};

function shapeOf(dtype: DType, lanes: Lanes): string {
  return shapes[dtype] ?? (lanes === 4 ? 'i32x4' : 'i64x2');
}

/** Whether elements of `dtype` fill only half of a vector of so many lanes. */
function isHalf(dtype: DType, lanes: Lanes): boolean {
  return lanes === 2 && (dtype === 'float32' || dtype === 'int32');
}

/** Whether there are vector instructions for this. */
export function hasVectorUnary(op: UnaryOp, dtype: DType): boolean {
  const { kind } = dtypeInfo(dtype);
  if (kind === 'bool') return op === 'not';
  if (kind === 'float') return true;
  return ['neg', 'abs', 'conj', 'real', 'floor', 'ceil', 'rint'].includes(op);
}

export function hasVectorBinary(op: BinaryOp, dtype: DType): boolean {
  const { kind } = dtypeInfo(dtype);
  if (kind === 'float') return true;
  if (kind === 'bool') return ['and', 'or', 'eq', 'ne'].includes(op);
  return ['add', 'sub', 'mul', 'max', 'min', 'lt', 'le', 'gt', 'ge', 'eq', 'ne'].includes(op);
}

export function hasVectorCast(from: DType, to: DType): boolean {
  if (to === 'bool') return true;
  if (from === 'int64' || to === 'int64') return false;
  return true;
}

/** Puts the element on the stack into all lanes. A bool is 0 or 1 there. */
export function splat(code: Code, dtype: DType, lanes: Lanes): void {
  if (dtype === 'bool') {
    // 0 - x is the mask.
    const bit = code.local('i32');
    code.set(bit).i32(0).get(bit).op('i32.sub');
    code.free(bit);
    return void (lanes === 4 ? code.op('i32x4.splat') : code.op('i64.extend_i32_s', 'i64x2.splat'));
  }
  code.op(`${shapeOf(dtype, lanes)}.splat`);
}

/** Loads consecutive elements from the address on the stack. */
export function vectorLoad(code: Code, dtype: DType, lanes: Lanes, offset: number): void {
  if (dtype === 'bool') {
    code.memory(lanes === 4 ? 'v128.load32_zero' : 'i32.load16_u', offset, 0);
    if (lanes === 2) {
      const bits = code.local('i32');
      const pair = code.local('v128');
      code.set(bits).get(bits).i32(255).op('i32.and', 'i64.extend_i32_u', 'i64x2.splat').set(pair);
      code.get(pair).get(bits).i32(8).op('i32.shr_u', 'i64.extend_i32_u').lane('i64x2.replace_lane', 1);
      code.free(bits);
      code.free(pair);
      code.i64(0n).op('i64x2.splat', 'i64x2.ne');
      return;
    }
    return void code.op('i16x8.extend_low_i8x16_u', 'i32x4.extend_low_i16x8_u').i32(0).op('i32x4.splat', 'i32x4.ne');
  }
  const align = Math.log2(bytesOf(dtype));
  code.memory(isHalf(dtype, lanes) ? 'v128.load64_zero' : 'v128.load', offset, align);
}

/** Takes an address and a vector from the stack. */
export function vectorStore(code: Code, dtype: DType, lanes: Lanes, offset: number): void {
  if (dtype === 'bool') {
    if (lanes === 4) {
      code.i32(1).op('i32x4.splat', 'v128.and').i32(0).op('i32x4.splat', 'i16x8.narrow_i32x4_s');
      return void code.i32(0).op('i32x4.splat', 'i8x16.narrow_i16x8_u').memoryLane('v128.store32_lane', 0, offset);
    }
    const mask = code.local('v128');
    code.set(mask).get(mask).lane('i64x2.extract_lane', 0).op('i32.wrap_i64').i32(1).op('i32.and');
    code.get(mask).lane('i64x2.extract_lane', 1).op('i32.wrap_i64').i32(256).op('i32.and', 'i32.or');
    code.free(mask);
    return void code.memory('i32.store16', offset, 0);
  }
  if (isHalf(dtype, lanes)) return void code.memoryLane('v128.store64_lane', 0, offset);
  code.memory('v128.store', offset, Math.log2(bytesOf(dtype)));
}

function number(code: Code, dtype: DType, lanes: Lanes, value: number): Code {
  if (dtype === 'float32') code.f32(value);
  else if (dtype === 'float64') code.f64(value);
  else if (dtype === 'int64') code.i64(BigInt(value));
  else code.i32(value);
  return code.op(`${shapeOf(dtype, lanes)}.splat`);
}

/** A mask of the lanes that an instruction on `dtype` leaves, as wide as bools are. */
function widened(code: Code, dtype: DType, lanes: Lanes): void {
  if (isHalf(dtype, lanes)) code.op('i64x2.extend_low_i32x4_s');
}

export function vectorUnary(code: Code, libraries: Libraries, op: UnaryOp, dtype: DType, lanes: Lanes, x: Local): void {
  const { kind } = dtypeInfo(dtype);
  const t = shapeOf(dtype, lanes);
  if (op === 'conj' || op === 'real') return void code.get(x);
  if (op === 'not') return void code.get(x).op('v128.not');
  if (op === 'isnan') {
    code.get(x).get(x).op(`${t}.ne`);
    return widened(code, dtype, lanes);
  }
  if (op === 'imag') return void number(code, dtype, lanes, 0);
  if (kind !== 'float') return void (op === 'neg' || op === 'abs' ? code.get(x).op(`${t}.${op}`) : code.get(x));
  const simple = simpleFloat[op];
  if (simple) return void code.get(x).op(`${t}.${simple}`);
  if (op === 'sign') {
    // 1 where it is above 0, less 1 where it is below, and NaN where it is NaN.
    number(code.get(x), dtype, lanes, 0).op(`${t}.gt`);
    number(code, dtype, lanes, 1).op('v128.and');
    number(code.get(x), dtype, lanes, 0).op(`${t}.lt`);
    number(code, dtype, lanes, 1).op('v128.and', `${t}.sub`);
    return void code.get(x).get(x).op(`${t}.ne`, 'v128.or');
  }
  vectorFunction(code, libraries, op, dtype, [x]);
}

function vectorFunction(
  code: Code,
  { math, isHot }: Libraries,
  op: UnaryOp | BinaryOp,
  dtype: DType,
  operands: readonly Local[],
): void {
  const [name, type] = [op as MathFunction, dtype as 'float32' | 'float64'];
  if (isHot) return math.writeOut(code, name, type, operands);
  for (const operand of operands) code.get(operand);
  code.call(math.function(name, type));
}

export function vectorBinary(
  code: Code,
  libraries: Libraries,
  op: BinaryOp,
  dtype: DType,
  lanes: Lanes,
  a: Local,
  b: Local,
): void {
  const { kind } = dtypeInfo(dtype);
  const t = shapeOf(dtype, lanes);
  if (kind === 'bool') {
    code.get(a).get(b);
    if (op === 'and' || op === 'or') return void code.op(`v128.${op}`);
    code.op('v128.xor');
    return void (op === 'eq' ? code.op('v128.not') : code);
  }
  const suffix = kind === 'float' ? '' : '_s';
  const test = floatTests[op];
  if (test) {
    code
      .get(a)
      .get(b)
      .op(`${t}.${test}${test === 'eq' || test === 'ne' ? '' : suffix}`);
    return widened(code, dtype, lanes);
  }
  if (op === 'max' || op === 'min') {
    code
      .get(a)
      .get(b)
      .get(a)
      .get(b)
      .op(`${t}.${op === 'max' ? 'gt' : 'lt'}${suffix}`);
    if (kind === 'float') code.get(a).get(a).op(`${t}.ne`, 'v128.or');
    return void code.op('v128.bitselect');
  }
  const simple = simpleFloat[op];
  if (simple) return void code.get(a).get(b).op(`${t}.${simple}`);
  if (op === 'floordiv') return void code.get(a).get(b).op(`${t}.div`, `${t}.floor`);
  if (!vectorFunctions.has(op)) throw new Error(`There is no vector instruction for '${op}' of ${dtype}.`);
  vectorFunction(code, libraries, op, dtype, [a, b]);
}

/** Takes `yes` where the mask is set. All three are vectors; elements are of `dtype`. */
export function vectorSelect(code: Code, dtype: DType, lanes: Lanes, test: Local, yes: Local, no: Local): void {
  code.get(yes).get(no).get(test);
  if (isHalf(dtype, lanes)) {
    // The lower halves of the two wide masks, side by side.
    code.get(test).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
  }
  code.op('v128.bitselect');
}

export function vectorCast(code: Code, from: DType, to: DType, lanes: Lanes, x: Local): void {
  code.get(x);
  if (from === to) return;
  if (to === 'bool') {
    number(code, from, lanes, 0).op(`${shapeOf(from, lanes)}.ne`);
    return widened(code, from, lanes);
  }
  if (from === 'bool') return fromMask(code, to, lanes);
  switch (`${from} ${to}`) {
    case 'float32 float64':
      return void code.op('f64x2.promote_low_f32x4');
    case 'float64 float32':
      return void code.op('f32x4.demote_f64x2_zero');
    case 'int32 float32':
      return void code.op('f32x4.convert_i32x4_s');
    case 'int32 float64':
      return void code.op('f64x2.convert_low_i32x4_s');
    case 'float32 int32':
      code
        .op('i32x4.trunc_sat_f32x4_s')
        .i32(-(2 ** 31))
        .op('i32x4.splat');
      return void code
        .get(x)
        .f32(2 ** 31)
        .op('f32x4.splat', 'f32x4.lt', 'v128.bitselect');
    case 'float64 int32':
      code
        .op('i32x4.trunc_sat_f64x2_s_zero')
        .i32(-(2 ** 31))
        .op('i32x4.splat');
      code
        .get(x)
        .f64(2 ** 31)
        .op('f64x2.splat', 'f64x2.lt');
      return void code.get(x).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]).op('v128.bitselect');
    default:
      throw new Error(`There is no vector instruction from ${from} to ${to}.`);
  }
}

function fromMask(code: Code, to: DType, lanes: Lanes): void {
  if (isHalf(to, lanes)) {
    const mask = code.local('v128');
    code.set(mask).get(mask).get(mask).shuffle([0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11]);
    code.free(mask);
  }
  number(code, to, lanes, 1).op('v128.and');
}

/** The first lanes side by side with a whole number each: 0, 1 … */
export function laneNumbers(code: Code, lanes: Lanes): void {
  code.v128(
    lanes === 4 ? [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0] : [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  );
}

/** Lane `i` of a vector as an element. */
export function extractLane(code: Code, dtype: DType, lanes: Lanes, x: Local, i: number): void {
  code.get(x);
  if (dtype !== 'bool') return void code.lane(`${shapeOf(dtype, lanes)}.extract_lane`, i);
  code.lane(`${shapeOf(dtype, lanes)}.extract_lane`, i);
  if (lanes === 2) code.op('i32.wrap_i64');
  code.i32(1).op('i32.and');
}
