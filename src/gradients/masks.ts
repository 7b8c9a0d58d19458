/** Which elements of a gradient are there only because a `where` chose them, so that 0 · ∞ beyond it stays 0. */
import { isComplex } from '../graph/dtype.js';
import { broadcastShapes, isFullyDefined, shapesEqual } from '../graph/shape.js';
import { Tensor } from '../graph/tensor.js';
import { anyRepetition, mayRepeat, preparingSums } from '../ops/broadcast-gradient.js';
import { one } from '../ops/call.js';
import { opDef, type Gradient, type OpView } from '../ops/opdef.js';
import {
  conditionOf,
  movesElements,
  pointwiseFacts,
  ShapeOrigins,
  type Choice,
  type PointwiseFacts,
} from '../ops/pointwise.js';
import { constantBeside, shapeOf } from '../ops/rules.js';

export const maskedNaNs = ['safe', 'tensorflow'] as const;

/**
 * What an element that a `where` did not choose contributes. 'safe': nothing at all. 'tensorflow': zero times the derivative
 * of the branch at that element, which is NaN where the derivative is not finite.
 */
export type MaskedNaN = (typeof maskedNaNs)[number];

type Gradients = readonly (Gradient | null)[];
type Rule = (dys: Gradients) => Gradients;

/** How many conditions may wait for each other to be made: none waits on a stack as deep as the graph. */
const deepest = 32;
/** How many literals a mask may have before they are joined. */
const longest = 16;

/** A bool tensor, made when it is first needed. Two conditions are the same if they are the same object. */
class Condition {
  #source: Tensor | (() => Tensor);
  /** Where elements were moved: the numbers that tell where to. */
  readonly trace: (() => Tensor) | null;
  /** How many conditions must be made first, one after the other. */
  readonly depth: number;

  /** @param from what it is made from */
  constructor(source: Tensor | (() => Tensor), from: Mask = everywhere, trace: (() => Tensor) | null = null) {
    this.#source = source;
    this.trace = trace;
    const depth = from.reduce((most, { condition }) => Math.max(most, condition.depth + 1), 0);
    this.depth = depth % deepest;
    if (depth < deepest) return;
    if (trace) trace();
    else void this.tensor;
  }

  get tensor(): Tensor {
    return this.#source instanceof Tensor ? this.#source : (this.#source = this.#source());
  }

  /** Whether it is certain to broadcast to the shape of `x`. */
  fits({ shape }: Tensor, isLike: (other: Tensor) => boolean): boolean {
    if (!(this.#source instanceof Tensor)) return false;
    if (this.#source.shape?.length === 0 || isLike(this.#source)) return true;
    const broadcast = broadcastShapes(this.#source.shape, shape);
    return isFullyDefined(shape) && broadcast !== undefined && shapesEqual(broadcast, shape);
  }
}

interface Literal {
  readonly condition: Condition;
  readonly holds: boolean;
}

/** The elements for which all literals are true: only they may be other than 0 in the gradient. None: no mask. */
type Mask = readonly Literal[];

const everywhere: Mask = [];

/** What is known of a gradient. */
interface Flow {
  /** Its condition broadcasts to the shape of the gradient. */
  readonly mask: Mask;
  /** Whether elements outside the mask may be NaN instead of 0. */
  readonly dirty: boolean;
  clean: Tensor | null;
}

/**
 * Follows the masks of `where`s through one backward walk. An op that works element by element leaves the mask as it is, and may
 * leave NaN outside it; that is replaced by zeros as late as possible: before the gradient is added to others or within
 * itself, before an op that mixes elements sees it, and before anybody else does.
 */
export class Masks {
  readonly #flows = new Map<Gradient, Flow>();
  readonly #conditions = new Map<Tensor, Condition>();
  readonly #materialized = new WeakMap<Mask, Tensor>();
  readonly #origins = new ShapeOrigins();
  readonly #isFollowed: (tensor: Tensor) => boolean;

  /** @param isFollowed whether the walk goes on through a tensor: the gradients of others are of no interest */
  constructor(isFollowed: (tensor: Tensor) => boolean) {
    this.#isFollowed = isFollowed;
  }

  /** `gradient` with zeros outside its mask. */
  clean<G extends Gradient>(gradient: G): G | Tensor {
    const flow = this.#flows.get(gradient);
    if (!flow?.dirty) return gradient;
    if (!flow.clean) {
      flow.clean = this.#masked(gradient as Tensor, flow.mask);
      this.#flows.set(flow.clean, { mask: flow.mask, dirty: false, clean: null });
    }
    return flow.clean;
  }

  /** The sum of the gradients of one tensor, which `add` makes. Outside the mask of the sum, all terms are 0. */
  sum(terms: readonly Gradient[], add: (terms: readonly Gradient[]) => Gradient): Gradient {
    const flows = terms.map((term) => this.#flows.get(term));
    const mask = flows.map((flow) => flow?.mask ?? everywhere).reduce((a, b) => this.#union(a, b, terms[0]!));
    const ready = terms.map((term, i) => (flows[i] && !isSame(flows[i].mask, mask) ? this.clean(term) : term));
    const total = add(ready);
    const dirty = ready.some((term) => this.#flows.get(term)?.dirty);
    if (mask.length > 0) this.#flows.set(total, { mask, dirty, clean: null });
    return total;
  }

  /** What is known of each gradient holds for the one that took its place. */
  replaced(gradients: Gradients, by: Gradients): void {
    gradients.forEach((gradient, i) => {
      const flow = gradient && this.#flows.get(gradient);
      if (flow && by[i]) this.#flows.set(by[i], { ...flow, clean: null });
    });
  }

  /**
   * The gradients of the inputs of `op`, by its rule.
   * @param own whether the rule is that of the op's record: of another, nothing is known
   */
  differentiate(op: OpView, own: boolean, dys: Gradients, rule: Rule): Gradients {
    if (this.#flows.size === 0 && !op.inputs.some(({ dtype }) => dtype === 'bool')) return rule(dys);
    const facts = own ? pointwiseFacts(op) : null;
    if (facts) return this.#pointwise(op, facts, dys, rule);
    const ready = dys.map((dy) => dy && this.clean(dy));
    const dxs = rule(ready);
    if (own && movesElements(opDef(op.type))) this.#moved(op, ready, dxs, rule);
    return dxs;
  }

  #pointwise(op: OpView, { isSteep, choice }: PointwiseFacts, dys: Gradients, rule: Rule): Gradients {
    const { mask, dirty } = (dys[0] && this.#flows.get(dys[0])) ?? { mask: everywhere, dirty: false };
    if (mask.length === 0 && !choice) return rule(dys);
    const soils = (i: number) => mask.length > 0 && (dirty || isSteep(i));
    const prepare = (terms: Tensor, x: Tensor) => {
      const needed = this.#isFollowed(x) && op.inputs.some((input, i) => input === x && soils(i));
      return needed ? this.#masked(terms, mask) : terms;
    };
    const { result, sums } = preparingSums(prepare, () => rule(dys));
    const chosen = choice && this.#condition(op, choice);
    result.forEach((dx, i) => {
      if (!(dx instanceof Tensor) || this.#flows.has(dx) || !this.#isFollowed(op.inputs[i]!)) return;
      const decides = choice && chosen && (i === choice.yes || i === choice.no);
      const own = decides ? this.#conjunction(mask, { condition: chosen, holds: i === choice.yes }) : mask;
      this.#flows.set(dx, { mask: this.#atOperand(op, i, own), dirty: soils(i) && !sums.has(dx), clean: null });
    });
    return result;
  }

  /** The condition of a choice; all choices by one tensor share it. */
  #condition(op: OpView, choice: Choice): Condition {
    const source = conditionOf(op, choice);
    const known = source instanceof Tensor && this.#conditions.get(source);
    if (known) return known;
    const condition = new Condition(source);
    if (source instanceof Tensor) this.#conditions.set(source, condition);
    return condition;
  }

  /** The mask of input `i`, where `mask` is that of what it is broadcast to: an element counts if any repetition of it does. */
  #atOperand(op: OpView, i: number, mask: Mask): Mask {
    const x = op.inputs[i]!;
    const [z] = op.outputs;
    const isLike = (other: Tensor) => other === x || this.#origins.of(other) === this.#origins.of(x);
    if (mask.every(({ condition }) => condition.fits(x, isLike))) return mask;
    if (!op.inputs.some((other) => !isLike(other) && mayRepeat(x, other))) return mask;
    return [{ condition: new Condition(() => anyRepetition(this.#live(mask), x, z), mask), holds: true }];
  }

  /**
   * Where an op moved elements, its rule says where those outside a mask went: it is asked with 1 in their place and NaN, which
   * nothing gets rid of, in that of all others. What neither reaches stays 0, and is not masked by any `where`.
   */
  #moved(op: OpView, dys: Gradients, dxs: Gradients, rule: Rule): void {
    if (!dys.some((dy) => dy && this.#flows.has(dy))) return;
    const graph = op.graph.receiver;
    const masks = dys.map((dy) => (dy && this.#flows.get(dy)?.mask) ?? everywhere);
    const marked = () => rule(dys.map((dy, i) => dy && this.#mark(op.outputs[i]!, masks[i]!)));
    const trace = once(() => graph.withScope({ name: graph.uniqueName(`${op.name}_mask`), forwardOp: op }, marked));
    dxs.forEach((dx, i) => {
      if (!(dx instanceof Tensor) || this.#flows.has(dx) || !this.#isFollowed(op.inputs[i]!)) return;
      this.#flows.set(dx, { mask: traced(() => trace()[i] as Tensor, masks.flat()), dirty: false, clean: null });
    });
  }

  /** NaN inside the mask and 1 outside, in the shape and dtype of `like`. */
  #mark(like: Gradient, mask: Mask): Tensor {
    const [only, ...others] = mask;
    const trace = others.length === 0 ? only?.condition.trace?.() : null;
    if (trace?.dtype === like.dtype) return trace;
    const full = (value: number) => one('Fill', [shapeOf(like), constantBeside(like, value, like.dtype)]);
    return only ? one('SelectV2', [this.#live(mask), full(NaN), full(1)]) : full(NaN);
  }

  /** The same elements inside the mask, zeros outside. */
  #masked(gradient: Tensor, mask: Mask): Tensor {
    const [first, second] = mask;
    const { op, graph, dtype, shape } = gradient;
    // It stands where the gradient does, so that sums for each device stay the same.
    const place = { device: op.device, colocation: op.hasAttr('_class') ? [op] : [] };
    return graph.receiver.withScope(place, () => {
      const zeros = constantBeside(gradient, 0, dtype, 'zeros');
      const operands =
        first && !second && !first.holds
          ? [first.condition.tensor, zeros, gradient]
          : [this.#live(mask), gradient, zeros];
      const masked = one('SelectV2', operands, {}, { name: 'masked' });
      masked.graph.refineShape(masked, shape);
      return masked;
    });
  }

  #live(mask: Mask): Tensor {
    let live = this.#materialized.get(mask);
    if (!live) {
      const parts = mask.map(({ condition: { tensor }, holds }) => (holds ? tensor : one('LogicalNot', [tensor])));
      live = parts.reduce((a, b) => one('LogicalAnd', [a, b]));
      this.#materialized.set(mask, live);
    }
    return live;
  }

  /** The elements of either mask, of gradients like `like`. */
  #union(a: Mask, b: Mask, like: Gradient): Mask {
    if (isWithin(a, b)) return b;
    if (isWithin(b, a)) return a;
    const [only, ...others] = a.filter((literal) => !has(b, literal));
    const rest = a.filter((literal) => literal !== only);
    if (others.length === 0 && only && isSame(b, [...rest, negated(only)])) return rest;
    const both = [...a, ...b];
    if (both.some(({ condition }) => condition.trace)) {
      const trace = () => one('AddN', [[this.#mark(like, a), this.#mark(like, b)]]);
      return traced(once(trace), both);
    }
    return [{ condition: new Condition(() => one('LogicalOr', [this.#live(a), this.#live(b)]), both), holds: true }];
  }

  #conjunction(mask: Mask, literal: Literal): Mask {
    if (has(mask, literal)) return mask;
    const longer = [...mask, literal];
    if (longer.length <= longest) return longer;
    return [{ condition: new Condition(() => this.#live(longer), longer), holds: true }];
  }
}

/** Everything but what `trace`, made from `from`, marks by numbers greater than 0; NaN is none. */
function traced(trace: () => Tensor, from: Mask): Mask {
  return [{ condition: new Condition(() => one('Greater', [realPart(trace()), 0]), from, trace), holds: false }];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

function negated({ condition, holds }: Literal): Literal {
  return { condition, holds: !holds };
}

function has(mask: Mask, { condition, holds }: Literal): boolean {
  return mask.some((literal) => literal.condition === condition && literal.holds === holds);
}

function isWithin(a: Mask, b: Mask): boolean {
  return b.every((literal) => has(a, literal));
}

function isSame(a: Mask, b: Mask): boolean {
  return isWithin(a, b) && isWithin(b, a);
}

function realPart(x: Tensor): Tensor {
  if (!isComplex(x.dtype)) return x;
  return one('Real', [x], { Tout: x.dtype === 'complex128' ? 'float64' : 'float32' });
}
