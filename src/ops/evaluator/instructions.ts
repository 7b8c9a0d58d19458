/**
 * The instructions that evaluation compiles to: closures over the register files `r` (numbers) and `v` (bigints, complex
 * numbers, strings, handles). Each dtype with a fast path has closures of its own, so that typed-array accesses stay
 * monomorphic and numbers are never boxed between instructions.
 */
import { dtypeInfo, type DType } from '../../graph/dtype.js';
import { elementCodec, type Element } from '../../graph/elements.js';
import type { BinaryOp, UnaryOp } from '../expr.js';
import { binary, conversion, divisor, unary } from '../scalar.js';

export type Instruction = () => void;

/** Holds the storage that loads read and stores write; filled anew for every run. */
export interface Box {
  data: unknown;
}

/** Registers of the program that runs; programs keep nothing in them between runs. */
export let r = new Float64Array(256);
export const v: unknown[] = [];

/** Makes room for `count` registers. Only while no program runs. */
export function reserve(count: number): void {
  if (count > r.length) r = new Float64Array(2 * count);
}

/** Whether elements of `dtype` live in `r`. */
export function isNumeric(dtype: DType): boolean {
  const { kind, big } = dtypeInfo(dtype);
  return (kind === 'float' || kind === 'int' || kind === 'bool') && !big;
}

export function constant(dtype: DType, d: number, value: Element): Instruction {
  if (!isNumeric(dtype)) return () => void (v[d] = value);
  const number = value as number;
  return () => void (r[d] = number);
}

export function move(dtype: DType, d: number, s: number): Instruction {
  return isNumeric(dtype) ? () => void (r[d] = r[s]!) : () => void (v[d] = v[s]);
}

/** d = x + y * factor, for addresses. */
export function addressStep(d: number, x: number, y: number, factor: number): Instruction {
  return () => void (r[d] = r[x]! + r[y]! * factor);
}

/** d = start + y * factor, for addresses. */
export function addressStart(d: number, start: number, y: number, factor: number): Instruction {
  if (start === 0) return () => void (r[d] = r[y]! * factor);
  return () => void (r[d] = start + r[y]! * factor);
}

type Apply1 = (d: number, x: number) => Instruction;
type Apply2 = (d: number, x: number, y: number) => Instruction;

const fround = Math.fround;

const float32Binary: { readonly [K in BinaryOp]?: Apply2 } = {
  add: (d, x, y) => () => void (r[d] = fround(r[x]! + r[y]!)),
  sub: (d, x, y) => () => void (r[d] = fround(r[x]! - r[y]!)),
  mul: (d, x, y) => () => void (r[d] = fround(r[x]! * r[y]!)),
  div: (d, x, y) => () => void (r[d] = fround(r[x]! / r[y]!)),
};
const float64Binary: { readonly [K in BinaryOp]?: Apply2 } = {
  add: (d, x, y) => () => void (r[d] = r[x]! + r[y]!),
  sub: (d, x, y) => () => void (r[d] = r[x]! - r[y]!),
  mul: (d, x, y) => () => void (r[d] = r[x]! * r[y]!),
  div: (d, x, y) => () => void (r[d] = r[x]! / r[y]!),
};
const int32Binary: { readonly [K in BinaryOp]?: Apply2 } = {
  add: (d, x, y) => () => void (r[d] = (r[x]! + r[y]!) | 0),
  sub: (d, x, y) => () => void (r[d] = (r[x]! - r[y]!) | 0),
  mul: (d, x, y) => () => void (r[d] = Math.imul(r[x]!, r[y]!)),
  floordiv: (d, x, y) => () => void (r[d] = Math.floor(r[x]! / divisor(r[y]!)) | 0),
  floormod: (d, x, y) => () => {
    const b = divisor(r[y]!);
    const rest = r[x]! % b;
    r[d] = (rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest) | 0;
  },
};
/** The same for every numeric dtype. */
const anyBinary: { readonly [K in BinaryOp]?: Apply2 } = {
  max: (d, x, y) => () => void (r[d] = r[x]! > r[y]! || r[x]! !== r[x]! ? r[x]! : r[y]!),
  min: (d, x, y) => () => void (r[d] = r[x]! < r[y]! || r[x]! !== r[x]! ? r[x]! : r[y]!),
  lt: (d, x, y) => () => void (r[d] = r[x]! < r[y]! ? 1 : 0),
  le: (d, x, y) => () => void (r[d] = r[x]! <= r[y]! ? 1 : 0),
  gt: (d, x, y) => () => void (r[d] = r[x]! > r[y]! ? 1 : 0),
  ge: (d, x, y) => () => void (r[d] = r[x]! >= r[y]! ? 1 : 0),
  eq: (d, x, y) => () => void (r[d] = r[x]! === r[y]! ? 1 : 0),
  ne: (d, x, y) => () => void (r[d] = r[x]! !== r[y]! ? 1 : 0),
  and: (d, x, y) => () => void (r[d] = r[x]! & r[y]!),
  or: (d, x, y) => () => void (r[d] = r[x]! | r[y]!),
};
const fastBinary: { readonly [D in DType]?: { readonly [K in BinaryOp]?: Apply2 } } = {
  float32: float32Binary,
  float64: float64Binary,
  int32: int32Binary,
};

/** d = x `op` y for operands of `dtype`. */
export function binaryInstruction(op: BinaryOp, dtype: DType, d: number, x: number, y: number): Instruction {
  const f = binary(op, dtype) as (a: unknown, b: unknown) => unknown;
  if (!isNumeric(dtype)) {
    const test = op in anyBinary && op !== 'max' && op !== 'min';
    return test ? () => void (r[d] = f(v[x], v[y]) as number) : () => void (v[d] = f(v[x], v[y]));
  }
  const fast = fastBinary[dtype]?.[op] ?? anyBinary[op];
  return fast ? fast(d, x, y) : () => void (r[d] = f(r[x]!, r[y]!) as number);
}

const floatUnary: { readonly [K in UnaryOp]?: Apply1 } = {
  neg: (d, x) => () => void (r[d] = -r[x]!),
  abs: (d, x) => () => void (r[d] = Math.abs(r[x]!)),
  conj: (d, x) => () => void (r[d] = r[x]!),
};
const float32Unary: { readonly [K in UnaryOp]?: Apply1 } = {
  ...floatUnary,
  sqrt: (d, x) => () => void (r[d] = fround(Math.sqrt(r[x]!))),
  exp: (d, x) => () => void (r[d] = fround(Math.exp(r[x]!))),
  log: (d, x) => () => void (r[d] = fround(Math.log(r[x]!))),
  tanh: (d, x) => () => void (r[d] = fround(Math.tanh(r[x]!))),
};
const float64Unary: { readonly [K in UnaryOp]?: Apply1 } = {
  ...floatUnary,
  sqrt: (d, x) => () => void (r[d] = Math.sqrt(r[x]!)),
  exp: (d, x) => () => void (r[d] = Math.exp(r[x]!)),
  log: (d, x) => () => void (r[d] = Math.log(r[x]!)),
  tanh: (d, x) => () => void (r[d] = Math.tanh(r[x]!)),
};
const fastUnary: { readonly [D in DType]?: { readonly [K in UnaryOp]?: Apply1 } } = {
  float32: float32Unary,
  float64: float64Unary,
};

/** d = f(x) for an operand of dtype `from` and a result of dtype `to`. */
function apply(f: (x: Element) => Element, from: DType, to: DType, d: number, x: number): Instruction {
  const g = f as (x: unknown) => unknown;
  if (isNumeric(from)) return isNumeric(to) ? () => void (r[d] = g(r[x]!) as number) : () => void (v[d] = g(r[x]!));
  return isNumeric(to) ? () => void (r[d] = g(v[x]) as number) : () => void (v[d] = g(v[x]));
}

/** d = `op` x for an operand of dtype `from` and a result of dtype `to`. */
export function unaryInstruction(op: UnaryOp, from: DType, to: DType, d: number, x: number): Instruction {
  return fastUnary[from]?.[op]?.(d, x) ?? apply(unary(op, from), from, to, d, x);
}

export function castInstruction(from: DType, to: DType, d: number, x: number): Instruction {
  return apply(conversion(from, to), from, to, d, x);
}

/** d = the element of the box at address `a`. */
export function load(dtype: DType, box: Box, d: number, a: number): Instruction {
  switch (dtype) {
    case 'float32':
      return () => void (r[d] = (box.data as Float32Array)[r[a]!]!);
    case 'float64':
      return () => void (r[d] = (box.data as Float64Array)[r[a]!]!);
    case 'int32':
      return () => void (r[d] = (box.data as Int32Array)[r[a]!]!);
    case 'bool':
      return () => void (r[d] = (box.data as Uint8Array)[r[a]!]!);
    default: {
      const read = elementCodec(dtype).read as (data: unknown, i: number) => unknown;
      return isNumeric(dtype)
        ? () => void (r[d] = read(box.data, r[a]!) as number)
        : () => void (v[d] = read(box.data, r[a]!));
    }
  }
}

/** Writes x at the address in register `a`, which then moves on by one. */
export function store(dtype: DType, box: Box, a: number, x: number): Instruction {
  switch (dtype) {
    case 'float32':
      return () => void ((box.data as Float32Array)[r[a]!++] = r[x]!);
    case 'float64':
      return () => void ((box.data as Float64Array)[r[a]!++] = r[x]!);
    case 'int32':
      return () => void ((box.data as Int32Array)[r[a]!++] = r[x]!);
    case 'bool':
      return () => void ((box.data as Uint8Array)[r[a]!++] = r[x]!);
    default: {
      const write = elementCodec(dtype).write as (data: unknown, i: number, value: unknown) => void;
      return isNumeric(dtype) ? () => write(box.data, r[a]!++, r[x]!) : () => write(box.data, r[a]!++, v[x]);
    }
  }
}

/** Runs instructions one after another. */
export function sequence(code: readonly Instruction[]): Instruction {
  const [a, b, c] = code;
  if (code.length === 0) return () => {};
  if (code.length === 1) return a!;
  if (code.length === 2) {
    return () => {
      a!();
      b!();
    };
  }
  if (code.length === 3) {
    return () => {
      a!();
      b!();
      c!();
    };
  }
  const count = code.length;
  return () => {
    for (let i = 0; i < count; i++) code[i]!();
  };
}

/** Runs `code` for register `d` = 0 … extent - 1. */
export function loop(d: number, extent: number, code: readonly Instruction[]): Instruction {
  const count = code.length;
  if (count > 4) {
    return () => {
      for (let i = 0; i < extent; i++) {
        r[d] = i;
        for (let k = 0; k < count; k++) code[k]!();
      }
    };
  }
  const nothing = (): void => {};
  const [a = nothing, b = nothing, c = nothing, e = nothing] = code;
  if (count <= 2) {
    return () => {
      for (let i = 0; i < extent; i++) {
        r[d] = i;
        a();
        b();
      }
    };
  }
  return () => {
    for (let i = 0; i < extent; i++) {
      r[d] = i;
      a();
      b();
      c();
      e();
    }
  };
}

/** One case of a choice: `yes` runs where `test` leaves something other than 0 in register `t`. */
export interface Case {
  readonly test: Instruction;
  readonly t: number;
  readonly yes: Instruction;
}

/** The first case that holds runs, else `no`. */
export function choose(cases: readonly Case[], no: Instruction): Instruction {
  return () => {
    for (let i = 0; i < cases.length; i++) {
      const { test, t, yes } = cases[i]!;
      test();
      if (r[t]! !== 0) return yes();
    }
    no();
  };
}

export function branch(t: number, yes: Instruction, no: Instruction): Instruction {
  return () => {
    if (r[t]! !== 0) yes();
    else no();
  };
}

/** d = t ? x : y where both are there already. */
export function pick(dtype: DType, d: number, t: number, x: number, y: number): Instruction {
  return isNumeric(dtype)
    ? () => void (r[d] = r[t]! !== 0 ? r[x]! : r[y]!)
    : () => void (v[d] = r[t]! !== 0 ? v[x] : v[y]);
}
