/** How much memory the values of a run take at its worst step, measured by running the plan step by step. */
import type { Graph } from '../../src/graph/graph.js';
import { NDArray, type TensorData } from '../../src/graph/ndarray.js';
import type { Operation } from '../../src/graph/operation.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { Kernel } from '../../src/ops/evaluate.js';
import { opDef, type Resources } from '../../src/ops/opdef.js';
import { interpret } from '../../src/session/backends/interpret.js';
import { compile } from '../../src/session/pipeline.js';

export interface Peak {
  /** The most bytes that buffers of values had at once, after some step. Constants and variables are not counted. */
  readonly bytes: number;
  /** The operation after which it was so. */
  readonly op: Operation;
  readonly steps: number;
  readonly results: readonly NDArray[];
}

/** Runs `fetches` and `targets` once, on the variables in `resources`. */
export function measurePeak(
  graph: Graph,
  fetches: readonly Tensor[],
  targets: readonly Operation[],
  feeds: ReadonlyMap<Tensor, TensorData>,
  resources: Resources,
): Peak {
  const given = [...feeds].map(([tensor, data]) => ({ tensor, value: NDArray.from(data, tensor.dtype) }));
  const request = {
    graph,
    fetches,
    targets,
    feeds: given.map(({ tensor, value }) => ({ tensor, shape: value.shape })),
  };
  const plan = compile(request, interpret.stages);
  const values = new Map<number, NDArray>();
  plan.feedSlots.forEach((slot, i) => values.set(slot, given[i]!.value));
  const free = new Set(plan.operations.filter((op) => op.inputs.length === 0).flatMap((op) => op.outputs));
  const uncounted = new Set<ArrayBufferLike>();
  let [bytes, worst] = [0, plan.operations[0]!];
  for (const { op, inputs, outputs, release } of plan.steps) {
    const operands = inputs.map((slot) => values.get(slot)!);
    const wanted = outputs.map((slot) => slot >= 0);
    const results = new Kernel(opDef(op.type), op).run(operands, resources, wanted);
    outputs.forEach((slot, i) => slot >= 0 && values.set(slot, results[i]!));
    op.outputs.forEach((output, i) => free.has(output) && uncounted.add(bufferOf(results[i]!)));
    for (const { data } of resources.variables.values()) uncounted.add((data as Float32Array).buffer);
    const live = new Set([...values.values()].map(bufferOf));
    const total = [...live].reduce((sum, buffer) => sum + (uncounted.has(buffer) ? 0 : buffer.byteLength), 0);
    if (total > bytes) [bytes, worst] = [total, op];
    for (const slot of release) values.delete(slot);
  }
  const results = plan.fetchSlots.map((slot) => values.get(slot)!);
  return { bytes, op: worst, steps: plan.steps.length, results };
}

const noBuffer = new ArrayBuffer(0);

/** Aliases share a buffer, which counts once. */
function bufferOf({ data }: NDArray): ArrayBufferLike {
  return ArrayBuffer.isView(data) ? data.buffer : noBuffer;
}
