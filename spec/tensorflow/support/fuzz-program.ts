/** Programs of the fuzzer: plain data that builds a graph and differentiates it, and that people can read. */
import { allocate, dtypeInfo, isFloating, type DType } from '../../../src/graph/dtype.js';
import { writeElement, type Element } from '../../../src/graph/elements.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { colocateWith, controlDependencies, device, nameScope } from '../../../src/graph/scopes.js';
import { sizeOf, type Shape } from '../../../src/graph/shape.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { call } from '../../../src/ops/call.js';
import { constant, placeholder } from '../../../src/ops/definitions/constant.js';
import type { Variable } from '../../../src/ops/definitions/variable.js';
import { variable } from '../../../src/ops/definitions/variable.js';
import { IndexedSlices } from '../../../src/ops/indexed-slices.js';
import type { AttrInput } from '../../../src/ops/opdef.js';
import type { GradientOptions } from '../../../src/gradients/gradients.js';
import type { GradY } from '../../../src/gradients/seeds.js';
import type { Recorder, Result } from './recorder.js';

/** Output `output` of step `step`; -1 is the handle of a variable. */
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
  );

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

/** A program in a graph. */
export interface BuiltProgram {
  readonly feeds: Map<Tensor, NDArray>;
  /** What gives the variables their values. */
  readonly init: readonly Operation[];
  /** All that can be fetched, forwards. */
  readonly tensors: readonly Tensor[];
  /** Whether a gradient is given as slices. */
  readonly slices: boolean;
  /** The numbers of its calls in the recorder: from, to. */
  readonly calls: readonly [number, number];
}

export function arrayOf({ dtype, shape, data }: Data): NDArray {
  const { kind, big } = dtypeInfo(dtype);
  const storage = allocate(dtype, sizeOf(shape));
  const element = (i: number): Element =>
    kind === 'complex' ? { re: data[2 * i]!, im: data[2 * i + 1]! } : big ? BigInt(data[i]!) : data[i]!;
  for (let i = 0; i < sizeOf(shape); i++) writeElement(dtype, storage, i, element(i));
  return new NDArray(dtype, shape, storage);
}

/** Builds it; everything is named below `prefix`. What `perturb` makes of a tensor stands in its place. */
export function buildProgram(
  program: Program,
  recorder: Recorder,
  prefix: string,
  perturb: (tensor: Tensor) => Tensor = (tensor) => tensor,
): BuiltProgram {
  return nameScope(prefix, () => new ProgramBuilder(program, recorder, perturb).build());
}

class ProgramBuilder {
  readonly #program: Program;
  readonly #recorder: Recorder;
  readonly #perturb: (tensor: Tensor) => Tensor;
  readonly #feeds = new Map<Tensor, NDArray>();
  readonly #outputs: (readonly Tensor[])[] = [];
  readonly #variables = new Map<number, Variable>();
  readonly #results: Result[][] = [];

  constructor(program: Program, recorder: Recorder, perturb: (tensor: Tensor) => Tensor) {
    this.#program = program;
    this.#perturb = perturb;
    this.#recorder = recorder;
  }

  build(): BuiltProgram {
    const first = this.#recorder.calls.length;
    for (const [i, step] of this.#program.steps.entries())
      this.#outputs.push(this.#surrounded(step, () => this.#step(step, i)).map(this.#perturb));
    for (const entry of this.#program.calls) {
      // Outside: a colocated constant would have to be imported together with what it is placed with.
      const gradYs = entry.gradYs?.map((seed) => this.#seed(seed));
      this.#results.push(this.#surrounded(entry, () => this.#call(entry, gradYs)));
    }
    return {
      feeds: this.#feeds,
      init: [...this.#variables.values()].map((v) => v.initializer),
      tensors: this.#outputs.flat(),
      slices: this.#program.calls.some(({ gradYs }) => gradYs?.some((seed) => seed?.kind === 'slices')),
      calls: [first, this.#recorder.calls.length],
    };
  }

  #surrounded<T>({ scope, device: spec, controls, colocate }: Surroundings, fn: () => T): T {
    let run = fn;
    const wrap = (outer: (inner: () => T) => T): void => {
      const inner = run;
      run = () => outer(inner);
    };
    if (colocate !== undefined) wrap((inner) => colocateWith(this.#operation(colocate), inner));
    if (controls) {
      const operations = controls.map((i) => this.#operation(i));
      wrap((inner) => controlDependencies(operations, inner));
    }
    if (spec !== undefined) wrap((inner) => device(spec, inner));
    if (scope !== undefined) wrap((inner) => nameScope(scope, inner));
    return run();
  }

  #operation(step: number): Operation {
    return this.#variables.get(step)?.handle.op ?? this.#outputs[step]![0]!.op;
  }

  #step(step: Step, i: number): readonly Tensor[] {
    if (step.kind === 'op')
      return call(
        step.op,
        step.inputs.map((input) => (isRef(input) ? this.#tensor(input) : input.map((ref) => this.#tensor(ref)))),
        step.attrs,
      ).outputs;
    const array = arrayOf(step.value);
    if (step.kind === 'constant') return [constant(array, { dtype: array.dtype })];
    if (step.kind === 'variable') {
      const v = variable(array, { name: 'v' }) as Variable;
      this.#variables.set(i, v);
      return [v.value()];
    }
    const tensor = placeholder(array.dtype, step.known, { name: 'x' }) as Tensor;
    this.#feeds.set(tensor, array);
    return [tensor];
  }

  #tensor([step, output]: Ref): Tensor {
    return output < 0 ? this.#variables.get(step)!.handle : this.#outputs[step]![output]!;
  }

  #call({ ys, xs, of, stops, options }: GradientsCall, gradYs: readonly GradY[] | undefined): Result[] {
    const results = of === undefined ? [] : this.#results[of]!;
    // Complex ones would need gradYs of shapes that are not known here.
    const again = results
      .flatMap((result) => (result === null ? [] : [result instanceof Tensor ? result : result.values]))
      .filter(({ dtype }) => isFloating(dtype));
    const seeds = gradYs && [...gradYs, ...again.map(() => null)];
    return this.#recorder.gradients(
      [...ys.map((y) => this.#tensor(y)), ...again],
      xs.map((x) => this.#tensor(x)),
      {
        ...options,
        ...(seeds && { gradYs: seeds }),
        ...(stops && { stopGradients: stops.map((stop) => this.#tensor(stop)) }),
      },
    );
  }

  #seed(seed: Seed | null): GradY {
    if (seed === null) return null;
    const array = arrayOf(seed.value);
    if (seed.kind === 'data') return array;
    if (seed.kind === 'constant') return constant(array, { dtype: array.dtype });
    if (seed.kind === 'fed') {
      const tensor = placeholder(array.dtype, array.shape, { name: 'dy' }) as Tensor;
      this.#feeds.set(tensor, array);
      return tensor;
    }
    const rows = constant([...seed.rows!], { dtype: 'int32' }) as Tensor;
    const dense = seed.dense ? (constant([...array.shape], { dtype: 'int32' }) as Tensor) : null;
    const { shape } = array;
    const values = { ...seed.value, shape: [rows.shape![0]!, ...shape.slice(1)] };
    return new IndexedSlices(constant(arrayOf(values), { dtype: array.dtype }), rows, dense);
  }
}

export function isRef(input: Ref | readonly Ref[]): input is Ref {
  return typeof input[0] === 'number';
}

/** One line for each step and call. */
export function printProgram({ steps, calls }: Program): string {
  const ref = ([step, output]: Ref) => `%${step}${output < 0 ? '.handle' : output > 0 ? `:${output}` : ''}`;
  const around = ({ scope, device: spec, controls, colocate }: Surroundings) =>
    [
      scope === undefined ? '' : ` in scope ${scope}`,
      spec === undefined ? '' : ` on ${spec}`,
      controls ? ` after ${controls.map((i) => `%${i}`).join(', ')}` : '',
      colocate === undefined ? '' : ` with %${colocate}`,
    ].join('');
  const data = ({ dtype, shape, data: numbers }: Data) => `${dtype}[${shape}] {${numbers.join(', ')}}`;
  const text = (step: Step): string => {
    if (step.kind === 'placeholder')
      return `placeholder ${step.known === null ? '?' : `[${step.known.map((dim) => dim ?? '?')}]`} fed ${data(step.value)}`;
    if (step.kind !== 'op') return `${step.kind} ${data(step.value)}`;
    const inputs = step.inputs.map((input) => (isRef(input) ? ref(input) : `[${input.map(ref).join(', ')}]`));
    const attrs = Object.keys(step.attrs).length > 0 ? ` ${show(step.attrs)}` : '';
    return `${step.op}(${inputs.join(', ')})${attrs}`;
  };
  return [
    ...steps.map((step, i) => `%${i} = ${text(step)}${around(step)}`),
    ...calls.map(
      ({ ys, xs, of, gradYs, stops, options, ...rest }, i) =>
        `call ${i}: gradients([${ys.map(ref).join(', ')}]${of === undefined ? '' : ` and the results of call ${of}`}, ` +
        `[${xs.map(ref).join(', ')}], ${show({ ...options, ...(gradYs && { gradYs }) })}` +
        `${stops ? ` stopGradients [${stops.map(ref).join(', ')}]` : ''})${around(rest)}`,
    ),
  ].join('\n');
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, x: unknown) => (typeof x === 'bigint' ? Number(x) : x));
}
