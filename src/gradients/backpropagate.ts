/** The backward walk: from the seeds at ys towards xs, one operation at a time, each after all that uses it. */
import { DTypeError, InvalidArgumentError, LookupError, ShapeError } from '../graph/errors.js';
import { hintOnBody } from '../graph/function-graph.js';
import type { Operation } from '../graph/operation.js';
import { takingBack } from '../graph/rollback.js';
import { colocateWith } from '../graph/scopes.js';
import { formatShape, isCompatible } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { one } from '../ops/call.js';
import { tuple } from '../ops/definitions/control.js';
import { isDifferentiable } from '../ops/handles.js';
import { IndexedSlices } from '../ops/indexed-slices.js';
import { findOp, type Calculus, type Gradient, type Many, type OpView } from '../ops/opdef.js';
import { zerosLike } from '../ops/rules.js';
import { Accumulator, type AggregationMethod } from './accumulate.js';
import { Flow, namesOn } from './flow.js';
import { Masks, type MaskedNaN } from './masks.js';
import { Region, sourcesOf, stopOperations } from './paths.js';
import { gradientOf } from './registry.js';

type Gradients = readonly (Gradient | null)[];

export interface Walk {
  readonly ys: readonly Tensor[];
  readonly xs: readonly Tensor[];
  /** Makes the seed of ys[i]. */
  readonly seed: (y: Tensor, i: number) => Gradient;
  readonly stopGradients: readonly Tensor[];
  /** The operations that are differentiated; all of them by default. Those in function bodies are not asked about. */
  readonly through?: (op: Operation) => boolean;
  readonly aggregationMethod: AggregationMethod;
  readonly gate: boolean;
  readonly colocate: boolean;
  readonly maskedNaN: MaskedNaN;
  /** Is told what each differentiated operation passed on to its inputs. */
  readonly observe: (op: Operation, dxs: Gradients) => void;
}

/** Appends the backward nodes; afterwards the accumulator holds the gradient of every tensor that received one. */
export function backpropagate(walk: Walk): Accumulator {
  const { ys, xs } = walk;
  const region = new Region(ys, xs);
  const masks = walk.maskedNaN === 'tensorflow' ? null : new Masks(({ op }) => region.contains(op));
  const received = new Accumulator(masks, xs);
  ys.forEach((y, i) =>
    received.add(
      y,
      placed(walk, y.op, () => walk.seed(y, i)),
    ),
  );
  const stops = stopOperations(region, xs, walk.stopGradients);
  const ready = ys.map((y) => y.op).filter((op) => region.contains(op) && region.pending(op) === 0);
  const queue = [...new Set(ready)];
  const calculus = calculusOf(walk);
  for (let next = 0; next < queue.length; next++) {
    const op = queue[next]!;
    placed(walk, op, () => {
      const dys = received.aggregate(op, walk.aggregationMethod);
      if (stops.has(op) || walk.through?.(op) === false || dys.every((dy) => dy === null)) return;
      const sources = sourcesOf(op);
      const dxs = sources === op.inputs ? differentiated(op, dys, walk, masks, calculus) : dys;
      dxs.forEach((dx, i) => dx && received.add(sources[i]!, dx));
      walk.observe(op, dxs);
    });
    for (const input of sourcesOf(op)) if (region.settle(input.op)) queue.push(input.op);
  }
  return received;
}

function placed<T>(walk: Walk, op: Operation, fn: () => T): T {
  return walk.colocate ? colocateWith(op, fn) : fn();
}

/** The gradients of the inputs of `op`. @throws LookupError that names the way to it, where it has none */
function differentiated(op: Operation, dys: Gradients, walk: Walk, masks: Masks | null, calculus: Calculus): Gradients {
  try {
    return gradientsOf(op, dys, walk, masks, calculus);
  } catch (error) {
    throw withWay(error, op, walk);
  }
}

/** The same, checked. */
function gradientsOf(op: Operation, dys: Gradients, walk: Walk, masks: Masks | null, calculus: Calculus): Gradients {
  const rule = gradientOf(op);
  if (!rule) return op.inputs.map(() => null);
  const apply = (given: Gradients): Gradients => {
    const dxs = rule(op as OpView, given as unknown as Many<Gradient>, calculus);
    check(op, dxs);
    return dxs;
  };
  // An operation that calls functions sees for itself what its bodies need.
  const def = findOp(op.type);
  const complete = def?.functional ? dys : dys.map((dy, i) => dy ?? zerosFor(op.outputs[i]!));
  const graph = op.graph.receiver;
  return graph.withScope({ name: graph.uniqueName(`${op.name}_grad`), forwardOp: op }, () => {
    const own = rule === def?.grad;
    const dxs = masks?.differentiate(op as OpView, own, complete, apply) ?? apply(complete);
    if (!walk.gate || dxs.filter((dx) => dx !== null).length < 2) return dxs;
    // The gate must not be pinned to where the operation is.
    const gated = graph.withScope({ device: '', colocation: [] }, () => tuple(dxs));
    masks?.replaced(dxs, gated);
    return gated;
  });
}

function zerosFor(y: Tensor): Tensor | null {
  if (!isDifferentiable(y)) return null;
  // A value of another body would have to be kept for no more than its shape.
  return y.graph === y.graph.receiver ? one('ZerosLike', [y], {}, { name: 'zeros_like' }) : zerosLike(y);
}

/** Inside function bodies, the walk goes on as outside. */
function calculusOf(walk: Walk): Calculus {
  return {
    differentiate(ys, dys, xs) {
      const seeded = ys.flatMap((y, i) => (dys[i] ? [{ y, dy: dys[i] }] : []));
      const received = backpropagate({
        ...walk,
        ys: seeded.map(({ y }) => y),
        xs,
        seed: (_, i) => seeded[i]!.dy,
        stopGradients: [],
        through: () => true,
        observe: () => undefined,
      });
      return xs.map((x) => received.of(x));
    },
  };
}

/** The same error, with the way on which gradient came to the operation that has none, through the functions it is in. */
function withWay(error: unknown, op: Operation, walk: Walk): unknown {
  if (!(error instanceof LookupError)) return error;
  const message = error.message.replace(/\.?$/, '.');
  const way = () => namesOn(wayTo(op, walk));
  if (error.nodeName === op.name)
    return new LookupError(`${message} Gradient came to it by ${way()}.`, { ...op.details(), cause: error });
  if (!findOp(op.type)?.functional) return error;
  const { nodeName, createdAt } = error;
  return new LookupError(`${message} All this is inside '${op.name}', to which it came by ${way()}.`, {
    op: error.op,
    nodeName,
    createdAt,
    cause: error,
  });
}

/** The longest way on which gradient comes to `op`: the walk once more, watched until it is there, and taken back. */
function wayTo(op: Operation, walk: Walk): readonly Operation[] {
  const flow = new Flow();
  const arrival = new Error();
  const through = (other: Operation): boolean => {
    const goesOn = walk.through?.(other) ?? true;
    if (other === op) throw arrival;
    return goesOn;
  };
  try {
    takingBack(op.graph.receiver, () => backpropagate({ ...walk, through, observe: flow.observe }));
  } catch (error) {
    if (error !== arrival) throw error;
  }
  return flow.ways(walk.ys).to(op);
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
    if (!op.graph.receiver.reaches(dx.graph)) {
      throw new InvalidArgumentError(
        `${title()} gives for input ${i} '${dx.name}', which belongs to another graph.${hintOnBody(dx)}`,
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
    // A tensor of a graph around is the gradient of other things as well, which need not have this shape.
    const own = dx instanceof Tensor && dx.graph === op.graph.receiver;
    if (own ? !op.graph.refineShape(dx, x.shape) : !isCompatible(dx.shape, x.shape)) {
      const shapes = `${formatShape(dx.shape)} for input ${i}, '${x.name}', which has shape ${formatShape(x.shape)}`;
      throw new ShapeError(`${title()} has shape ${shapes}.`, op.details());
    }
  });
}
