/** What TensorFlow computed with a SavedModel, against what it computes here. */
import { expect } from '@jest/globals';
import * as tl from '../../../src/index.js';
import type { SavedModel } from '../../../src/interop/index.js';
import { arrayDifference, decodeArray } from '../../tensorflow/support/arrays.js';
import type { Encoded } from './checkpoints.js';

/** As `saved_models.py` writes it. */
export interface SignatureValues {
  readonly inputs: Readonly<Record<string, Encoded>>;
  readonly outputs: Readonly<Record<string, Encoded>>;
  /** Of the sum of the squares of all outputs, by each variable that it depends on. */
  readonly gradients: readonly { readonly value: Encoded; readonly trainable: boolean; readonly gradient: Encoded }[];
}

export interface CompareOptions {
  readonly tolerance?: number;
  readonly open?: (graph: tl.Graph) => tl.Session;
}

/** Compares a signature and its gradients by all variables; returns by how many there are gradients. */
export async function compareSignature(
  model: SavedModel,
  name: string,
  { inputs, outputs, gradients }: SignatureValues,
  { tolerance = 1, open = (graph) => new tl.Session({ graph }) }: CompareOptions = {},
): Promise<number> {
  const signature = model.signatures[name]!;
  const ys = Object.values(signature.outputs);
  const target = model.graph.asDefault(() => tl.addN(ys.map((y) => tl.reduceSum(tl.square(y)))));
  const dxs = tl.gradients(target, [...model.variables]);
  const used = model.variables.flatMap((variable, i) => (dxs[i] ? [{ variable, dx: tl.convertToTensor(dxs[i]) }] : []));
  const feeds = new Map(Object.entries(inputs).map(([key, value]) => [signature.inputs[key]!, decodeArray(value)]));
  const session = open(model.graph);
  await model.restore(session);
  const fetches = {
    outputs: { ...signature.outputs },
    used: used.map(({ variable, dx }) => ({ value: variable.value(), dx })),
  };
  const results = await session.run(fetches, feeds);
  await session.close();
  for (const [key, value] of Object.entries(outputs))
    expect([key, arrayDifference(results.outputs[key]!, decodeArray(value), tolerance)]).toEqual([key, null]);
  expect(used).toHaveLength(gradients.length);
  const left = new Set(results.used.keys());
  for (const { value, trainable, gradient } of gradients) {
    // Several variables have one name: which is which, their values say.
    const theirs = decodeArray(value);
    const i = [...left].find((k) => arrayDifference(results.used[k]!.value, theirs) === null);
    if (i === undefined) throw new Error(`no variable has the value ${JSON.stringify(theirs.toArray())}`);
    left.delete(i);
    const { name } = used[i]!.variable;
    expect([name, used[i]!.variable.trainable]).toEqual([name, trainable]);
    expect([name, arrayDifference(results.used[i]!.dx, decodeArray(gradient), tolerance)]).toEqual([name, null]);
  }
  return used.length;
}
