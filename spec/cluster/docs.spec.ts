/** The examples of docs/cluster.md run on a cluster, and what they claim holds. */
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { documentExample, runExample } from '../docs/support.js';
import { useCluster } from './support/cluster.js';

const here = useCluster();
const file = 'docs/cluster.md';
const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');

test(file, async () => {
  const placed = text.replaceAll('grpc://ps0:2222', here.cluster.target('ps'));
  expect(placed).not.toBe(text);
  expect(await runExample(documentExample(file, placed))).toBeGreaterThan(8);
});
