/** Programs of the fuzzer: plain data that builds a graph and differentiates it. */
import { allocate, dtypeInfo, type DType } from '../../../src/graph/dtype.js';
import { writeElement, type Element } from '../../../src/graph/elements.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import { sizeOf, type Shape } from '../../../src/graph/shape.js';
import type { AttrInput } from '../../../src/ops/opdef.js';
import type { GradientOptions } from '../../../src/gradients/gradients.js';

/**
 * Output `output` of step `step`; -1 is the handle of a variable. In the bodies of step number i, i itself stands for their
 * arguments, and their own steps follow with i + 1.
 */
export type Ref = readonly [step: number, output: number];

/** Numbers in row-major order; complex ones as two each. */
export interface Data {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** What surrounds a step or a call. Steps are named by their number. */
export interface Surroundings {
  readonly scope?: string;
  readonly device?: string;
  readonly controls?: readonly number[];
  readonly colocate?: number;
}

export type Step = Surroundings &
  (
    | { readonly kind: 'placeholder'; readonly value: Data; readonly known: Shape }
    | { readonly kind: 'constant'; readonly value: Data }
    | { readonly kind: 'variable'; readonly value: Data }
    | {
        readonly kind: 'op';
        readonly op: string;
        readonly inputs: readonly (Ref | readonly Ref[])[];
        readonly attrs: Readonly<Record<string, AttrInput>>;
      }
    | FlowStep
  );

/** Steps that may use what is around them, and what they give. */
export interface Body {
  readonly steps: readonly Step[];
  readonly results: readonly Ref[];
}

/** A step with bodies, which are programs themselves: of constants, operations and steps with bodies. */
export type FlowStep =
  | { readonly kind: 'cond'; readonly pred: Ref; readonly bodies: readonly [Body, Body] }
  | { readonly kind: 'case'; readonly index: Ref; readonly bodies: readonly Body[] }
  | {
      /** Goes on while the number of the iteration, its first argument and its first output, is less than `trips`. */
      readonly kind: 'while';
      readonly trips: Ref;
      readonly limit?: number | Ref;
      /** What the other arguments start as; the body gives them anew. */
      readonly vars: readonly Ref[];
      readonly invariants?: readonly Shape[];
      readonly bodies: readonly [Body];
    }
  | {
      /** A function, called with `args`, and once more with each of `again`: the outputs of all calls, one after another. */
      readonly kind: 'call';
      readonly args: readonly Ref[];
      readonly again?: readonly Ref[];
      readonly bodies: readonly [Body];
    };

/** A step that gives a tensor of its own. */
export type Leaf = Extract<Step, { readonly value: Data }>;

/** A gradY: one that is fed, a constant, data, or slices. */
export interface Seed {
  readonly kind: 'fed' | 'constant' | 'data' | 'slices';
  readonly value: Data;
  /** Of slices. */
  readonly rows?: readonly number[];
  readonly dense?: boolean;
}

export interface GradientsCall extends Surroundings {
  readonly ys: readonly Ref[];
  readonly xs: readonly Ref[];
  /** The number of an earlier call whose results are the ys, besides `ys`; of slices their values. */
  readonly of?: number;
  /** One for each of `ys`; those of results are ones. */
  readonly gradYs?: readonly (Seed | null)[];
  readonly stops?: readonly Ref[];
  readonly options: Pick<
    GradientOptions,
    'aggregationMethod' | 'gateGradients' | 'colocateGradientsWithOps' | 'unconnectedGradients' | 'name'
  >;
}

export interface Program {
  readonly seed: number;
  readonly steps: readonly Step[];
  readonly calls: readonly GradientsCall[];
}

export function arrayOf({ dtype, shape, data }: Data): NDArray {
  const { kind, big } = dtypeInfo(dtype);
  const storage = allocate(dtype, sizeOf(shape));
  const element = (i: number): Element =>
    kind === 'complex' ? { re: data[2 * i]!, im: data[2 * i + 1]! } : big ? BigInt(data[i]!) : data[i]!;
  for (let i = 0; i < sizeOf(shape); i++) writeElement(dtype, storage, i, element(i));
  return new NDArray(dtype, shape, storage);
}

export function isRef(input: Ref | readonly Ref[]): input is Ref {
  return typeof input[0] === 'number';
}

export function isLeaf(step: Step): step is Leaf {
  return 'value' in step;
}

/** Whether a step has bodies. */
export function isFlow(step: Step): step is Surroundings & FlowStep {
  return 'bodies' in step;
}

/** What a step itself takes, besides what its bodies use. */
export function operandsOf(step: Step): readonly Ref[] {
  switch (step.kind) {
    case 'op':
      return step.inputs.flatMap((input) => (isRef(input) ? [input] : [...input]));
    case 'cond':
      return [step.pred];
    case 'case':
      return [step.index];
    case 'while':
      return [step.trips, ...(typeof step.limit === 'object' ? [step.limit] : []), ...step.vars];
    case 'call':
      return [...step.args, ...(step.again ?? [])];
    default:
      return [];
  }
}

/** All that step number `i` uses of what comes before it, in its bodies as well. */
export function usedBy(step: Step, i: number): readonly Ref[] {
  const inside = isFlow(step)
    ? step.bodies.flatMap(({ steps, results }) => [
        ...steps.flatMap((inner, k) => usedBy(inner, i + 1 + k)),
        ...results,
      ])
    : [];
  return [...operandsOf(step), ...inside.filter(([k]) => k < i)];
}

/** A step with other numbers for what it and its bodies use, and for what is around them. */
export function renumbered(step: Step, ref: (ref: Ref) => Ref, number: (step: number) => number | null): Step {
  const { controls, colocate, ...plain } = step;
  const kept = controls?.flatMap((k) => number(k) ?? []);
  const beside = colocate === undefined ? null : number(colocate);
  return {
    ...withRefs(plain, ref),
    ...(isFlow(step) && {
      bodies: step.bodies.map(({ steps, results }) => ({
        steps: steps.map((inner) => renumbered(inner, ref, number)),
        results: results.map(ref),
      })),
    }),
    ...(kept && kept.length > 0 && { controls: kept }),
    ...(beside !== null && { colocate: beside }),
  } as Step;
}

function withRefs(step: Step, ref: (ref: Ref) => Ref): Step {
  switch (step.kind) {
    case 'op':
      return { ...step, inputs: step.inputs.map((input) => (isRef(input) ? ref(input) : input.map(ref))) };
    case 'cond':
      return { ...step, pred: ref(step.pred) };
    case 'case':
      return { ...step, index: ref(step.index) };
    case 'while': {
      const { limit } = step;
      const most = typeof limit === 'object' ? { limit: ref(limit) } : {};
      return { ...step, trips: ref(step.trips), ...most, vars: step.vars.map(ref) };
    }
    case 'call':
      return { ...step, args: step.args.map(ref), ...(step.again && { again: step.again.map(ref) }) };
    default:
      return step;
  }
}

/** Steps with all that are in their bodies. */
export function allSteps(steps: readonly Step[]): readonly Step[] {
  return steps.flatMap((step) => [step, ...(isFlow(step) ? step.bodies.flatMap((body) => allSteps(body.steps)) : [])]);
}
