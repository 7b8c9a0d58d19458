/** What the specs of tapes share. */
import { test } from '@jest/globals';
import * as tl from '../../src/index.js';
import { flatten, packLike } from '../../src/ops/nest.js';
import { inGraph } from './support.js';

/** The values of a nest of tensors, null where null, with variables at their initial values. */
export function values(nest: unknown, feeds: tl.Feeds = {}): unknown {
  const session = new tl.Session();
  session.runSync(tl.globalVariablesInitializer());
  const leaves = flatten(nest as never).map((leaf) =>
    leaf === null ? null : session.runSync(tl.convertToTensor(leaf as tl.Tensor), feeds).toArray(),
  );
  return packLike(nest, leaves);
}

/** Runs `build` in a graph of its own, as TensorFlow's tests do. */
export const inTapeTest = (name: string, build: () => void): void => test(name, () => inGraph(build));

export const pair = (): [tl.Tensor, tl.Tensor] => [tl.constant(3), tl.constant(2)];
