/** Integer divisions as functions of a module: they report a division by zero, and wrap around. */
import type { BinaryOp } from '../../../ops/expr.js';
import type { Code, FunctionRef, Local } from './assembler/code.js';
import type { ModuleBuilder } from './assembler/module.js';

export class IntLibrary {
  readonly #module: ModuleBuilder;
  /** What to call, with the number of the operation, where the divisor is 0. */
  readonly #divisionByZero: FunctionRef;
  readonly #known = new Map<string, FunctionRef>();

  constructor(module: ModuleBuilder, divisionByZero: FunctionRef) {
    this.#module = module;
    this.#divisionByZero = divisionByZero;
  }

  /** A function of two integers of `type` and the number of the operation: div, floordiv or floormod. */
  function(op: BinaryOp, type: 'i32' | 'i64'): FunctionRef {
    const name = `${type}.${op}`;
    let found = this.#known.get(name);
    if (!found) {
      found = this.#module.define(name, { params: [type, type, 'i32'], results: [type] }, (code) =>
        this.#build(code, op, type),
      );
      this.#known.set(name, found);
    }
    return found;
  }

  #build(code: Code, op: BinaryOp, type: 'i32' | 'i64'): void {
    const [a, b, site] = code.params as [Local, Local, Local];
    const number = (value: number): Code => (type === 'i32' ? code.i32(value) : code.i64(BigInt(value)));
    code.get(b).op(`${type}.eqz`);
    code.if(() => void code.get(site).call(this.#divisionByZero));
    // The minimum by -1 traps.
    code.get(b);
    number(-1).op(`${type}.eq`);
    code.if(() => {
      number(0);
      if (op !== 'floormod') code.get(a).op(`${type}.sub`);
      code.op('return');
    });
    if (op === 'div') return void code.get(a).get(b).op(`${type}.div_s`);
    const rest = code.local(type);
    code.get(a).get(b).op(`${type}.rem_s`).set(rest);
    const corrected = () => {
      code.get(rest);
      number(0).op(`${type}.ne`);
      code.get(rest).get(b).op(`${type}.xor`);
      number(0).op(`${type}.lt_s`);
      code.op('i32.and');
    };
    if (op === 'floormod') {
      code.get(rest).get(b).op(`${type}.add`).get(rest);
      corrected();
      return void code.op('select');
    }
    code.get(a).get(b).op(`${type}.div_s`);
    corrected();
    if (type === 'i64') code.op('i64.extend_i32_u');
    code.op(`${type}.sub`);
  }
}
