/** The declarations of what was built: right uses compile, wrong ones do not, with any library of the host's or none. */
import { expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import * as tl from '../../../src/index.js';
import { build, entry, temporaryFolder } from './support.js';

const folder = temporaryFolder();

function mistakes(file: string, lib: readonly string[]): readonly string[] {
  const program = ts.createProgram([join(folder.path, file)], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: [...lib],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText, start, file: at }) => {
    const line = at && start !== undefined ? at.getLineAndCharacterOfPosition(start).line + 1 : 0;
    return `${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

test('functions and variables are typed by names, dtypes and shapes', () => {
  const graph = new tl.Graph();
  const { x, y, total } = graph.asDefault(() => {
    const x = tl.placeholder('float32', [null, 2], { name: 'in/x' });
    return { x, y: tl.matmul(x, x, { transposeA: true }), total: tl.variable([1n, 2n], { name: 'total' }) };
  });
  build(folder.path, 'typed', graph, [
    entry('square', { 'y:0': y }, { feeds: { 'in/x': [x, [3, 2]] } }),
    entry('next', { y, total }, { feeds: { x: [x, [2, 2]] } }),
    entry('look', { total }),
  ]);
  writeFileSync(
    join(folder.path, 'use.ts'),
    `import { load, type Model, type NextFeeds, type SquareResults, type Variables } from './typed.js';

    export async function use(module: object): Promise<Float32Array> {
      const model: Model = await load();
      await Promise.all([load('a.wasm'), load(new Uint8Array(3)), load(module), load({ href: 'file:///a' })]);
      const results: SquareResults = model.square({ 'in/x': new Float32Array(6) });
      const feeds: NextFeeds = { x: results['y:0'] };
      const { y, total } = model.next(feeds, { y: new Float32Array(4) });
      const held: bigint | undefined = total[0];
      model.variables.set('total', model.look().total);
      const names: readonly (keyof Variables)[] = model.variables.names;
      const value: BigInt64Array = model.variables.get('total');
      // @ts-expect-error: of another dtype
      model.next({ x: new Float64Array(4) });
      // @ts-expect-error: of another shape
      model.square({ 'in/x': results['y:0'] });
      // @ts-expect-error: it is called 'in/x'
      model.square({ x: new Float32Array(6) });
      // @ts-expect-error: a feed is missing
      model.square();
      // @ts-expect-error: there is no such result
      model.look({}, { y: new Float32Array(4) });
      // @ts-expect-error: there is no such variable
      model.variables.get('w');
      // @ts-expect-error: a number is no source
      await load(5);
      return names.length > 0 && held === 1n && value.length > 0 ? y : results['y:0'];
    }
    `,
  );
  expect(mistakes('use.ts', ['lib.es2022.d.ts'])).toEqual([]);
  expect(mistakes('use.ts', ['lib.es2022.d.ts', 'lib.dom.d.ts'])).toEqual([]);
  expect(mistakes('use.ts', ['lib.es2022.d.ts', 'lib.webworker.d.ts'])).toEqual([]);
});
