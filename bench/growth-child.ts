/** One measurement of `growth.ts`, in this process: `growth-child.ts peer length`. */
import * as tl from '../src/index.js';
import type { Growth } from './growth.js';
import { onnxModel } from './onnx/model.js';
import { ortOf } from './peers/onnxruntime.js';
import type { JaxArray, JaxJs } from './peers/jax-js-types.js';
import type { Tfjs, TfTensor } from './peers/tfjs-types.js';
import { isUnable } from './types.js';

type Measured = Omit<Growth, 'memory'>;

const x = Float32Array.from({ length: 10 }, (_, i) => 0.5 + i / 100);

const now = (): number => performance.now() / 1000;

/** The first call of `run`, and the median of some more. */
async function runs(run: () => number | Promise<number>): Promise<Pick<Measured, 'first' | 'steady' | 'check'>> {
  const times: number[] = [];
  const checks: number[] = [];
  const end = now() + 1;
  while (times.length < 3 || (times.length < 20 && now() < end)) {
    const start = now();
    checks.push(await run());
    times.push(now() - start);
  }
  const later = times.slice(1).sort((a, b) => a - b);
  return { first: times[0]!, steady: later[later.length >> 1]!, check: checks.at(-1)! };
}

function graphOf(length: number) {
  const g = new tl.Graph();
  const start = now();
  const { input, y } = g.asDefault(() => {
    const input = tl.placeholder('float32', [10]) as tl.Tensor;
    let y = input;
    for (let i = 0; i < length; i++) y = i % 2 === 0 ? tl.sin(y) : y.add(input);
    return { input, y: tl.reduceSum(y) };
  });
  void g.state;
  const built = now();
  const slope = tl.gradients(y, input)[0] as tl.Tensor;
  return { g, input, y, slope, build: built - start, gradients: now() - built };
}

async function tapeless(length: number): Promise<Measured> {
  const { g, input, y, slope, build, gradients } = graphOf(length);
  const session = new tl.Session({ graph: g });
  const { sync } = session.makeCallable([y, slope], { feeds: [input] });
  return { build, gradients, ...(await runs(() => sync(x)[1].data[0] as number)) };
}

const ort =
  (library: string, provider: string) =>
  async (length: number): Promise<Measured> => {
    const { Tensor, InferenceSession } = await ortOf(library);
    const { input, y, slope, build, gradients } = graphOf(length);
    const model = onnxModel({ fetches: [y, slope], feeds: [input] });
    if (isUnable(model)) throw new Error(model.unable);
    const start = now();
    const session = await InferenceSession.create(model.bytes, { executionProviders: [provider] });
    const created = now() - start;
    const run = async () => {
      const results = await session.run({ [model.inputs[0]!]: new Tensor('float32', x, [10]) });
      return results[model.outputs[1]!]!.data[0]!;
    };
    const { first, ...rest } = await runs(run);
    return { build, gradients, first: created + first, ...rest };
  };

async function tfjs(length: number): Promise<Measured> {
  const { openTfjs } = await import('./peers/tfjs.js');
  await openTfjs();
  const library = '@tensorflow/tfjs';
  const tf = (await import(library)) as Tfjs;
  const f = (v: TfTensor) => {
    let y = v;
    for (let i = 0; i < length; i++) y = i % 2 === 0 ? tf.sin(y) : tf.add(y, v);
    return tf.sum(y);
  };
  const run = () =>
    tf.tidy(
      () =>
        tf
          .valueAndGrads(f)([tf.tensor(x, [10])])
          .grads[0]!.dataSync()[0]!,
    );
  return { build: null, gradients: null, ...(await runs(run)) };
}

async function jaxJs(length: number): Promise<Measured> {
  const { openJaxJs } = await import('./peers/jax-js.js');
  await openJaxJs('jax-js', false)();
  const library = '@jax-js/jax';
  const jax = (await import(library)) as JaxJs;
  const f = ({ v }: Readonly<Record<'v', JaxArray>>) => {
    let y = v.ref;
    for (let i = 0; i < length; i++) y = i % 2 === 0 ? jax.numpy.sin(y) : y.add(v.ref);
    v.dispose();
    return y.sum();
  };
  const step = jax.jit(jax.valueAndGrad(f));
  const run = async () => {
    const [y, { v }] = step({ v: jax.numpy.array(x, { shape: [10] }) });
    y.dispose();
    return (await v.data())[0]!;
  };
  return { build: null, gradients: null, ...(await runs(run)) };
}

const peers: Readonly<Record<string, (length: number) => Promise<Measured>>> = {
  tapeless,
  tfjs,
  'jax-js': jaxJs,
  'ort-web': ort('onnxruntime-web', 'wasm'),
  'ort-node': ort('onnxruntime-node', 'cpu'),
};

const [name, length] = process.argv.slice(2) as [string, string];
const measure = peers[name]!;
await measure(10);
const before = process.memoryUsage.rss();
const measured = await measure(Number(length));
// In kilobytes.
const memory = Math.max(0, process.resourceUsage().maxRSS * 1024 - before);
process.stdout.write(`${JSON.stringify({ ...measured, memory })}\n`, () => process.exit(0));
