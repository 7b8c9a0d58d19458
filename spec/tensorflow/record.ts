/** Writes spec/ops/recorded.json: what TensorFlow computes on the samples of all op records (`npm run record:tensorflow`). */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DType } from '../../src/graph/dtype.js';
import type { Complex } from '../../src/graph/elements.js';
import { Graph } from '../../src/graph/graph.js';
import type { NDArray } from '../../src/graph/ndarray.js';
import type { RecordedArray } from '../ops/support/recorded.js';
import { sampleCases, type SampleCase } from '../ops/support/samples.js';
import { decodeArray, encodeArray } from './support/arrays.js';
import { allOps, buildSample } from './support/ops.js';
import { Recorder } from './support/recorder.js';
import { closeTensorFlow, tensorFlow } from './support/worker.js';

const target = fileURLToPath(new URL('../ops/recorded.json', import.meta.url));

function recordArray(array: NDArray): RecordedArray {
  const { dtype, shape } = array;
  return { dtype, shape, data: Array.from({ length: array.size }, (_, i) => recordElement(dtype, array.element(i))) };
}

function recordElement(dtype: DType, element: unknown): unknown {
  if (typeof element === 'bigint') return String(element);
  if (typeof element === 'object')
    return [(element as Complex).re, (element as Complex).im].map((x) => recordNumber(dtype, x));
  return typeof element === 'number' ? recordNumber(dtype, element) : element;
}

/** As few digits as bring the number back. */
function recordNumber(dtype: DType, x: number): unknown {
  if (!Number.isFinite(x)) return String(x);
  if (Object.is(x, -0)) return '-0';
  return dtype === 'float32' || dtype === 'complex64' ? Number(x.toPrecision(9)) : x;
}

/** The outputs of a sample; a text where TensorFlow refuses it. */
async function record(sample: SampleCase): Promise<readonly RecordedArray[] | string> {
  const graph = new Graph();
  const recorder = new Recorder(graph);
  const { op, feeds } = graph.asDefault(() => buildSample(sample, 'static shapes'));
  recorder.flush();
  const outputs = op.outputs.filter(({ dtype }) => dtype !== 'resource' && dtype !== 'variant');
  const answer = await tensorFlow().ask({
    steps: recorder.steps,
    feeds: Object.fromEntries([...feeds].map(([tensor, array]) => [tensor.name, encodeArray(array)])),
    init: [],
    fetches: outputs.map(({ name }) => name),
    run: true,
  });
  if (answer.error) return answer.error.message;
  return outputs.map(({ name }) => recordArray(decodeArray(answer.values![name]!)));
}

const lines: string[] = [];
for (const def of allOps()) {
  // Random numbers follow the session, not the sample alone.
  if (def.effect === 'random') continue;
  for (const sample of sampleCases(def)) {
    const outputs = await record(sample);
    if (typeof outputs === 'string') console.warn(`${sample.key}: ${outputs.split('\n')[0]}`);
    else lines.push(`${JSON.stringify(sample.key)}: ${JSON.stringify(outputs)}`);
  }
}
writeFileSync(target, `{\n${lines.join(',\n')}\n}\n`);
console.log(`${lines.length} samples recorded from TensorFlow ${await tensorFlow().version()} in ${target}`);
await closeTensorFlow();
