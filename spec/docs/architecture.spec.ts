/** What docs/architecture.md says of the source tree is there. */
import { expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/architecture.md', root), 'utf8');
const sections = text.split(/^## /m).slice(1);

test('every file and folder that a section names is in the folders of its heading', () => {
  const named = sections.flatMap((section) => {
    const folders = [...section.split('\n')[0]!.matchAll(/src\/[\w/]+/g)].map(([folder]) => folder);
    const files = [...section.matchAll(/`([\w/-]+(?:\.ts|\/))`/g)].map(([, file]) => file!);
    return folders.length > 0 ? files.map((file) => ({ folders, file })) : [];
  });
  expect(named.length).toBeGreaterThan(60);
  const absent = named.filter(({ folders, file }) => !folders.some((folder) => existsSync(new URL(`${folder}/${file}`, root)))); // prettier-ignore
  expect(absent).toEqual([]);
});

test('every folder of the sources has a section', () => {
  const folders = readdirSync(new URL('src/', root), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const headings = sections.map((section) => section.split('\n')[0]!).join(' ');
  expect(folders.filter(({ name }) => !headings.includes(`src/${name}`)).map(({ name }) => name)).toEqual([]);
});
