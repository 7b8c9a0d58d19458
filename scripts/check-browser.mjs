// Bundles src/index.ts for a browser, where nothing of Node may be reached, and takes a gradient in a headless Chromium.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const program = `
  import * as tl from './src/index.ts';

  globalThis.program = async () => {
    const graph = new tl.Graph();
    return graph.asDefault(async () => {
      const x = tl.placeholder('float32', [null, 2], { name: 'x' });
      const w = tl.variable([[1], [2]], { name: 'w' });
      const loss = tl.reduceSum(tl.square(tl.matmul(x, w)));
      const [gradient] = tl.gradients(loss, [w]);
      const [second] = tl.gradients(tl.reduceSum(tl.square(gradient)), [w]);
      const session = new tl.Session({ graph });
      await session.run(w.initializer);
      const results = await session.run([loss, gradient, second], { x: [[1, 2], [3, 4]] });
      await session.close();
      return results.map((result) => result.toArray());
    });
  };
`;

// An IIFE: esbuild refuses top-level await in it, and anything of Node is unresolved on this platform.
const bundle = await build({
  stdin: { contents: program, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
  bundle: true,
  write: false,
  minify: true,
  platform: 'browser',
  format: 'iife',
  target: 'es2022',
  metafile: true,
});
const external = Object.values(bundle.metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
assert.deepEqual(external, [], 'the bundle leaves imports to its host');
const script = bundle.outputFiles[0].text;
console.log(`bundle: ${script.length} bytes, ${gzipSync(script).length} gzipped`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'].concat([
    '--disable-component-update',
    '--disable-sync',
  ]),
});
try {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error));
  await page.addScriptTag({ content: script });
  if (errors.length > 0) throw errors[0];
  const results = await page.evaluate(() => globalThis.program());
  // xw = [5, 11]; dw = 2 xᵀ(xw); |dw|² has the gradient 2 H dw, where H = 2 xᵀx.
  assert.deepEqual(results, [146, [[76], [108]], [[9088], [12896]]]);
} finally {
  await browser.close();
}
console.log(`browser: Chromium ${browser.version()} computes the expected gradients`);
