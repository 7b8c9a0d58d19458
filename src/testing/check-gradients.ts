/** Gradient graphs of any order against finite differences (in the manner of JAX's `check_grads`). */
import { InvalidArgumentError, type ErrorDetails } from '../graph/errors.js';
import { describeTensor } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import { gradients } from '../gradients/gradients.js';
import { convertToTensor, one } from '../ops/call.js';
import { compareInput, type Comparison } from './compare.js';
import { problemOf, type Checkable, type ComputeGradientOptions, type Problem } from './operands.js';
import { directions } from './random.js';
import { fromReals, realsPerElement } from './reals.js';
import { GradientCheckError, type GradientReport, type InputReport, type Mismatch } from './report.js';
import { onWorkbench, type Source, type Workbench } from './workbench.js';

export interface CheckGradientsOptions extends ComputeGradientOptions {
  /** How often to differentiate: 2 checks the gradients of the gradients too. 1 by default. */
  readonly order?: number;
  /** The relative error allowed beyond what rounding explains; by default it follows from the dtypes. */
  readonly tolerance?: number;
  /** Chooses the random directions; 0 by default. */
  readonly seed?: number;
}

interface Settings {
  readonly order: number;
  readonly tolerance: number | null;
  readonly seed: number;
}

/** What something is differentiated by, and what reports call it. */
interface Input {
  readonly source: Source;
  readonly name: string;
  readonly details: ErrorDetails;
}

/**
 * Checks the gradients of `y` with respect to `xs` against central differences. With `order: 2` the gradient graph is
 * checked the same way, with respect to the xs and to the gradient that is fed to each y.
 *
 * The ys are projected on one random direction. Inputs of up to 32 numbers are moved one number at a time; larger ones
 * along one random direction, and where that disagrees along smaller and smaller parts of it, until the element is found.
 * Functions in float32 and less are evaluated in float64 for this, where their operations allow it: the step (about 6e-6)
 * then stays clear of most kinks. The tolerance follows from the dtypes: 3e-6 for float64, 3.5e-4 for float32 gradients. An
 * x that no y depends on must make no difference. NaN and infinity fail.
 *
 * The graph, its names and its state, and the variables of the session stay as they are: what is needed for the check is
 * built, run on a session of its own, and taken back. Random numbers are drawn once and are the same in every run.
 *
 * @param y a float or complex tensor, or several
 * @param xs tensors, fed or not, and variables; a bare one is a list of one
 * @returns what was compared, and the largest errors
 * @throws GradientCheckError with the element, the numbers and the step where they disagree; InvalidArgumentError for
 *   integer operands or a bad option; GraphFinalizedError for a finalized graph; what `gradients` and `session.run` throw
 * @example
 * const x = placeholder('float64', [2]);
 * const report = await checkGradients(x.multiply(x).reduceSum(), [x], { feeds: new Map([[x, [1, 2]]]), order: 2 });
 * report.maxError < 1e-6; // true
 */
export async function checkGradients(
  y: readonly Checkable[] | Checkable,
  xs: readonly Checkable[] | Checkable,
  options: CheckGradientsOptions = {},
): Promise<GradientReport> {
  const problem = problemOf('checkGradients', y, xs, options, ['order', 'tolerance', 'seed']);
  const settings = settingsOf(options);
  return onWorkbench(problem, [...problem.ys, ...problem.xs], (bench) => new Check(bench, problem, settings).run());
}

function settingsOf(options: CheckGradientsOptions): Settings {
  const { order = 1, seed = 0 } = options;
  const tolerance = options.tolerance ?? null;
  const bad = (name: string, what: string, value: unknown) =>
    new InvalidArgumentError(`checkGradients: '${name}' must be ${what}, not ${String(value)}.`);
  if (!Number.isInteger(order) || order < 1) throw bad('order', 'an integer of at least 1', order);
  if (tolerance !== null && !(typeof tolerance === 'number' && tolerance >= 0))
    throw bad('tolerance', 'a number of at least 0', tolerance);
  if (!Number.isInteger(seed)) throw bad('seed', 'an integer', seed);
  return { order, tolerance, seed };
}

class Check {
  readonly #bench: Workbench;
  readonly #problem: Problem;
  readonly #settings: Settings;
  readonly #random: () => number;
  readonly #reports: InputReport[] = [];

  constructor(bench: Workbench, problem: Problem, settings: Settings) {
    this.#bench = bench;
    this.#problem = problem;
    this.#settings = settings;
    this.#random = directions(settings.seed);
  }

  run(): GradientReport {
    let functions = this.#problem.ys;
    let inputs = this.#problem.xs.map((source): Input => ({
      source,
      name: `'${source.name}'`,
      details: source.op.details(),
    }));
    for (let order = 1; order <= this.#settings.order && functions.length > 0; order++) {
      const seeds = functions.map((y, i) => this.#seedFor(y, `gradYs_${order}_${i}`));
      const found = gradients(
        functions,
        inputs.map(({ source }) => source),
        { gradYs: seeds },
      );
      const dense = found.map((gradient) => (gradient === null ? null : convertToTensor(gradient)));
      this.#compare(order, functions, seeds, inputs, dense);
      inputs = [...inputs, ...seeds.map((seed, i) => seedInput(seed, functions[i]!, order, i))];
      functions = dense.filter((gradient) => gradient !== null);
    }
    const maxError = Math.max(0, ...this.#reports.map((report) => report.maxError));
    return { order: this.#settings.order, seed: this.#settings.seed, maxError, inputs: this.#reports };
  }

  /** A random gradient for `y`, fed from now on. */
  #seedFor(y: Tensor, name: string): Tensor {
    const { shape } = this.#bench.run([y])[0]!;
    const seed = one('Placeholder', [], { dtype: y.dtype, shape: y.shape }, { name });
    const size = shape.reduce((product, dim) => product * dim, realsPerElement(y.dtype));
    this.#bench.feed(seed, fromReals(y.dtype, shape, Array.from({ length: size }, this.#random)));
    return seed;
  }

  #compare(
    order: number,
    functions: readonly Tensor[],
    seeds: readonly Tensor[],
    inputs: readonly Input[],
    found: readonly (Tensor | null)[],
  ): void {
    const mismatches: { mismatch: Mismatch; input: Input }[] = [];
    inputs.forEach((input, i) => {
      const comparison: Comparison = {
        bench: this.#bench,
        functions,
        seeds,
        source: input.source,
        gradient: found[i]!,
        delta: this.#problem.delta,
        tolerance: this.#settings.tolerance,
        random: this.#random,
      };
      const { mismatch, ...numbers } = compareInput(comparison);
      if (mismatch) mismatches.push({ input, mismatch: { input: input.name, order, ...mismatch } });
      else this.#reports.push({ input: input.name, order, ...numbers });
    });
    if (mismatches.length === 0) return;
    mismatches.sort((a, b) => badness(b.mismatch) - badness(a.mismatch));
    const ys = this.#problem.ys.map((y) => `'${y.name}'`).join(', ');
    throw new GradientCheckError(
      ys,
      mismatches.map(({ mismatch }) => mismatch),
      this.#settings.seed,
      mismatches[0]!.input.details,
    );
  }
}

function seedInput(source: Tensor, y: Tensor, order: number, i: number): Input {
  const name = order === 1 ? `gradYs[${i}] of ${describeTensor(y)}` : `the order-${order} gradYs[${i}]`;
  return { source, name, details: y.op.details() };
}

function badness({ relativeError }: Mismatch): number {
  return Number.isNaN(relativeError) ? Infinity : relativeError;
}
