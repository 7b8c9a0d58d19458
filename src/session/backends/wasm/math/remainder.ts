/** floormod: the exact remainder, moved to the sign of the divisor. */
import type { Code, Local } from '../assembler/code.js';
import type { Definition, Helpers } from './library.js';
import { exactProduct } from './double.js';
import { halves, joined, type Variable, type Vector } from './vector.js';

/** Of quotients below this, rounded, the integer part of two numbers of 24 bits is right and its product exact. */
const shortLimit = 2 ** 28;

export const floormod32: Definition = ([a, b], helpers) => {
  const [tops, bottoms] = [halves(a!), halves(b!)];
  const part = (i: 0 | 1): Vector => {
    const [top, bottom] = [tops[i].keep(), bottoms[i].keep()];
    const quotient = top.div(bottom).keep();
    const rest = top.sub(bottom.mul(quotient.trunc())).keep();
    // Of an infinite divisor the rest is NaN here.
    remainders(top, bottom, rest, quotient.abs().lt(shortLimit).and(rest.eq(rest)), helpers);
    return moved(top, bottom, rest);
  };
  return joined([part(0).keep(), part(1).keep()]);
};

/** Where the quotient's rounded integer part is one too great, the rest has the divisor's sign already, as it should. */
export const floormod64: Definition = ([a, b], helpers) => {
  const quotient = a!.div(b!).keep();
  const [high, low] = exactProduct(b!, quotient.trunc().keep());
  const rest = a!.sub(high).sub(low).keep();
  const simple = quotient
    .abs()
    .lt(2 ** 52)
    .and(a!.abs().lt(2 ** 1000))
    .and(b!.abs().lt(2 ** 990));
  remainders(a!, b!, rest, simple, helpers);
  return moved(a!, b!, rest);
};

/** A rest of 0 has the sign of `a`, as in JavaScript; others that do not have the sign of `b` get `b` added. */
function moved(a: Vector, b: Vector, rest: Variable): Vector {
  const zero = rest.eq(0).keep();
  const signed = rest.or(a.sign().and(zero)).keep();
  const wrong = signed.lt(0).xor(b.lt(0)).andNot(zero);
  return signed.add(b).where(wrong, signed);
}

/** Puts remainders where the simple way does not give them. */
function remainders(a: Vector, b: Vector, rest: Variable, simple: Vector, helpers: Helpers): void {
  const { code } = rest;
  const type = { params: ['f64', 'f64'], results: ['f64'] } as const;
  const remainder = helpers.scalar('remainder', type, defineRemainder);
  const done = simple.keep();
  done.op('v128.not').pushAny();
  code.if(() => {
    for (const lane of [0, 1]) {
      done.push();
      code.lane('i64x2.extract_lane', lane).op('i64.eqz');
      code.if(() => {
        rest.push();
        for (const operand of [a, b]) {
          operand.push();
          code.lane('f64x2.extract_lane', lane);
        }
        code.call(remainder).lane('f64x2.replace_lane', lane).set(rest.local);
      });
    }
  });
}

/** a % b as JavaScript's: long division of the mantissas, 11 bits at a time. */
function defineRemainder(code: Code): void {
  const [a, b] = code.params as readonly [Local, Local];
  const returnIf = (value: () => unknown): Code =>
    code.if(() => {
      value();
      code.op('return');
    });
  code.get(a).op('f64.abs').f64(Infinity).op('f64.lt').get(b).op('f64.abs').f64(0).op('f64.gt', 'i32.and', 'i32.eqz');
  returnIf(() => code.f64(NaN));
  code.get(a).op('f64.abs').get(b).op('f64.abs', 'f64.lt');
  returnIf(() => code.get(a));
  const top = mantissa(code, a);
  const bottom = mantissa(code, b);
  const [steps, step] = [code.local('i64'), code.local('i64')];
  code.get(top.exponent).get(bottom.exponent).op('i64.sub').set(steps);
  code.get(top.digits).get(bottom.digits).op('i64.rem_u').set(top.digits);
  code.block((end) => {
    code.loop((again) => {
      code.get(steps).op('i64.eqz').brIf(end);
      code.get(steps).i64(11n).get(steps).i64(11n).op('i64.lt_u', 'select').set(step);
      code.get(top.digits).get(step).op('i64.shl').get(bottom.digits).op('i64.rem_u').set(top.digits);
      code.get(steps).get(step).op('i64.sub').set(steps).br(again);
    });
  });
  pushScaled(code, top.digits, bottom.exponent);
  code.get(a).op('f64.copysign');
}

/** |x| = digits·2^(exponent - 1075), with an exponent of at least 1. */
function mantissa(code: Code, x: Local): { digits: Local; exponent: Local } {
  const [digits, exponent] = [code.local('i64'), code.local('i64')];
  code.get(x).op('f64.abs', 'i64.reinterpret_f64').tee(digits).i64(52n).op('i64.shr_u').tee(exponent);
  code.op('i64.eqz').if(
    () => code.i64(1n).set(exponent),
    () =>
      code
        .get(digits)
        .i64((1n << 52n) - 1n)
        .op('i64.and')
        .i64(1n << 52n)
        .op('i64.or')
        .set(digits),
  );
  return { digits, exponent };
}

/** digits·2^(exponent - 1075): the factor itself is a normal number only for exponents above 52. */
function pushScaled(code: Code, digits: Local, exponent: Local): void {
  const power = (offset: bigint): Code =>
    code.get(exponent).i64(offset).op('i64.add').i64(52n).op('i64.shl', 'f64.reinterpret_i64');
  code.get(digits).op('f64.convert_i64_u');
  code
    .get(exponent)
    .i64(52n)
    .op('i64.gt_u')
    .if(
      () => power(-52n),
      () => power(1022n),
      'f64',
    );
  code
    .op('f64.mul')
    .f64(2 ** -1074)
    .f64(1)
    .get(exponent)
    .i64(53n)
    .op('i64.lt_u', 'select', 'f64.mul');
}
