/** Elementary functions of vectors, defined in a module as they are asked for. */
import type { Code, FunctionRef, FunctionType, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { float32 } from './float32.js';
import { float64 } from './float64.js';
import { Vector, vectorType, type FloatType } from './vector.js';

export type MathFunction =
  'exp' | 'expm1' | 'log' | 'log1p' | 'sin' | 'cos' | 'tan' | 'tanh' | 'erf' | 'erfc' | 'pow' | 'floormod';

/** How functions get others that they call: defined once in a module. */
export interface Helpers {
  /** A function of `count` vectors of a dtype. */
  helper(name: string, dtype: FloatType, count: number, definition: Definition): FunctionRef;
  /** One of any type. */
  scalar(name: string, type: FunctionType, build: (code: Code) => void): FunctionRef;
}

/** A function's result from its arguments, which are pushed as often as they are used. */
export type Definition = (args: readonly Vector[], helpers: Helpers) => Vector;

const definitions = { float32, float64 };
const shapes = { float32: 'f32x4', float64: 'f64x2' } as const;

/** Functions of a few dozen instructions, which stand in the place of a call inside loops: then constants are loaded once. */
const short: ReadonlySet<MathFunction> = new Set(['exp', 'expm1', 'log', 'log1p', 'tanh']);
/** Bytes of a function that may grow that way. */
const mostCode = 40_000;

/**
 * No fused multiply-add, so results are the same on every engine.
 */
export class MathLibrary implements Helpers {
  readonly #module: ModuleBuilder;
  readonly #defined = new Map<string, FunctionRef>();

  constructor(module: ModuleBuilder) {
    this.#module = module;
  }

  /** Takes a vector, or two for pow and floormod; lanes are independent, so a scalar is any lane of vectors that repeat it. */
  function(name: MathFunction, dtype: FloatType): FunctionRef {
    const count = name === 'pow' || name === 'floormod' ? 2 : 1;
    return this.helper(name, dtype, count, definitions[dtype][name]);
  }

  /** Leaves the function of vectors on the stack: written out where that is short, else called. */
  writeOut(code: Code, name: MathFunction, dtype: FloatType, operands: readonly Local[]): void {
    if (!short.has(name) || code.size > mostCode) {
      for (const operand of operands) code.get(operand);
      return void code.call(this.function(name, dtype));
    }
    code.scoped(() => {
      const args = operands.map((operand) => Vector.of(code, shapes[dtype], operand));
      definitions[dtype][name](args, this).push();
    });
  }

  helper(name: string, dtype: FloatType, count: number, definition: Definition): FunctionRef {
    return this.scalar(`${name}.${dtype}`, vectorType(count), (code) => {
      const args = code.params.map((param) => Vector.of(code, shapes[dtype], param));
      definition(args, this).push();
    });
  }

  scalar(name: string, type: FunctionType, build: (code: Code) => void): FunctionRef {
    let ref = this.#defined.get(name);
    if (!ref) {
      ref = this.#module.define(name, type, build);
      this.#defined.set(name, ref);
    }
    return ref;
  }
}
