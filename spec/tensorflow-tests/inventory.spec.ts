/** The inventory of TensorFlow's tests against the specs: every test that is said to hold exists under its name. */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { expectedTitles, foundTitles, tallies } from './support/tally.js';

const found = foundTitles(dirname(dirname(fileURLToPath(import.meta.url))));

test('every test that applies has a spec of its name, or a reason', () => {
  const absent = [...expectedTitles()].filter(([title, count]) => (found.get(title) ?? 0) < count);
  expect(absent.map(([title]) => title)).toEqual([]);
});

test('every spec that carries the name of one of these classes is in the inventory, and not among the missing ones', () => {
  const classes = new Set(tallies.map(({ name }) => name));
  const expected = expectedTitles();
  const unknown = [...found.keys()].filter((title) => classes.has(title.split('.')[0]!) && !expected.has(title));
  expect(unknown).toEqual([]);
});

test('no test is in the inventory twice, and a missing one applies', () => {
  for (const { name, applicable, missing, notApplicable } of tallies) {
    const all = [...applicable, ...notApplicable.keys()];
    expect([name, all.length]).toEqual([name, new Set(all).size]);
    expect([...missing.keys()].filter((each) => !applicable.includes(each))).toEqual([]);
  }
});
