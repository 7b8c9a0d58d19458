/** The functions of one row, made into operations on all rows at once by the batching rules of their ops. */
import type { DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import { getDefaultGraph, type Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';
import type { Controller, Placed, Scope } from '../../graph/scope.js';
import { isFullyDefined, type Dim } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { rangeOf } from '../axes.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { copyOperation } from '../copy.js';
import { mapFn } from '../definitions/map-scan.js';
import { castTo } from '../indexing.js';
import { constantValue } from '../known.js';
import { ownGradient } from '../own-gradient.js';
import { opDef, type Batched, type Many, type OpView, type Rows, type Surroundings } from '../opdef.js';
import { constantBeside } from '../rules.js';
import { stackedList } from './lists.js';
import { shapeOfAll, stacked, unstacked } from './operands.js';

/** What becomes of an operation that has no batching rule. */
export interface Fallback {
  /** The function that the user called, for messages. */
  readonly fn: string;
  readonly allowed: boolean;
  readonly warn: boolean;
}

interface Cache {
  size: Tensor | null;
  readonly vectors: Map<DType, Tensor>;
  readonly repeated: Map<Tensor, Tensor>;
}

const isList = ({ dtype }: Tensor): boolean => dtype === 'variant';

/**
 * Thrown for an operation that has no batching rule, and of which the results or operands of all rows cannot be stacked: no loop of its
 * own is possible, but one of all that there is.
 */
export class RowByRow {}

/** Rows, and operations on all of them. */
export class AllRows implements Rows {
  readonly count: Dim;
  readonly #size: Tensor | null;
  readonly #fallback: Fallback;
  readonly #warned: Set<Operation>;
  /** What was made before, in each of the graphs that operations go to: function bodies have graphs of their own. */
  readonly #caches = new WeakMap<Graph, Cache>();

  /** @param size the number of rows where it is not known: an int32 scalar */
  constructor(count: Dim, size: Tensor | null, fallback: Fallback, warned = new Set<Operation>()) {
    this.count = count;
    this.#size = size;
    this.#fallback = fallback;
    this.#warned = warned;
  }

  get size(): Tensor {
    const cache = this.#cache();
    if (cache.size && isThere(cache.size)) return cache.size;
    cache.size =
      this.count === null ? captured(getDefaultGraph(), this.#size!) : convertToTensor(this.count, 'int32', 'num_rows');
    return cache.size;
  }

  sizeVector(dtype: DType): Tensor {
    const { vectors } = this.#cache();
    let vector = vectors.get(dtype);
    if (!vector || !isThere(vector)) {
      vector =
        this.count === null
          ? castTo(one('ExpandDims', [this.size, 0]), dtype)
          : constantBeside(this.size, [this.count], dtype);
      vectors.set(dtype, vector);
    }
    return vector;
  }

  stack({ tensor, stacked: is }: Batched): Tensor {
    if (is) return tensor;
    const { repeated } = this.#cache();
    let result = repeated.get(tensor);
    if (!result || !isThere(result)) {
      result = tensor.dtype === 'variant' ? stackedList(tensor, this) : this.#repeat(tensor);
      repeated.set(tensor, result);
    }
    return result;
  }

  resized(size: Tensor | number): Rows {
    const [count, tensor] = typeof size === 'number' ? [size, null] : [null, size];
    return new AllRows(count, tensor, this.#fallback, this.#warned);
  }

  inline(body: FunctionGraph, inputs: readonly Batched[], wanted: readonly Tensor[]): readonly Batched[] {
    const known = new Map<Tensor, Batched>();
    body.inputs.forEach((input, i) => known.set(input, inputs[i]!));
    return new Translation(this, body, known).translate(wanted);
  }

  /** Runs an operation row by row. */
  loop(op: Operation, inputs: readonly Batched[]): readonly Batched[] {
    const moving = inputs.filter((input) => input.stacked).map(({ tensor }) => tensor);
    // Lists cannot be stacked, nor results whose shapes may differ from row to row.
    if (!op.outputs.every(({ shape }) => isFullyDefined(shape)) || [...moving, ...op.outputs].some(isList)) {
      this.#announce(op, 'everything');
      throw new RowByRow();
    }
    this.#announce(op, 'it');
    const elems = moving.length > 0 ? moving : [rangeOf(0, this.size)];
    const run = (rows: readonly Tensor[]): readonly Tensor[] | Operation => {
      let next = 0;
      const copy = copyOperation(
        op,
        inputs.map(({ tensor, stacked: is }) => (is ? rows[next++]! : tensor)),
      );
      return copy.outputs.length > 0 ? copy.outputs : copy;
    };
    const results = mapFn(run as (rows: unknown) => unknown, elems, { name: op.name.split('/').at(-1)! });
    return op.outputs.length > 0 ? stacked(results as unknown as readonly Tensor[]) : [];
  }

  #repeat(tensor: Tensor): Tensor {
    const shape = one('Shape', [tensor]);
    const result = one('BroadcastTo', [tensor, shapeOfAll(shape, this)]);
    if (tensor.shape !== null) result.graph.refineShape(result, [this.count, ...tensor.shape]);
    return result;
  }

  #announce(op: Operation, what: 'it' | 'everything'): void {
    const { fn, allowed, warn } = this.#fallback;
    const problem = `${fn}: there is no way to run '${op.name}' (${op.type}, created at ${op.createdAt}) on all rows at once`;
    if (!allowed) {
      throw new InvalidArgumentError(
        `${problem}. Without 'fallbackToWhileLoop: false' ${what} would run in a loop over the rows.`,
        op.details(),
      );
    }
    if (!warn || this.#warned.has(op)) return;
    this.#warned.add(op);
    console.warn(`${problem}: ${what} runs in a loop over the rows, which is slower.`);
  }

  #cache(): Cache {
    const graph = getDefaultGraph();
    let cache = this.#caches.get(graph);
    if (!cache) this.#caches.set(graph, (cache = { size: null, vectors: new Map(), repeated: new Map() }));
    return cache;
  }
}

/** Whether a tensor has not been taken back. */
function isThere({ op, graph }: Tensor): boolean {
  return graph.holds(op);
}

/** The operations of one function body, made for all rows where operations are made now. */
class Translation {
  readonly #rows: AllRows;
  readonly #body: FunctionGraph;
  readonly #graph = getDefaultGraph();
  readonly #scope = this.#graph.scope;
  readonly #known: Map<Tensor, Batched>;
  /** What has taken the place of an operation: what waits for it waits for these. */
  readonly #made: Map<Operation, readonly Operation[]>;

  constructor(
    rows: AllRows,
    body: FunctionGraph,
    known: Map<Tensor, Batched>,
    made = new Map<Operation, readonly Operation[]>(),
  ) {
    this.#rows = rows;
    this.#body = body;
    this.#known = known;
    this.#made = made;
  }

  translate(wanted: readonly Tensor[]): readonly Batched[] {
    const needed = this.#needed(wanted);
    const used = new Set([...wanted, ...needed.flatMap(({ inputs }) => inputs)]);
    const surroundings: Surroundings = {
      body: this.#body,
      isUsed: (output) => used.has(output),
      batched: (tensor) => this.#later(tensor),
    };
    for (const op of needed) {
      const before = this.#graph.version;
      this.#graph.withScope(this.#scopeFor(op), () => this.#make(op, surroundings));
      const outputs = op.outputs.flatMap((output) => this.#known.get(output)?.tensor.op ?? []);
      const last = this.#graph.version > before ? [this.#graph.at(this.#graph.version - 1)] : [];
      this.#made.set(op, [...new Set([...outputs, ...last])]);
    }
    return wanted.map((tensor) => this.#batched(tensor));
  }

  /** What a tensor of the body is for all rows, where operations are made by now. */
  #later(tensor: Tensor): Batched | null {
    const inside =
      tensor.graph === this.#body ? tensor : this.#body.inputs.find((input) => this.#body.capturedBy(input) === tensor);
    if (!inside) return null;
    return new Translation(this.#rows, this.#body, new Map(this.#known), new Map(this.#made)).translate([inside])[0]!;
  }

  /** What `wanted` depends on and what runs for its effect, oldest first. */
  #needed(wanted: readonly Tensor[]): readonly Operation[] {
    const isDone = (op: Operation): boolean =>
      this.#made.has(op) || (op.outputs.length > 0 && op.outputs.every((output) => this.#known.has(output)));
    const seen = new Set<Operation>();
    const stack: Operation[] = [];
    const visit = (op: Operation): void => {
      if (op.graph !== this.#body || seen.has(op) || isDone(op)) return;
      seen.add(op);
      stack.push(op);
    };
    for (const { op } of wanted) visit(op);
    for (const op of this.#body.operations()) if (opDef(op.type).effect === 'write') visit(op);
    for (let op = stack.pop(); op; op = stack.pop()) {
      for (const input of op.inputs) visit(input.op);
      op.controlInputs.forEach(visit);
    }
    return [...seen].sort((a, b) => a.id - b.id);
  }

  #batched(tensor: Tensor): Batched {
    const known = this.#known.get(tensor);
    if (known) return known;
    // An argument that stands for a tensor outside, or a tensor outside.
    const outside = tensor.graph === this.#body ? this.#body.capturedBy(tensor) : tensor;
    return { tensor: outside!, stacked: false };
  }

  /** Where the user made it, as the user made it, below the scope of now. */
  #scopeFor(op: Operation): Partial<Scope> {
    const outer = this.#scope;
    const path = op.name.split('/').slice(0, -1);
    const forward = op.forwardOp;
    const controls = op.controlInputs.flatMap((control) => this.#made.get(control) ?? []);
    const controller: Controller = { inputs: controls, seen: new Set() };
    return {
      name: [outer.name, ...path].filter((part) => part !== '').join('/'),
      device: op.device === '' ? outer.device : op.device,
      colocation: op.hasAttr('_class') ? [this.#placed(op)] : outer.colocation,
      controllers: controls.length > 0 ? [...outer.controllers, controller] : outer.controllers,
      forwardOp: forward?.graph === this.#body ? (this.#made.get(forward)?.[0] ?? null) : forward,
      site: op.site,
    };
  }

  #placed(op: Operation): Placed {
    const groups = op.colocationGroups().map((group) => {
      const name = group.slice('loc:@'.length);
      const own = this.#body.find(name);
      return own ? `loc:@${this.#made.get(own)?.[0]?.name ?? name}` : group;
    });
    return { device: op.device, colocationGroups: () => groups };
  }

  #make(op: Operation, surroundings: Surroundings): void {
    const { batch, effect } = opDef(op.type);
    const inputs = op.inputs.map((input) => this.#batched(input));
    const isStacked = inputs.some((input) => input.stacked);
    // A gradient of its own may use what differs from row to row, whatever the operation takes.
    if (!isStacked && effect !== 'write' && effect !== 'random' && !ownGradient(op)) {
      const { outputs } = copyOperation(
        op,
        inputs.map(({ tensor }) => tensor),
      );
      return this.#keep(op, unstacked(outputs));
    }
    const constants = effect === 'pure' ? this.#constants(op) : null;
    if (constants) return this.#keep(op, constants);
    const rule = batch === 'loop' || batch === undefined ? null : batch;
    const result = rule?.(op as OpView, inputs as unknown as Many<Batched>, this.#rows, surroundings) ?? null;
    this.#keep(op, result ?? this.#rows.loop(op, inputs));
  }

  /** What is known of all rows before any is there: shapes, and what is computed from them. */
  #constants({ outputs }: Operation): readonly Batched[] | null {
    if (outputs.length === 0 || outputs.some(({ dtype }) => !dtype.startsWith('int'))) return null;
    const values = outputs.map(constantValue);
    if (!values.every((value) => value !== null)) return null;
    return unstacked(values.map((value) => convertToTensor(value, value.dtype)));
  }

  #keep(op: Operation, results: readonly (Batched | null)[]): void {
    results.forEach((result, i) => {
      if (!result) return;
      const output = op.outputs[i]!;
      this.#known.set(output, result);
      if (output.dtype === 'variant' || output.shape === null || result.tensor.graph !== this.#graph) return;
      this.#graph.refineShape(result.tensor, result.stacked ? [this.#rows.count, ...output.shape] : output.shape);
    });
  }
}
