/** The backward walk: from the seeds at ys towards xs, one operation at a time, each after all that uses it. */
import { isTrainable } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, LookupError, ShapeError } from '../graph/errors.js';
import type { Operation } from '../graph/operation.js';
import { colocateWith } from '../graph/scopes.js';
import { formatShape } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { one } from '../ops/call.js';
import { tuple } from '../ops/definitions/control.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import type { Gradient, GradientFn, Many, OpView } from '../ops/opdef.js';
import { Accumulator, type AggregationMethod } from './accumulate.js';
import { Region, stopOperations } from './paths.js';
import { gradientOf } from './registry.js';

export interface Walk {
  readonly ys: readonly Tensor[];
  readonly xs: readonly Tensor[];
  /** Makes the seed of ys[i]. */
  readonly seed: (y: Tensor, i: number) => Gradient;
  readonly stopGradients: readonly Tensor[];
  readonly aggregationMethod: AggregationMethod;
  readonly gate: boolean;
  readonly colocate: boolean;
  /** Is told what each differentiated operation passed on to its inputs. */
  readonly observe: (op: Operation, dxs: readonly (Gradient | null)[]) => void;
}

/** Appends the backward nodes; afterwards the accumulator holds the gradient of every tensor that received one. */
export function backpropagate(walk: Walk): Accumulator {
  const { ys, xs } = walk;
  const received = new Accumulator();
  ys.forEach((y, i) =>
    received.add(
      y,
      placed(walk, y.op, () => walk.seed(y, i)),
    ),
  );
  const region = new Region(ys, xs);
  const stops = stopOperations(region, xs, walk.stopGradients);
  const ready = ys.map((y) => y.op).filter((op) => region.contains(op) && region.pending(op) === 0);
  const queue = [...new Set(ready)];
  for (let next = 0; next < queue.length; next++) {
    const op = queue[next]!;
    placed(walk, op, () => {
      const dys = received.aggregate(op, walk.aggregationMethod);
      if (stops.has(op) || dys.every((dy) => dy === null)) return;
      const rule = ruleFor(op, walk);
      const dxs = rule ? differentiate(op, rule, dys, walk) : op.inputs.map(() => null);
      dxs.forEach((dx, i) => dx && received.add(op.inputs[i]!, dx));
      walk.observe(op, dxs);
    });
    for (const input of op.inputs) if (region.settle(input.op)) queue.push(input.op);
  }
  return received;
}

function placed<T>(walk: Walk, op: Operation, fn: () => T): T {
  return walk.colocate ? colocateWith(op, fn) : fn();
}

/** The gradients of the inputs of `op`, checked. */
function differentiate(
  op: Operation,
  rule: GradientFn,
  dys: readonly (Gradient | null)[],
  walk: Walk,
): readonly (Gradient | null)[] {
  const complete = dys.map((dy, i) => {
    const y = op.outputs[i]!;
    return dy ?? (isTrainable(y.dtype) ? one('ZerosLike', [y], {}, { name: 'zeros_like' }) : null);
  });
  const { graph } = op;
  return graph.withScope({ name: graph.uniqueName(`${op.name}_grad`), forwardOp: op }, () => {
    const dxs = rule(op as OpView, complete as unknown as Many<Gradient>);
    check(op, dxs);
    if (!walk.gate || dxs.filter((dx) => dx !== null).length < 2) return dxs;
    // The gate must not be pinned to where the operation is.
    return graph.withScope({ device: '', colocation: [] }, () => tuple(dxs));
  });
}

function ruleFor(op: Operation, walk: Walk): GradientFn | null {
  try {
    return gradientOf(op);
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    const path = walk.ys.map((y) => y.op.name).join(', ');
    throw new LookupError(
      `${error.message} It lies on the way from ${path} to ${walk.xs.map((x) => x.name).join(', ')}.`,
      op.details(),
    );
  }
}

function check(op: Operation, dxs: readonly (Gradient | null)[]): void {
  const title = () => `The gradient of '${op.name}' (${op.type}, created at ${op.createdAt})`;
  if (!Array.isArray(dxs) || dxs.length !== op.inputs.length) {
    throw new InvalidArgumentError(
      `${title()} must give one gradient for each of its ${op.inputs.length} inputs.`,
      op.details(),
    );
  }
  dxs.forEach((dx, i) => {
    if (dx === null) return;
    const x = op.inputs[i]!;
    if (!(dx instanceof Tensor || dx instanceof IndexedSlices)) {
      throw new InvalidArgumentError(
        `${title()} gives for input ${i} what is neither a tensor, nor IndexedSlices, nor null.`,
        op.details(),
      );
    }
    if (x.dtype === 'resource' || x.dtype === 'variant') return;
    if (dx.dtype !== x.dtype) {
      throw new DTypeError(
        `${title()} gives ${dx.dtype} for input ${i}, '${x.name}', which is ${x.dtype}.`,
        op.details(),
      );
    }
    if (dx instanceof Tensor && !op.graph.refineShape(dx, x.shape)) {
      const shapes = `${formatShape(dx.shape)} for input ${i}, '${x.name}', which has shape ${formatShape(x.shape)}`;
      throw new ShapeError(`${title()} has shape ${shapes}.`, op.details());
    }
  });
}
