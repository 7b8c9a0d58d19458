/** Gradient tapes: which part of a graph is differentiated follows from what was watched while it was built. */
import { FailedPreconditionError, InvalidArgumentError } from '../graph/errors.js';
import { checkBoolean, checkOptionNames } from '../graph/options.js';
import { startRecorder, stopRecorder } from '../graph/recorders.js';
import type { Tensor } from '../graph/tensor.js';
import { Variable } from '../ops/definitions/variable.js';
import type { IndexedSlices } from '../ops/indexed-slices.js';
import { packLike, type Mapped, type Nest } from '../ops/nest.js';
import { checkUnconnected, type UnconnectedGradients } from './gradients.js';
import {
  checkJacobianOptions,
  checkRows,
  jacobianOperand,
  jacobianOperands,
  type JacobianOperand,
  type Jacobians,
} from './jacobian.js';
import { Recording } from './recording.js';
import type { SeedOptions } from './seed-rows.js';
import { gradientsOn, type TapeRequest } from './tape-gradients.js';
import { batchJacobianOn, jacobiansOn } from './tape-jacobian.js';
import { oneForEach, operandsIn, tensorBehind, type OutputGradients, type TapeOperand } from './structures.js';

export interface TapeOptions {
  /** Whether gradients can be taken more than once; false by default. */
  readonly persistent?: boolean;
  /** Whether trainable variables that are read while the tape records are watched; true by default. */
  readonly watchAccessedVariables?: boolean;
}

export interface TapeGradientOptions {
  /**
   * The gradient that flows into each target, of its dtype and shape; null for ones. In the structure of the targets, or in
   * a flat list. By default ones everywhere.
   */
  readonly outputGradients?: OutputGradients;
  /** What a source gets that no target depends on: null ('none', the default) or zeros ('zero'). */
  readonly unconnectedGradients?: UnconnectedGradients;
}

export interface TapeJacobianOptions extends SeedOptions, Pick<TapeGradientOptions, 'unconnectedGradients'> {}

/** What a tape gives for sources: the same nest. Of a nest that is not known any closer, no more than that is known. */
export type TapeGradients<S> = [Nest<never>] extends [S]
  ? Nest<Tensor | IndexedSlices | null>
  : Mapped<S, TapeOperand, Tensor | IndexedSlices | null>;

/**
 * A gradient tape over tensors of a graph (TensorFlow `tf.GradientTape`). Nothing is recorded but which operations came from
 * what was watched: `gradient` is the walk of `gradients`, kept to them. Tapes nest, and gradients taken while another
 * tape records are recorded on it.
 *
 * @example
 * const x = constant(3);
 * const tape = new GradientTape();
 * const y = tape.run(() => {
 *   tape.watch(x);
 *   return x.multiply(x);
 * });
 * tape.gradient(y, x); // 6
 */
export class GradientTape {
  readonly #persistent: boolean;
  readonly #watchAccessedVariables: boolean;
  #recording: Recording | null = null;
  #active = false;
  #used = false;
  #watchedBefore: readonly Variable[] = [];

  /** @throws InvalidArgumentError for options that are not booleans */
  constructor(options: TapeOptions = {}) {
    const fn = 'GradientTape';
    checkOptionNames(fn, options, ['persistent', 'watchAccessedVariables']);
    this.#persistent = checkBoolean(fn, 'persistent', options.persistent ?? false);
    this.#watchAccessedVariables = checkBoolean(fn, 'watchAccessedVariables', options.watchAccessedVariables ?? true);
  }

  /**
   * Records while `fn` runs (TensorFlow `with tape:`). Run again, it goes on with the same recording, unless that has been
   * used up.
   * @returns what `fn` returns
   * @throws InvalidArgumentError where the tape is recording already, or `fn` is asynchronous
   */
  run<T>(fn: () => T): T {
    const name = 'GradientTape.run';
    checkSynchronous(name, fn);
    if (this.#active) throw new InvalidArgumentError(`${name}: the tape is still recording: it cannot be re-entered.`);
    this.#start();
    try {
      return synchronous(name, fn());
    } finally {
      if (this.#active) this.#stop();
    }
  }

  /**
   * Makes tensors, variables or IndexedSlices, nested at will in arrays and plain objects, starting points of gradients
   * (TensorFlow `GradientTape.watch`). What is computed from them later, while the tape records, is differentiated; watching
   * what the tape has recorded changes nothing. Integers, bools and strings may be among them and stay without gradient.
   * @throws InvalidArgumentError for anything else; FailedPreconditionError before `run`
   */
  watch(tensors: Nest<TapeOperand>): void {
    const fn = 'GradientTape.watch';
    const operands = operandsIn(fn, 'what is watched', tensors);
    if (!this.#recording) {
      throw new FailedPreconditionError(
        `${fn}: the tape has recorded nothing${this.#used ? ' since it was used' : ''}; watch inside run.`,
      );
    }
    for (const operand of operands) {
      if (operand instanceof Variable) this.#recording.watchVariable(operand);
      else this.#recording.watch(tensorBehind(operand));
    }
  }

  /**
   * Runs `fn` without recording (TensorFlow `GradientTape.stop_recording`): to this tape, what it makes is constant.
   * @returns what `fn` returns
   * @throws FailedPreconditionError where the tape is not recording; InvalidArgumentError where `fn` is asynchronous
   * @example
   * const x = constant(3);
   * const tape = new GradientTape();
   * const y = tape.run(() => {
   *   tape.watch(x);
   *   return tape.stopRecording(() => x.multiply(x)).multiply(x);
   * });
   * tape.gradient(y, x); // 9
   */
  stopRecording<T>(fn: () => T): T {
    const name = 'GradientTape.stopRecording';
    checkSynchronous(name, fn);
    this.#checkActive(name);
    this.#stop();
    try {
      return synchronous(name, fn());
    } finally {
      this.#start();
    }
  }

  /**
   * Forgets all that was watched and recorded, and goes on recording (TensorFlow `GradientTape.reset`).
   * @throws FailedPreconditionError where the tape is not recording
   */
  reset(): void {
    this.#checkActive('GradientTape.reset');
    this.#stop();
    this.#recording = null;
    this.#start();
  }

  /** The watched variables, in order of construction (TensorFlow `GradientTape.watched_variables`). */
  watchedVariables(): readonly Variable[] {
    return this.#recording?.variables ?? this.#watchedBefore;
  }

  /**
   * The gradients of the sum of all targets with respect to each source, as new nodes of the graph (TensorFlow
   * `GradientTape.gradient`). Only what the tape recorded is differentiated: a source gets a gradient where it is watched or
   * computed from what is, and the targets depend on it by recorded operations. A target that is itself a source counts, even
   * unwatched. A complex target starts from ones; a string one has no gradient.
   *
   * A tape that is not persistent stops recording and is used up by this; where it fails, nothing changes.
   * @param target a tensor, a variable (its value), IndexedSlices, or a nest of them in arrays and plain objects
   * @param sources likewise
   * @returns the nest of the sources, with a tensor of the dtype and shape of the source in each place, IndexedSlices where the
   *   gradient is sparse, or null
   * @throws FailedPreconditionError where there is nothing recorded, or it has been used up; InvalidArgumentError for a bad
   *   option, a leaf that is no tensor, or operands of several graphs; DTypeError and ShapeError where an output gradient does not
   *   fit its target; LookupError where an operation on the way has no gradient
   * @example
   * const [a, b] = [constant(2), constant(3)];
   * const tape = new GradientTape({ persistent: true });
   * const y = tape.run(() => {
   *   tape.watch([a, b]);
   *   return a.multiply(b);
   * });
   * tape.gradient(y, { a, b }).b; // 2
   * tape.gradient(y, [a], { outputGradients: 10 }); // [30]
   */
  gradient<const S extends Nest<TapeOperand>>(
    target: Nest<TapeOperand>,
    sources: S,
    options: TapeGradientOptions = {},
  ): TapeGradients<S> {
    const fn = 'GradientTape.gradient';
    checkOptionNames(fn, options, ['outputGradients', 'unconnectedGradients']);
    const request: TapeRequest = {
      fn,
      targets: operandsIn(fn, 'target', target),
      sources: operandsIn(fn, 'sources', sources),
      outputGradients: oneForEach(fn, 'outputGradients', target, options.outputGradients),
      unconnectedGradients: checkUnconnected(fn, options.unconnectedGradients),
    };
    return packLike(
      sources,
      this.#using(fn, (recording) => gradientsOn(recording, request)),
    ) as TapeGradients<S>;
  }

  /**
   * The Jacobian of a target with respect to each source: element [i…, j…] is dtarget[i…] / dsource[j…] (TensorFlow
   * `GradientTape.jacobian`). As `jacobian`, of what the tape recorded.
   * @param target a tensor or a variable (its value), of any shape
   * @param sources tensors or variables, nested at will in arrays and plain objects
   * @returns the nest of the sources, with a tensor of shape `[...target.shape, ...source.shape]` in each place, or null
   * @throws InvalidArgumentError for IndexedSlices; otherwise as `gradient`
   * @example
   * const x = constant([1, 2]);
   * const tape = new GradientTape();
   * const y = tape.run(() => {
   *   tape.watch(x);
   *   return x.multiply(x);
   * });
   * tape.jacobian(y, x); // [[2, 0], [0, 4]]
   */
  jacobian<const S extends Nest<JacobianOperand>>(
    target: JacobianOperand,
    sources: S,
    options: TapeJacobianOptions = {},
  ): Jacobians<S> {
    const fn = 'GradientTape.jacobian';
    checkJacobianOptions(fn, options, ['unconnectedGradients', 'parallelIterations', 'usePfor']);
    const y = jacobianOperand(fn, 'target', target);
    const xs = jacobianOperands(fn, 'sources', sources);
    return packLike(
      sources,
      this.#using(fn, (recording) => jacobiansOn(recording, fn, y, xs, options)),
    ) as Jacobians<S>;
  }

  /**
   * The Jacobian of each row of the target with respect to the same row of the source (TensorFlow `GradientTape.batch_jacobian`). As
   * `batchJacobian`, of what the tape recorded.
   * @param target a tensor or a variable of shape `[b, ...out]`, of rank 2 at least
   * @param source likewise, of shape `[b, ...in]`
   * @returns a tensor of shape `[b, ...out, ...in]`; zeros where the target does not depend on the source
   * @throws ShapeError where a rank is below 2, or the numbers of rows differ; otherwise as `jacobian`
   * @example
   * const x = constant([[1, 2], [3, 4]]);
   * const tape = new GradientTape();
   * const y = tape.run(() => {
   *   tape.watch(x);
   *   return x.multiply(x);
   * });
   * tape.batchJacobian(y, x); // [[[2, 0], [0, 4]], [[6, 0], [0, 8]]]
   */
  batchJacobian(target: JacobianOperand, source: JacobianOperand, options: SeedOptions = {}): Tensor {
    const fn = 'GradientTape.batchJacobian';
    checkJacobianOptions(fn, options, ['parallelIterations', 'usePfor']);
    const [y, x] = [jacobianOperand(fn, 'target', target), jacobianOperand(fn, 'source', source)];
    checkRows(fn, 2, ['target', y], ['source', x]);
    return this.#using(fn, (recording) => batchJacobianOn(recording, fn, y, x, options));
  }

  /** Lets `fn` use the recording, which is then used up unless the tape is persistent. */
  #using<T>(fn: string, use: (recording: Recording) => T): T {
    const recording = this.#recording;
    if (!recording) {
      throw new FailedPreconditionError(
        this.#used
          ? `${fn}: a non-persistent GradientTape can only be used to compute one set of gradients (or jacobians). ` +
              'Create it with { persistent: true }, or record anew.'
          : `${fn}: the tape has recorded nothing: build what is to be differentiated inside run.`,
      );
    }
    if (this.#persistent) return use(recording);
    const active = this.#active;
    if (active) this.#stop();
    try {
      const result = use(recording);
      this.#watchedBefore = recording.variables;
      this.#recording = null;
      this.#used = true;
      return result;
    } catch (error) {
      if (active) this.#start();
      throw error;
    }
  }

  #start(): void {
    this.#recording ??= new Recording(this.#watchAccessedVariables);
    startRecorder(this.#recording);
    this.#active = true;
  }

  #stop(): void {
    if (this.#recording) stopRecorder(this.#recording);
    this.#active = false;
  }

  #checkActive(fn: string): void {
    if (!this.#active) throw new FailedPreconditionError(`${fn}: the tape is not recording.`);
  }
}

const AsyncFunction = (async () => undefined).constructor;

function checkSynchronous(name: string, fn: unknown): void {
  if (typeof fn !== 'function') throw new InvalidArgumentError(`${name} takes a function.`);
  if (fn.constructor === AsyncFunction) throw asynchronous(name);
}

function synchronous<T>(name: string, result: T): T {
  if (typeof (result as { then?: unknown } | null | undefined)?.then === 'function') throw asynchronous(name);
  return result;
}

function asynchronous(name: string): InvalidArgumentError {
  return new InvalidArgumentError(
    `${name} takes a synchronous function: what comes after an await would not be recorded.`,
  );
}
