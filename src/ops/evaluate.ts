/** Runs one operation on arrays: its routine, or its lowering compiled for the shapes at hand. */
import { allocate, type DType } from '../graph/dtype.js';
import { InvalidArgumentError, OutOfMemoryError } from '../graph/errors.js';
import { NDArray } from '../graph/ndarray.js';
import type { Operation } from '../graph/operation.js';
import { formatShape, sizeOf } from '../graph/shape.js';
import { compile } from './evaluator/program.js';
import type { Box, Instruction } from './evaluator/instructions.js';
import { loaded, type Lazy, type Source } from './expr.js';
import {
  noFunctions,
  type FunctionRunner,
  type Lowering,
  type LowerView,
  type Many,
  type OpView,
  type RegisteredOp,
  type Resources,
} from './opdef.js';

/** A tensor to compute, or the buffer that holds it already. */
interface Step {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly size: number;
  readonly source: Box | null;
  readonly box: Box;
  readonly program: Instruction | null;
}

/** A lowering compiled for concrete input shapes and for the input values it consulted. */
interface Compilation {
  readonly shapes: readonly (readonly number[])[];
  readonly consulted: readonly { readonly position: number; readonly value: NDArray }[];
  readonly inputs: readonly Box[];
  readonly temps: readonly Step[];
  readonly outputs: readonly Step[];
}

/**
 * An operation ready to run. From the second run on, it keeps what it compiled for as long as input shapes and consulted
 * values stay the same.
 * Results may share storage with inputs, and are never changed afterwards.
 */
export class Kernel {
  readonly #def: RegisteredOp;
  readonly #op: Operation;
  #compiled: Compilation | null = null;
  #ranBefore = false;

  constructor(def: RegisteredOp, op: Operation) {
    this.#def = def;
    this.#op = op;
  }

  /**
   * The outputs for these inputs.
   * @throws InvalidArgumentError for an index out of range or an undefined integer operation; OutOfMemoryError
   */
  run(
    inputs: readonly NDArray[],
    resources: Resources,
    wanted: readonly boolean[] = this.#op.outputs.map(() => true),
    functions: FunctionRunner = noFunctions,
  ): readonly NDArray[] {
    const { lower } = this.#def;
    try {
      if (typeof lower !== 'function') {
        return lower.run({ op: this.#op as OpView, inputs: inputs as Many<NDArray>, wanted, resources, functions });
      }
      let compiled = this.#compiled;
      if (!compiled || !holds(compiled, inputs)) {
        compiled = compileFor(this.#op, lower, inputs);
        // What runs once, as most of a large graph does, is not worth the memory of keeping it compiled.
        if (this.#ranBefore) this.#compiled = compiled;
        this.#ranBefore = true;
      }
      return execute(compiled, inputs);
    } catch (error) {
      throw this.#explained(error);
    }
  }

  /** The error with the operation's name, where what threw did not know it. */
  #explained(error: unknown): unknown {
    const { name, type } = this.#op;
    const details = () => ({ ...this.#op.details(), cause: error });
    if (error instanceof InvalidArgumentError && error.op === undefined) {
      return new InvalidArgumentError(`${type} '${name}': ${error.message}`, details());
    }
    if (error instanceof RangeError && /invalid (typed )?array length|allocation failed/i.test(error.message)) {
      return new OutOfMemoryError(
        `${type} '${name}': a tensor does not fit into memory (${error.message}).`,
        details(),
      );
    }
    return error;
  }
}

function holds({ shapes, consulted }: Compilation, inputs: readonly NDArray[]): boolean {
  for (let i = 0; i < inputs.length; i++) if (!sameShape(shapes[i]!, inputs[i]!.shape)) return false;
  for (const { position, value } of consulted) if (!sameData(value, inputs[position]!)) return false;
  return true;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Shapes and dtypes are equal already. Contents are compared even for the same storage: its owner may have changed it. */
function sameData(a: NDArray, b: NDArray): boolean {
  const [x, y] = [a.data as ArrayLike<unknown>, b.data as ArrayLike<unknown>];
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}

/** Boxes are emptied after each run, so that a kernel keeps no array alive. */
const nothing: readonly never[] = [];

function compileFor(op: Operation, lower: Lowering, inputs: readonly NDArray[]): Compilation {
  const boxes = inputs.map((): Box => ({ data: nothing }));
  const temps: Step[] = [];
  const consulted: { position: number; value: NDArray }[] = [];
  const boxOf = (source: Source): Box =>
    source.kind === 'input'
      ? boxes[source.position]!
      : source.kind === 'temp'
        ? temps[source.position]!.box
        : { data: source.array.data };
  const view: LowerView = {
    op: op as OpView,
    inputs: inputs.map(({ dtype, shape }, position) =>
      loaded({ kind: 'input', position }, dtype, shape),
    ) as unknown as Many<Lazy>,
    value(position) {
      const value = inputs[position]!;
      if (!consulted.some((known) => known.position === position)) consulted.push({ position, value: value.copy() });
      return value;
    },
    temp(tensor) {
      if (tensor.alias) return tensor;
      const position = temps.push(stepFor(tensor, boxOf)) - 1;
      return loaded({ kind: 'temp', position }, tensor.dtype, tensor.shape);
    },
  };
  const outputs = lower(view).map((tensor) => stepFor(tensor, boxOf));
  return { shapes: inputs.map(({ shape }) => shape), consulted, inputs: boxes, temps, outputs };
}

function stepFor(tensor: Lazy, boxOf: (source: Source) => Box): Step {
  const { dtype, shape, alias } = tensor;
  const size = sizeOf(shape);
  if (alias) return { dtype, shape, size, source: boxOf(alias), box: boxOf(alias), program: null };
  const box: Box = { data: nothing };
  return { dtype, shape, size, source: null, box, program: size === 0 ? null : compile(tensor, box, boxOf) };
}

function execute({ inputs: boxes, temps, outputs }: Compilation, inputs: readonly NDArray[]): readonly NDArray[] {
  try {
    for (let i = 0; i < boxes.length; i++) boxes[i]!.data = inputs[i]!.data;
    for (const temp of temps) fill(temp);
    const results = new Array<NDArray>(outputs.length);
    for (let i = 0; i < outputs.length; i++) results[i] = fill(outputs[i]!);
    return results;
  } finally {
    for (const box of boxes) box.data = nothing;
    for (const { box } of temps) box.data = nothing;
    for (const { source, box } of outputs) if (!source) box.data = nothing;
  }
}

/** The elements of a tensor that loads from known arrays alone. */
export function evaluated(tensor: Lazy): NDArray {
  return fill(stepFor(tensor, (source) => ({ data: (source as Extract<Source, { kind: 'data' }>).array.data })));
}

function fill({ dtype, shape, size, source, box, program }: Step): NDArray {
  if (source) return new NDArray(dtype, shape, source.data as NDArray['data']);
  const data = storage(dtype, shape, size);
  box.data = data;
  program?.();
  return new NDArray(dtype, shape, data);
}

function storage(dtype: DType, shape: readonly number[], size: number): NDArray['data'] {
  try {
    return allocate(dtype, size);
  } catch (error) {
    const { message } = error as RangeError;
    throw new RangeError(`Array buffer allocation failed for ${dtype}${formatShape(shape)}: ${message}`, {
      cause: error,
    });
  }
}
