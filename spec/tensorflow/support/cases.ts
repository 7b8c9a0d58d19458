/** What the spec files of this folder share: the worker's life and the shortest form of a comparison. */
import { afterAll, beforeAll, test } from '@jest/globals';
import type { Tensor } from '../../../src/graph/tensor.js';
import { placeholder } from '../../../src/ops/definitions/constant.js';
import { compareWithTensorFlow, statistics, statisticsLine, type Built, type CompareOptions } from './compare.js';
import type { Recorder } from './recorder.js';
import { closeTensorFlow, tensorFlow } from './worker.js';

export type Build = (recorder: Recorder) => Built | void;

/** Starts TensorFlow for the tests of this file; `report` gives lines to print once they are done. */
export function useTensorFlow(report: () => readonly string[] = () => []): void {
  beforeAll(async () => void (await tensorFlow().version()), 60_000);
  afterAll(async () => {
    const lines = [...(statistics.calls > 0 ? [statisticsLine()] : []), ...report()];
    if (lines.length > 0) console.log(lines.join('\n'));
    await closeTensorFlow();
  });
}

/** A test that what `build` builds has the same nodes and values in TensorFlow. */
export function same(name: string, build: Build, options?: CompareOptions): void {
  test(name, async () => void (await compareWithTensorFlow(build, options)));
}

/** A placeholder for two numbers. */
export function pair(name = 'x'): Tensor {
  return placeholder('float32', [2], { name });
}
