/** A graph under construction in which every call of gradients is noted, so that TensorFlow can be asked the same. */
import { gradients, type GradientOptions } from '../../../src/gradients/gradients.js';
import type { Graph } from '../../../src/graph/graph.js';
import { NDArray, type TensorData } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { functionsOf } from '../../../src/graph/print/functions.js';
import { functionJson, nodeJson } from '../../../src/graph/print/json.js';
import { constant } from '../../../src/ops/definitions/constant.js';
import { Variable } from '../../../src/ops/definitions/variable.js';
import { IndexedSlices } from '../../../src/ops/indexed-slices.js';
import type { Gradient } from '../../../src/ops/opdef.js';
import { encodeArray } from './arrays.js';

export type Result = Gradient | null;
type Operand = Tensor | Variable | IndexedSlices | TensorData;

/** One call of gradients: what it gave, and which nodes it appended. */
export interface Call {
  readonly results: readonly Result[];
  readonly first: number;
  readonly end: number;
  /** The name scope it was made in. */
  readonly scope: string;
}

export class Recorder {
  readonly graph: Graph;
  readonly calls: Call[] = [];
  readonly steps: object[] = [];
  readonly #bare: boolean;
  #sent = 0;

  /** @param bare whether TensorFlow gets conditionals, loops and calls without what is added here for their gradients */
  constructor(graph: Graph, { bare = false }: { readonly bare?: boolean } = {}) {
    this.graph = graph;
    this.#bare = bare;
  }

  /** `gradients`, noted. */
  gradients = (
    ys: Operand | readonly Operand[],
    xs: Operand | readonly Operand[],
    options: GradientOptions = {},
  ): Result[] => {
    const request = this.#describe(listOf(ys), listOf(xs), options);
    this.flush();
    const first = this.graph.version;
    this.steps.push({ gradients: request });
    const results = gradients(ys, xs, { maskedNaN: 'tensorflow', ...options });
    this.calls.push({ results, first, end: this.graph.version, scope: this.graph.scope.name });
    Object.assign(request, { names: results.map(namesOf) });
    this.#sent = this.graph.version;
    return results;
  };

  /** IndexedSlices of constants. */
  slices = (values: TensorData, indices: TensorData, denseShape: TensorData | null): IndexedSlices =>
    new IndexedSlices(
      constant(values),
      constant(indices, { dtype: 'int32' }),
      denseShape === null ? null : constant(denseShape, { dtype: 'int32' }),
    );

  /** Sends the forward nodes made since the last step. */
  flush(): void {
    const operations = this.graph.operations().slice(this.#sent);
    this.#sent = this.graph.version;
    if (operations.length > 0) this.steps.push({ extend: graphDef(this.graph, operations), bare: this.#bare });
  }

  #describe(ys: readonly Operand[], xs: readonly Operand[], options: GradientOptions) {
    const gradYs = options.gradYs === undefined || options.gradYs === null ? null : listOf(options.gradYs as never);
    return {
      ys: ys.map(describe),
      xs: xs.map(describe),
      gradYs: gradYs && gradYs.map((gradY, i) => describe(gradY, dtypeOf(ys[i]!))),
      stopGradients: listOf(options.stopGradients ?? []).map((stop) => describe(stop)),
      name: options.name ?? 'gradients',
      colocate: options.colocateGradientsWithOps ?? false,
      gate: options.gateGradients ?? false,
      aggregation: options.aggregationMethod ?? 'addN',
      unconnected: options.unconnectedGradients ?? 'none',
      scope: this.scope(),
      names: [],
    };
  }

  scope() {
    const { name, device, colocation, controllers, gradientOverrides } = this.graph.scope;
    return {
      name,
      device,
      colocation: colocation.map((op) => (op as Operation).name),
      controllers: controllers.map(({ inputs, seen }) => ({ inputs: inputs.map(nameOf), seen: [...seen].map(nameOf) })),
      overrides: gradientOverrides,
    };
  }
}

/** Operations with the functions they call, as a GraphDef in JSON. */
export function graphDef(graph: Graph, operations: readonly Operation[]): object {
  const library = functionsOf(graph, operations).map(({ def }) => functionJson(def));
  return {
    node: operations.map((op) => nodeJson(op.def)),
    ...(library.length > 0 && { library: { function: library } }),
  };
}

const nameOf = (op: Operation): string => op.name;

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function dtypeOf(y: Operand): NDArray['dtype'] | undefined {
  return y instanceof Tensor || y instanceof Variable ? y.dtype : undefined;
}

function describe(operand: unknown, dtype?: unknown): object | null {
  if (operand === null) return null;
  if (operand instanceof Tensor) return { tensor: operand.name };
  if (operand instanceof Variable) return { tensor: operand.handle.name };
  if (operand instanceof IndexedSlices) {
    const { values, indices, denseShape } = operand;
    return { slices: [values.name, indices.name, denseShape && denseShape.name] };
  }
  return {
    value: encodeArray(
      NDArray.from(operand as TensorData, typeof dtype === 'string' ? (dtype as NDArray['dtype']) : undefined),
    ),
  };
}

function namesOf(result: Result): (string | null)[] | null {
  if (result === null) return null;
  if (result instanceof Tensor) return [result.name];
  return [result.values.name, result.indices.name, result.denseShape && result.denseShape.name];
}
