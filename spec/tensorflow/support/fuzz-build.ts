/** Programs of the fuzzer, built in a graph. */
import { isFloating } from '../../../src/graph/dtype.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { nameScope } from '../../../src/graph/scopes.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { constant, placeholder } from '../../../src/ops/definitions/constant.js';
import type { Variable } from '../../../src/ops/definitions/variable.js';
import { variable } from '../../../src/ops/definitions/variable.js';
import { IndexedSlices } from '../../../src/ops/indexed-slices.js';
import type { GradY } from '../../../src/gradients/seeds.js';
import { buildInner, constantOf, surrounded, type Scope } from './fuzz-flow.js';
import { arrayOf, isLeaf, type GradientsCall, type Program, type Ref, type Seed, type Step } from './fuzz-program.js';
import type { Recorder, Result } from './recorder.js';

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
  /** The tensor that a step gives; of a variable's handle its value. */
  readonly tensorOf: (ref: Ref) => Tensor;
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
  readonly #scope: Scope = {
    tensor: (ref) => this.#tensor(ref),
    operation: (step) => this.#operation(step),
  };

  constructor(program: Program, recorder: Recorder, perturb: (tensor: Tensor) => Tensor) {
    this.#program = program;
    this.#perturb = perturb;
    this.#recorder = recorder;
  }

  build(): BuiltProgram {
    const first = this.#recorder.calls.length;
    for (const [i, step] of this.#program.steps.entries())
      this.#outputs.push(surrounded(step, this.#scope, () => this.#step(step, i)).map(this.#perturb));
    for (const entry of this.#program.calls) {
      // Outside: a colocated constant would have to be imported together with what it is placed with.
      const gradYs = entry.gradYs?.map((seed) => this.#seed(seed));
      this.#results.push(surrounded(entry, this.#scope, () => this.#call(entry, gradYs)));
    }
    return {
      feeds: this.#feeds,
      init: [...this.#variables.values()].map((v) => v.initializer),
      tensors: this.#outputs.flat(),
      slices: this.#program.calls.some(({ gradYs }) => gradYs?.some((seed) => seed?.kind === 'slices')),
      calls: [first, this.#recorder.calls.length],
      tensorOf: ([step, output]) => this.#outputs[step]![Math.max(output, 0)]!,
    };
  }

  #operation(step: number): Operation {
    return this.#variables.get(step)?.handle.op ?? this.#outputs[step]![0]!.op;
  }

  #step(step: Step, i: number): readonly Tensor[] {
    if (!isLeaf(step) || step.kind === 'constant') return buildInner(step, i, this.#scope);
    const array = arrayOf(step.value);
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
    if (seed.kind === 'constant') return constantOf(seed.value);
    if (seed.kind === 'fed') {
      const tensor = placeholder(array.dtype, array.shape, { name: 'dy' }) as Tensor;
      this.#feeds.set(tensor, array);
      return tensor;
    }
    const rows = constant([...seed.rows!], { dtype: 'int32' }) as Tensor;
    const dense = seed.dense ? (constant([...array.shape], { dtype: 'int32' }) as Tensor) : null;
    const { shape } = array;
    const values = { ...seed.value, shape: [rows.shape![0]!, ...shape.slice(1)] };
    return new IndexedSlices(constantOf(values), rows, dense);
  }
}
