/** How exactly a function can be differenced: the coarsest dtype on the way from x to y decides the step and the tolerance. */
import { isTrainable, realDType, type DType } from '../graph/dtype.js';
import type { Operation } from '../graph/operation.js';
import type { Tensor } from '../graph/tensor.js';
import { isDifferentiable } from './reals.js';

const epsilons: Partial<Record<DType, number>> = {
  float64: 2 ** -52,
  float32: 2 ** -23,
  float16: 2 ** -10,
  bfloat16: 2 ** -7,
};

/** The distance from 1 to the next number of a float or complex dtype. */
export function epsilonOf(dtype: DType): number {
  return epsilons[realDType(dtype)]!;
}

/** The step of central differences, for numbers of about 1: it balances rounding, eps / h, against the h² that is left out. */
export function stepFor(epsilon: number): number {
  return Math.cbrt(epsilon);
}

/** The relative error allowed between differences of one precision and gradients of another. */
export function toleranceFor(differences: number, gradients: number): number {
  return Math.max(Math.cbrt(differences) / 2, Math.sqrt(gradients));
}

/** The epsilon of the coarsest float dtype among `x`, `ys` and all that lies between them by way of such numbers. */
export function epsilonBetween(x: Tensor, ys: readonly Tensor[]): number {
  const seen = new Set<Operation>();
  const stack: Operation[] = [];
  const visit = (op: Operation): void => {
    if (op.id < x.op.id || seen.has(op)) return;
    seen.add(op);
    stack.push(op);
  };
  for (const y of ys) visit(y.op);
  for (let op = stack.pop(); op; op = stack.pop()) for (const input of op.inputs) visit(input.op);
  const reached = new Set<Operation>([x.op]);
  let epsilon = isDifferentiable(x.dtype) ? epsilonOf(x.dtype) : 0;
  for (const op of [...seen].sort((a, b) => a.id - b.id)) {
    if (!op.inputs.some((input) => isTrainable(input.dtype) && reached.has(input.op))) continue;
    reached.add(op);
    for (const { dtype } of op.outputs) if (isDifferentiable(dtype)) epsilon = Math.max(epsilon, epsilonOf(dtype));
  }
  return epsilon;
}
