/** Graphs from elsewhere, with ops that have no record here: they are carried to a cluster, which runs them. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { parseGraphDef } from '../../src/interop/index.js';
import { failure, useCluster } from './support/cluster.js';

const here = useCluster();

const text = `
  node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape { dim { size: -1 } } } } }
  node { name: "odd" op: "Bessel%" input: "x" device: "/job:worker/task:1" attr { key: "T" value { type: DT_FLOAT } } }
  node { name: "twice" op: "AddV2" input: "odd" input: "odd" attr { key: "T" value { type: DT_FLOAT } } }
  versions { producer: 2474 }
`;

describe('an op without a record', () => {
  const open = () =>
    here.open(() => tl.importGraphDef(parseGraphDef(text.replace('Bessel%', 'BesselI0')), { name: 'there' }));

  test('runs where TensorFlow does', async () => {
    const { g, s } = open();
    const more = g.asDefault(() => tl.square(g.tensor('there/twice:0')));
    const [y, again] = await s.run(['there/twice:0', more], { 'there/x': [0, 1] });
    // I0(0) = 1, I0(1) = 1.2660658...
    expect(y.toArray()).toEqual([2, expect.closeTo(2.5321317, 5)]);
    expect(again.toArray()).toEqual([4, expect.closeTo(6.411691, 4)]);
    const trace = new tl.RunMetadata();
    await s.run('there/odd:0', { 'there/x': [0] }, { trace });
    const step = trace.stepStats.find(({ name }) => name === 'there/odd');
    expect(step?.device).toBe('/job:worker/replica:0/task:1/device:CPU:0');
  });

  test('runs not here, and has no gradient', async () => {
    const { g, s } = open();
    const local = new tl.Session({ graph: g });
    expect((await failure(local.run('there/twice:0', { 'there/x': [0] }))).message).toMatch(
      /cannot be run here.*grpc:/,
    );
    expect(() => tl.gradients(g.tensor('there/twice:0'), [g.tensor('there/x:0')])).toThrow(tl.LookupError);
    // A failure leaves nothing behind, and the session goes on.
    const [odd] = await s.run([g.tensor('there/odd:0')], { 'there/x': [0] });
    expect(odd.toArray()).toEqual([1]);
  });

  test('that the servers do not know either', async () => {
    const { s } = here.open(() =>
      tl.importGraphDef(parseGraphDef(text.replace('Bessel%', 'NoSuchOpAnywhere')), { name: '' }),
    );
    const error = await failure(s.run('twice:0', { x: [1] }));
    expect([error.code, error.message]).toEqual(['NOT_FOUND', expect.stringMatching(/Op type not registered 'NoSuchOpAnywhere'.*The servers must run a TensorFlow that has this operation/s)]); // prettier-ignore
  });
});
