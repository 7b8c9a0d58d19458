/** The layers: every import points down, and no files import each other in a circle. */
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../src/', import.meta.url));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

/** Lowest first; what stands in one row may not import each other. */
const layers = [
  ['graph'],
  ['ops'],
  ['gradients'],
  ['session'],
  ['testing', 'training', 'interop'],
  ['index.ts'],
  ['cli'],
];

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const imports: readonly Import[] = files.flatMap((file) => {
  const text = readFileSync(join(src, file), 'utf8');
  const statements = text.matchAll(/^(?:import|export)\s+(type\s+)?[^'";]*?(?:from\s+)?'(\.[^']+)';/gm);
  return [...statements].map(([, type, specifier]) => ({
    file,
    target: relative(src, resolve(src, dirname(file), specifier!)).replace(/\.js$/, '.ts'),
    typeOnly: type !== undefined,
  }));
});

const layerOf = (file: string) =>
  layers.findIndex((row) => row.some((name) => file === name || file.startsWith(`${name}/`)));

test('every source file belongs to a layer, and imports were found', () => {
  expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  expect(imports.length).toBeGreaterThan(100);
  expect(imports.filter(({ target }) => !files.includes(target))).toEqual([]);
});

test('imports point down', () => {
  const up = imports.filter(({ file, target }) => layerOf(target) > layerOf(file));
  expect(up.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
});

test('layers in one row do not import each other', () => {
  const across = imports.filter(({ file, target }) => {
    return layerOf(file) === layerOf(target) && file.split('/')[0] !== target.split('/')[0];
  });
  expect(across.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
});

test('training uses no session: it builds graphs only', () => {
  const below = new Set(['graph', 'ops', 'gradients', 'training']);
  const beyond = imports.filter(
    ({ file, target }) => file.startsWith('training/') && !below.has(target.split('/')[0]!),
  );
  expect(beyond.map(({ file, target }) => `${file} → ${target}`)).toEqual([]);
  expect(imports.some(({ file }) => file.startsWith('training/'))).toBe(true);
});

test('no file runs in a circle with another', () => {
  const edges = new Map<string, string[]>();
  for (const { file, target, typeOnly } of imports)
    if (!typeOnly) edges.set(file, [...(edges.get(file) ?? []), target]);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  files.forEach((file) => visit(file, []));
  expect(circles).toEqual([]);
});

describe('the browser entry', () => {
  test('reaches nothing of Node', () => {
    const reached = new Set(['index.ts']);
    for (const file of reached)
      for (const edge of imports) if (edge.file === file && !edge.typeOnly) reached.add(edge.target);
    const node = [...reached].filter((file) =>
      /^import (?!type )[^;]*from '(node:|ts-node|commander|@hpcc-js|@grpc|@bufbuild)/m.test(
        readFileSync(join(src, file), 'utf8'),
      ),
    );
    expect(node).toEqual([]);
  });
});

test('no pass tests the name of an op', () => {
  const passes = files.filter((file) => /^(gradients|session|training)\//.test(file));
  const named = passes.filter((file) =>
    /\.type\s*[!=]==?\s*'|\.op\s*[!=]==?\s*'|case '[A-Z]\w+':/.test(readFileSync(join(src, file), 'utf8')),
  );
  expect(named).toEqual([]);
});
