/** Importing what was exported gives the same graph, and exporting it the same bytes: random programs with gradients, and every op. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { specsOf } from '../../src/graph/body.js';
import { sameValue } from '../../src/graph/same.js';
import * as tl from '../../src/index.js';
import { decodeGraphDef, encodeGraphDef, formatGraphDef, parseGraphDef } from '../../src/interop/index.js';
import { allOps } from '../../src/ops/opdef.js';
import { build, functionKinds, plainPrograms, programsWith } from '../gradients/programs.js';
import { sampleCases } from '../ops/support/samples.js';
import { buildSample } from '../tensorflow/support/ops.js';

/** What differs between a graph and what is made of its export. */
function differences(g: tl.Graph): readonly string[] {
  const bytes = encodeGraphDef(g.toGraphDef());
  const again = new tl.Graph();
  again.asDefault(() => tl.importGraphDef(decodeGraphDef(bytes), { name: '' }));
  const wrong: string[] = [];
  if (!Buffer.from(encodeGraphDef(again.toGraphDef())).equals(bytes)) wrong.push('the bytes');
  const text = formatGraphDef(g.toGraphDef());
  if (!Buffer.from(encodeGraphDef(parseGraphDef(text))).equals(bytes)) wrong.push('the text');
  if (again.version !== g.version) wrong.push(`${again.version} operations for ${g.version}`);
  for (const op of g.operations()) {
    const other = again.operation(op.name);
    if (!sameValue(other.def, op.def)) wrong.push(`${op.name}: ${JSON.stringify([other.def, op.def], (_, x: unknown) => (typeof x === 'bigint' ? String(x) : x))}`); // prettier-ignore
    // An import may know less of a shape that was only learnt when its user was made, never something else.
    const shapes = specsOf(op).map(({ dtype, shape }, i) => [dtype, shape, specsOf(other)[i]!] as const);
    for (const [dtype, shape, spec] of shapes)
      if (spec.dtype !== dtype || !sameValue(spec.shape, shape))
        wrong.push(`${op.name}: ${JSON.stringify([spec, { dtype, shape }])}`);
  }
  const [mine, theirs] = [g, again].map((graph) => graph.functions().map(({ def: { source: _, ...def } }) => def));
  if (!sameValue(mine, theirs)) wrong.push('the functions');
  g.functions().forEach(({ body }, i) => {
    const other = again.functions()[i]!.body;
    for (const op of body.operations()) {
      const found = other.find(op.name);
      if (!found) wrong.push(`${op.name} in a body`);
      else if (!sameValue(found.def, op.def)) wrong.push(`${op.name} in a body: ${JSON.stringify([found.def, op.def], (_, x: unknown) => (typeof x === 'bigint' ? String(x) : x))}`); // prettier-ignore
    }
  });
  return wrong;
}

const seed = 20_261_126;

test.each<readonly [string, typeof plainPrograms, number]>([
  ['plain', plainPrograms, 60],
  ...functionKinds.map((kind) => [kind, programsWith(kind), 15] as const),
])(
  '%s programs with their gradients',
  (_, programs, numRuns) => {
    fc.assert(
      fc.property(programs, (steps) => {
        const { g, x, w, y } = build(steps);
        g.asDefault(() => tl.gradients(y, [x, w]));
        expect(differences(g)).toEqual([]);
      }),
      { seed, numRuns },
    );
  },
  120_000,
);

test('every sample of every op', () => {
  const g = new tl.Graph();
  for (const def of allOps()) {
    for (const sample of sampleCases(def))
      g.asDefault(() => tl.nameScope(sample.key, () => buildSample(sample, 'some dims')));
  }
  expect(g.version).toBeGreaterThan(1000);
  expect(differences(g)).toEqual([]);
}, 60_000);
