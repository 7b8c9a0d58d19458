import * as tl from '../src/index.js';
import { readFileSync } from 'node:fs';
import { loadSavedModel } from '../src/interop/index.js';
import { decodeArray, arrayDifference } from '../spec/tensorflow/support/arrays.js';
for (const name of process.argv.slice(2)) {
  const expected = JSON.parse(readFileSync(`/tmp/sms/${name}.json`,'utf8'));
  console.time(name);
  const model = await loadSavedModel(`/tmp/sms/${name}`);
  console.timeEnd(name);
  console.log(model.variables.map((v)=>[v.name, v.dtype, JSON.stringify(v.shape), v.trainable].join(' ')).slice(0,12), model.initializer?.name, Object.entries(model.signatures).map(([k,s])=>[k,Object.keys(s.inputs),Object.keys(s.outputs)].join(':')));
  const session = new tl.Session({ graph: model.graph });
  await model.restore(session);
  for (const [sig, e] of Object.entries<any>(expected.signatures)) {
    const { inputs, outputs } = model.signatures[sig]!;
    const feeds = new Map(Object.entries<any>(e.inputs).map(([k, v]) => [inputs[k]!, decodeArray(v)]));
    const got = await session.run({ ...outputs }, feeds) as any;
    for (const k of Object.keys(outputs)) console.log(sig, k, arrayDifference(got[k], decodeArray(e.outputs[k])) ?? 'same');
    const target = model.graph.asDefault(() => tl.addN(Object.values(outputs).map((y) => tl.reduceSum(tl.square(y)))));
    const gradients = tl.gradients(target, model.variables);
    const used = model.variables.flatMap((v, i) => gradients[i] ? [[v, gradients[i]!] as const] : []);
    const values = await session.run(used.map(([v, d]) => [v, d]), feeds) as any[];
    console.log(used.length, e.gradients.length);
    for (const { value, gradient, trainable } of e.gradients) {
      const v = decodeArray(value);
      const at = values.findIndex(([x]) => arrayDifference(x, v) === null);
      console.log(at < 0 ? 'NO VARIABLE' : `${used[at]![0].name} ${trainable === used[at]![0].trainable} ${arrayDifference(values[at][1], decodeArray(gradient)) ?? 'same'}`);
    }
  }
}
