/**
 * Pairwise reduction in one fixed order. The terms, row-major over the reduced axes, are cut into leaves of 64 (the last
 * may be shorter). A leaf starts from the identity and takes its terms in sequence. Finished leaves are joined like the
 * digits of a binary counter: after leaf number n, one join for every trailing zero bit of n; what remains at the end is
 * joined from the latest leaf to the earliest. The earlier partial result is always the left operand.
 */
import type { DType } from '../../graph/dtype.js';
import type { ReduceOp } from '../expr.js';
import { identityOf } from '../scalar.js';
import { binaryInstruction, constant, move, r, v, isNumeric, type Instruction } from './instructions.js';

/** How many terms a leaf has. */
export const leafSize = 64;

export interface Reduction {
  /** Before the first term. */
  readonly begin: Instruction;
  /** After a term is in its register. */
  readonly step: Instruction;
  /** After the last term: the result is in the register `result`. */
  readonly end: Instruction | null;
}

/** The reduction of `total` terms, each found in register `term`. `slot` hands out registers. */
export function reduction(
  op: ReduceOp,
  dtype: DType,
  total: number,
  term: number,
  result: number,
  slot: () => number,
): Reduction {
  const begin = constant(dtype, result, identityOf(op, dtype));
  const add = binaryInstruction(op, dtype, result, result, term);
  if (total <= leafSize) return { begin, step: add, end: null };

  const depth = Math.ceil(Math.log2(Math.ceil(total / leafSize))) + 1;
  const partials = Array.from({ length: depth }, slot);
  const joins = partials.map((partial) => binaryInstruction(op, dtype, result, partial, result));
  const saves = partials.map((partial) => move(dtype, partial, result));
  let filled = 0;
  let leaves = 0;
  let top = 0;
  const finishLeaf = (): void => {
    for (let n = ++leaves; (n & 1) === 0; n >>>= 1) joins[--top]!();
    saves[top++]!();
    begin();
    filled = 0;
  };
  return {
    begin: () => {
      filled = leaves = top = 0;
      begin();
    },
    step: stepper(op, dtype, term, result, add, () => {
      if (++filled === leafSize) finishLeaf();
    }),
    end: () => {
      if (filled > 0) finishLeaf();
      load(dtype, result, partials[--top]!);
      while (top > 0) joins[--top]!();
    },
  };
}

function load(dtype: DType, d: number, s: number): void {
  if (isNumeric(dtype)) r[d] = r[s]!;
  else v[d] = v[s];
}

function stepper(
  op: ReduceOp,
  dtype: DType,
  term: number,
  result: number,
  add: Instruction,
  count: Instruction,
): Instruction {
  if (op === 'add' && dtype === 'float32') {
    return () => {
      r[result] = Math.fround(r[result]! + r[term]!);
      count();
    };
  }
  return () => {
    add();
    count();
  };
}
