/** Which of TensorFlow's tests have a spec of their name, counted from the sources of the specs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inventory, type Suite } from '../inventory.js';

const words = (text = ''): string[] => text.split(/\s+/).filter((word) => word !== '');
const wordsBy = (reasons: Readonly<Record<string, string>> = {}): [reason: string, tests: string[]][] =>
  Object.entries(reasons).map(([reason, text]) => [reason, words(text)]);
/** The class without what is said about it. */
const className = ({ name }: Suite): string => name.split(' ')[0]!;

/** Everything about the tests of one class. */
export interface SuiteTally {
  readonly file: string;
  readonly name: string;
  /** Tests that apply. */
  readonly applicable: readonly string[];
  /** Of those, the ones that the inventory says do not hold, with the reason. */
  readonly missing: ReadonlyMap<string, string>;
  readonly notApplicable: ReadonlyMap<string, string>;
}

const byTest = (reasons: [reason: string, tests: string[]][]): Map<string, string> =>
  new Map(reasons.flatMap(([reason, tests]) => tests.map((test) => [test, reason] as const)));

export const tallies: readonly SuiteTally[] = inventory.map((suite) => ({
  file: suite.file,
  name: className(suite),
  applicable: [...words(suite.asIs), ...words(suite.adapted)],
  missing: byTest(wordsBy(suite.missing)),
  notApplicable: byTest(wordsBy(suite.notApplicable)),
}));

/** Titles `Class.test` that have to be somewhere among the specs, and how often: two files may have a test of one name. */
export function expectedTitles(): Map<string, number> {
  const titles = new Map<string, number>();
  for (const { name, applicable, missing } of tallies) {
    for (const test of applicable.filter((each) => !missing.has(each))) {
      const title = `${name}.${test}`;
      titles.set(title, (titles.get(title) ?? 0) + 1);
    }
  }
  return titles;
}

/** How often each title `Class.test` opens a string in the specs below `directory`, but for those that are skipped. */
export function foundTitles(directory: string): Map<string, number> {
  const titles = new Map<string, number>();
  for (const entry of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!entry.endsWith('.spec.ts')) continue;
    for (const [, title] of readFileSync(join(directory, entry), 'utf8').matchAll(
      /(?<!\.(?:skip|todo)\(\s*)['"`]([A-Z]\w*\.(?:DISABLED_)?test\w*)/g,
    )) {
      titles.set(title!, (titles.get(title!) ?? 0) + 1);
    }
  }
  return titles;
}
