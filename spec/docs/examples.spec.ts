/** The examples in docstrings and documents run, and what they claim holds. */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { docstringExamples, documentExample, runExample } from './support.js';

const root = new URL('../../', import.meta.url);
const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const examples = sources.flatMap((file) =>
  docstringExamples(`src/${file}`, readFileSync(new URL(`src/${file}`, root), 'utf8')),
);

test('there are examples', () => {
  expect(examples.length).toBeGreaterThan(100);
});

test.each(examples.map((example) => [example.where, example] as const))('%s', async (_, example) => {
  await runExample(example);
});

test('the readme', async () => {
  const file = 'README.md';
  expect(await runExample(documentExample(file, readFileSync(new URL(file, root), 'utf8')))).toBe(2);
});

test('the tour', async () => {
  expect(
    await runExample(documentExample('docs/tour.md', readFileSync(new URL('docs/tour.md', root), 'utf8'))),
  ).toBeGreaterThan(15);
});

test('debugging', async () => {
  const file = 'docs/debugging.md';
  expect(await runExample(documentExample(file, readFileSync(new URL(file, root), 'utf8')))).toBeGreaterThan(6);
});

test('coming from TensorFlow', async () => {
  const file = 'docs/coming-from-tensorflow.md';
  expect(await runExample(documentExample(file, readFileSync(new URL(file, root), 'utf8')))).toBeGreaterThan(8);
});

test('models from TensorFlow', async () => {
  const file = 'docs/saved-models.md';
  expect(await runExample(documentExample(file, readFileSync(new URL(file, root), 'utf8')))).toBe(7);
});
