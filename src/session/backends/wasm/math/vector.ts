/** Vector expressions that emit into a function's code, so that what is computed reads like mathematics. */
import type { Code, FunctionRef, Local } from '../assembler/code.js';
import type { ValueType } from '../assembler/instructions.js';

export type Shape = 'f32x4' | 'f64x2';
export type FloatType = 'float32' | 'float64';

const integers: Readonly<Record<Shape, string>> = { f32x4: 'i32x4', f64x2: 'i64x2' };

type Operand = Vector | number;

/**
 * A vector that is pushed where it is used: twice where it is used twice, unless it is kept. A number as an operand is
 * that constant in all lanes, rounded to the width of a lane. Masks are vectors of all ones and all zeros by lane.
 */
export class Vector {
  readonly code: Code;
  readonly shape: Shape;
  readonly push: () => void;

  constructor(code: Code, shape: Shape, push: () => void) {
    this.code = code;
    this.shape = shape;
    this.push = push;
  }

  get dtype(): FloatType {
    return this.shape === 'f32x4' ? 'float32' : 'float64';
  }

  static of(code: Code, shape: Shape, local: Local): Vector {
    return new Vector(code, shape, () => code.get(local));
  }

  add(b: Operand): Vector {
    return this.#float('add', b);
  }

  sub(b: Operand): Vector {
    return this.#float('sub', b);
  }

  mul(b: Operand): Vector {
    return this.#float('mul', b);
  }

  div(b: Operand): Vector {
    return this.#float('div', b);
  }

  /** `b` where it is less: of a NaN and `b`, the NaN. */
  atMost(b: Operand): Vector {
    return this.#float('pmin', b);
  }

  /** `b` where it is greater: of a NaN and `b`, the NaN. */
  atLeast(b: Operand): Vector {
    return this.#float('pmax', b);
  }

  eq(b: Operand): Vector {
    return this.#float('eq', b);
  }

  ne(b: Operand): Vector {
    return this.#float('ne', b);
  }

  lt(b: Operand): Vector {
    return this.#float('lt', b);
  }

  le(b: Operand): Vector {
    return this.#float('le', b);
  }

  gt(b: Operand): Vector {
    return this.#float('gt', b);
  }

  and(b: Vector): Vector {
    return this.op('v128.and', b);
  }

  andNot(b: Vector): Vector {
    return this.op('v128.andnot', b);
  }

  or(b: Vector): Vector {
    return this.op('v128.or', b);
  }

  xor(b: Vector): Vector {
    return this.op('v128.xor', b);
  }

  abs(): Vector {
    return this.op(`${this.shape}.abs`);
  }

  neg(): Vector {
    return this.op(`${this.shape}.neg`);
  }

  /** To the nearest integer, of two the even one; 0 keeps the sign. */
  nearest(): Vector {
    return this.op(`${this.shape}.nearest`);
  }

  trunc(): Vector {
    return this.op(`${this.shape}.trunc`);
  }

  plusBits(b: Vector): Vector {
    return this.op(`${integers[this.shape]}.add`, b);
  }

  minusBits(b: Vector): Vector {
    return this.op(`${integers[this.shape]}.sub`, b);
  }

  /** A mask of where the bits, as signed integers, are greater. */
  bitsAbove(b: Vector): Vector {
    return this.op(`${integers[this.shape]}.gt_s`, b);
  }

  shiftLeft(by: number): Vector {
    return this.#shift('shl', by);
  }

  shiftRight(by: number): Vector {
    return this.#shift('shr_u', by);
  }

  shiftRightSigned(by: number): Vector {
    return this.#shift('shr_s', by);
  }

  /** What lies under the sign bit of each lane. */
  sign(): Vector {
    return this.and(this.constant(-0));
  }

  /** A mask of the lanes whose sign bit is set. */
  negative(): Vector {
    return this.bits(0).bitsAbove(this);
  }

  sqrt(): Vector {
    return this.op(`${this.shape}.sqrt`);
  }

  /** This vector where the mask is set, `other` elsewhere. */
  where(mask: Vector, other: Operand): Vector {
    return new Vector(this.code, this.shape, () => {
      this.push();
      this.#operand(other).push();
      mask.push();
      this.code.op('v128.bitselect');
    });
  }

  /**
   * Polynomial in this vector, the constant term first, by Estrin's scheme: pairs of terms, then pairs of pairs, so that
   * few steps wait for each other. `square` is this vector times itself.
   */
  polynomial(coefficients: readonly Operand[], square = this.mul(this)): Vector {
    const pairs: Operand[] = [];
    for (let i = 0; i < coefficients.length; i += 2) {
      const [low, high] = [coefficients[i]!, coefficients[i + 1]];
      pairs.push(high === undefined ? low : this.mul(high).add(low));
    }
    if (pairs.length === 1) return this.#operand(pairs[0]!);
    const kept = pairs.length > 2 || !(square instanceof Variable) ? square.keep() : square;
    return kept.polynomial(pairs);
  }

  constant(value: number): Vector {
    if (this.shape === 'f32x4') return this.#repeated(new Float32Array(4).fill(value));
    return this.#splat((code) => code.f64(value), 'f64x2');
  }

  /** A constant by the bits of a lane. */
  bits(value: number | bigint): Vector {
    if (this.shape === 'f32x4') return this.#repeated(new Int32Array(4).fill(Number(value)));
    return this.#splat((code) => code.i64(BigInt(value)), 'i64x2');
  }

  /** V8 is faster with this for four lanes, and with a splat, which is shorter, for two. */
  #repeated({ buffer }: Float32Array | Int32Array): Vector {
    const bytes = new Uint8Array(buffer);
    return new Vector(this.code, this.shape, () => this.code.v128(bytes));
  }

  #splat(push: (code: Code) => Code, as: 'f64x2' | 'i64x2'): Vector {
    const { code, shape } = this;
    return new Vector(code, shape, () => push(code).op(`${as}.splat`));
  }

  /** Evaluated here, once; what it returns is a variable. */
  keep(): Variable {
    const local = this.code.local('v128');
    this.push();
    this.code.set(local);
    return new Variable(this.code, this.shape, local);
  }

  op(name: string, ...operands: readonly Vector[]): Vector {
    return new Vector(this.code, this.shape, () => {
      this.push();
      for (const operand of operands) operand.push();
      this.code.op(name);
    });
  }

  call(fn: FunctionRef, ...operands: readonly Vector[]): Vector {
    return new Vector(this.code, this.shape, () => {
      this.push();
      for (const operand of operands) operand.push();
      this.code.call(fn);
    });
  }

  /** Pushes 1 if a bit is set in any lane, else 0. */
  pushAny(): Code {
    this.push();
    return this.code.op('v128.any_true');
  }

  #operand(b: Operand): Vector {
    return typeof b === 'number' ? this.constant(b) : b;
  }

  #float(name: string, b: Operand): Vector {
    return this.op(`${this.shape}.${name}`, this.#operand(b));
  }

  #shift(name: string, by: number): Vector {
    return new Vector(this.code, this.shape, () => {
      this.push();
      this.code.i32(by).op(`${integers[this.shape]}.${name}`);
    });
  }
}

/** A vector in a local, which can be assigned to. */
export class Variable extends Vector {
  readonly local: Local;

  constructor(code: Code, shape: Shape, local: Local) {
    super(code, shape, () => code.get(local));
    this.local = local;
  }

  assign(value: Vector): void {
    value.push();
    this.code.set(this.local);
  }

  /** Assigns if a lane of the mask is set; `value` must give the other lanes as they were. */
  assignWhereAny(mask: Vector, value: () => Vector): void {
    mask.pushAny().if(() => this.assign(value()));
  }
}

const highHalf = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const lowHalves = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** Four float32 lanes as two vectors of float64 lanes. */
export function halves(x: Vector): [Vector, Vector] {
  const promote = (push: () => void): Vector =>
    new Vector(x.code, 'f64x2', () => {
      push();
      x.code.op('f64x2.promote_low_f32x4');
    });
  return [
    promote(x.push),
    promote(() => {
      x.push();
      x.push();
      x.code.shuffle(highHalf);
    }),
  ];
}

/** The inverse: each lane rounded to float32. */
export function joined([low, high]: readonly [Vector, Vector]): Vector {
  return new Vector(low.code, 'f32x4', () => {
    for (const half of [low, high]) half.op('f32x4.demote_f64x2_zero').push();
    low.code.shuffle(lowHalves);
  });
}

const vectors = (count: number): readonly ValueType[] => new Array<ValueType>(count).fill('v128');

/** The type of a function of `count` vectors that gives `results` of them. */
export const vectorType = (
  count: number,
  results = 1,
): { params: readonly ValueType[]; results: readonly ValueType[] } => ({
  params: vectors(count),
  results: vectors(results),
});
