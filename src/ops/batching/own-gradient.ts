/** The batching rule of operations that have a gradient of their own, which was written for one row. */
import { one } from '../call.js';
import { copyOperation } from '../copy.js';
import { dense } from '../indexing.js';
import { attributeFor, ownGradient, type OwnGradient } from '../own-gradient.js';
import type { Batched, BatchRule, Gradient, GradientFn, Many, OpView, Rows, Surroundings } from '../opdef.js';
import { elementOf } from '../slicing.js';
import { mapRows } from './map-rows.js';
import { stacked, unstacked } from './operands.js';

/** IdentityN: what it passes on stays what it is, unless the operation has a gradient of its own: that is then mapped over rows. */
export const batchIdentityN: BatchRule = (op, given, rows, surroundings) => {
  const inputs = given.slice(0, op.inputs.length);
  const own = ownGradient(op);
  if (!own) {
    return inputs.map(({ tensor, stacked: is }) => (is ? stacked : unstacked)([one('Identity', [tensor])])[0]!);
  }
  const name = op.stringAttr('_gradient_op_type');
  const _gradient_op_type = attributeFor(name, { rule: mapped(op, own, rows, surroundings), hidden: own.hidden });
  const all = inputs.map((input) => rows.stack(input));
  return stacked(copyOperation(op, all, { _gradient_op_type }).outputs);
};

/** The gradient of `op`, an operation for one row, on all rows. It may use tensors that the function of one row has made. */
function mapped(op: OpView, { rule }: OwnGradient, rows: Rows, surroundings: Surroundings): GradientFn {
  return (batched, dys, calculus) => {
    const given = dys.slice(0, op.outputs.length);
    const flowing = given.flatMap((dy, i) => (dy ? [i] : []));
    const operands: Batched[] = stacked([...batched.inputs, ...flowing.map((i) => dense(given[i]!))]).slice();
    const here = rows.resized(rows.count ?? elementOf(one('Shape', [batched.inputs[0]]), 0));
    const call = (args: readonly Gradient[]): readonly (Gradient | null)[] => {
      const copy = copyOperation(op, args.slice(0, op.inputs.length) as never) as OpView;
      const dysOfRow = given.map((dy, i) => (dy ? args[op.inputs.length + flowing.indexOf(i)]! : null));
      return rule(copy, dysOfRow as unknown as Many<Gradient>, calculus);
    };
    return mapRows(name(op), here, operands, call, { surroundings }) as readonly (Gradient | null)[];
  };
}

const name = (op: OpView): string => op.name.split('/').at(-1)!;
