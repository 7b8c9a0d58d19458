// Bundles src/index.ts for a browser, where nothing of Node may be reached, and takes a gradient in a headless Chromium; runs what
// `tapeless build` writes there, under a policy that forbids code from strings.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
      const far = await new tl.Session({ graph, target: 'grpc://localhost:1' }).run(w).catch((error) => error.message);
      return [...results.map((result) => result.toArray()), far];
    });
  };
`;

/** A step that is large enough to share, on one thread and on several; what the session says of its threads besides. */
const sharing = `
  import * as tl from './src/index.ts';

  const run = async (threads) => {
    const graph = new tl.Graph();
    return graph.asDefault(async () => {
      const x = tl.placeholder('float32', [256, 300], { name: 'x' });
      const y = tl.tanh(tl.matmul(x, x, { transposeB: true }));
      const session = new tl.Session({ graph, threads });
      const data = Float32Array.from({ length: 256 * 300 }, (_, i) => Math.sin(i));
      let sum = '';
      for (let i = 0; i < 20; i++) sum = (await session.run(tl.gradients(y, x), { x: data }))[0].data.join();
      await session.close();
      return sum;
    });
  };
  const said = [];
  globalThis.TAPELESS_DEBUG = 1;
  console.error = (text) => said.push(String(text));
  const results = Promise.all([run(1), run(3)]).then(([one, three]) => ({
    alike: one === three,
    isIsolated: globalThis.crossOriginIsolated,
    alone: said.filter((text) => text.includes('one thread')),
  }));
  if (typeof document === 'undefined') results.then(postMessage);
  else globalThis.results = results;
`;
const sharingSite = {
  page: ['text/html', '<!doctype html><script src="sharing.js"></script>'],
  worker: [
    'text/html',
    '<!doctype html><script>globalThis.results = new Promise((resolve, reject) => { const worker = new Worker("sharing.js"); ' +
      'worker.onmessage = (event) => resolve(event.data); worker.onerror = reject; });</script>',
  ],
};

/** Where memory can be shared, threads are, from a page and from a worker; elsewhere one thread does it all and says why. */
async function checkThreads(browser) {
  const { outputFiles } = await build({ ...bundling, stdin: { ...bundling.stdin, contents: sharing } });
  const isolation = {
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-embedder-policy': 'require-corp',
    'cross-origin-resource-policy': 'same-origin',
  };
  for (const [host, headers, alone] of [
    ['isolated.test', isolation, 1],
    ['plain.test', {}, 2],
  ]) {
    for (const from of ['page', 'worker']) {
      const page = await browser.newPage();
      await page.route(`https://${host}/**`, (route) => {
        const [contentType, body] = sharingSite[new URL(route.request().url()).pathname.slice(1)] ?? [
          'text/javascript',
          outputFiles[0].text,
        ];
        return route.fulfill({ contentType, body, headers });
      });
      await page.goto(`https://${host}/${from}`);
      const found = await page.evaluate(() => globalThis.results);
      assert.equal(found.isIsolated, alone === 1, `${host} from a ${from}`);
      assert.equal(found.alike, true, `${host} from a ${from}: results are alike`);
      // threads: 1 says so too.
      assert.equal(found.alone.length, alone, `${host} from a ${from}: ${found.alone.join()}`);
      await page.close();
    }
  }
}

/** What was built, trained for some steps: the same in a browser as here. */
const trained = `
  export async function trained(load) {
    const model = await load();
    const x = Float32Array.from({ length: 8 * 64 }, (_, i) => ((i * 37) % 17) / 16);
    const label = BigInt64Array.from({ length: 8 }, (_, i) => BigInt(i));
    const losses = [];
    for (let i = 0; i < 20; i++) losses.push(model.step({ x, label }).loss[0]);
    return [losses, model.variables.names.map((name) => [...model.variables.get(name)])];
  }
`;
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";
const site = {
  '': ['text/html', '<!doctype html><script type="module" src="page.js"></script>'],
  'trained.js': ['text/javascript', trained],
  'page.js': [
    'text/javascript',
    `
      import { load } from './digits.js';
      import { trained } from './trained.js';
      globalThis.results = trained(load);
      try {
        new Function('return 1');
        globalThis.results = Promise.reject(new Error('Code from strings is not forbidden here.'));
      } catch {}
    `,
  ],
};

/** Builds examples/models/digits.ts into `folder`. */
function buildAhead(folder) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const options = ['--entry', 'step=loss,train', '--feed', 'x=8,64', '--feed', 'label=8', '-o', folder];
  const command = [
    '--import',
    './scripts/register-ts-node.js',
    'src/cli/main.ts',
    'build',
    'examples/models/digits.ts',
  ];
  execFileSync(process.execPath, [...command, ...options], { cwd: root });
  const types = { 'digits.js': 'text/javascript', 'digits.wasm': 'application/wasm' };
  for (const [name, type] of Object.entries(types)) site[name] = [type, readFileSync(join(folder, name))];
}

async function checkAhead(browser) {
  const here = (name) => import(`data:text/javascript;base64,${Buffer.from(site[name][1]).toString('base64')}`);
  const { load } = await here('digits.js');
  const expected = await (await here('trained.js')).trained(() => load(site['digits.wasm'][1]));
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error));
  await page.route('https://edge.test/**', (route) => {
    const [contentType, body] = site[new URL(route.request().url()).pathname.slice(1)] ?? ['text/plain', null];
    const headers = { 'content-security-policy': policy };
    return body === null ? route.fulfill({ status: 404 }) : route.fulfill({ contentType, body, headers });
  });
  await page.goto('https://edge.test/');
  const found = await page.evaluate(() => globalThis.results);
  if (errors.length > 0) throw errors[0];
  assert.deepEqual(found, expected);
  assert(expected[0].at(-1) < expected[0][0] / 2, 'it learns');
  await page.close();
}

// An IIFE: esbuild refuses top-level await in it, and anything of Node is unresolved on this platform.
const bundling = {
  stdin: { contents: program, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
  bundle: true,
  write: false,
  minify: true,
  platform: 'browser',
  format: 'iife',
  target: 'es2022',
  metafile: true,
};
const bundle = await build(bundling);
const external = Object.values(bundle.metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
assert.deepEqual(external, [], 'the bundle leaves imports to its host');
const libraries = Object.keys(bundle.metafile.inputs).filter((path) => /node_modules\/@(bufbuild|grpc)\//.test(path));
assert.deepEqual(libraries, [], 'the bundle has libraries that only exchange with TensorFlow takes');
const script = bundle.outputFiles[0].text;
assert.doesNotMatch(script, /MasterService/, 'the bundle has the client of clusters');
console.log(`bundle: ${script.length} bytes, ${gzipSync(script).length} gzipped`);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'].concat([
    '--disable-component-update',
    '--disable-sync',
  ]),
});
const folder = mkdtempSync(join(tmpdir(), 'tapeless-browser-'));
try {
  const page = await browser.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error));
  await page.addScriptTag({ content: script });
  if (errors.length > 0) throw errors[0];
  const results = await page.evaluate(() => globalThis.program());
  // xw = [5, 11]; dw = 2 xᵀ(xw); |dw|² has the gradient 2 H dw, where H = 2 xᵀx.
  const far = results.pop();
  assert.match(far, /a browser cannot reach a TensorFlow server/);
  assert.deepEqual(results, [146, [[76], [108]], [[9088], [12896]]]);
  buildAhead(folder);
  await checkAhead(browser);
  await checkThreads(browser);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(
  `browser: Chromium ${browser.version()} computes the expected gradients, trains what was built ahead of time, and shares work among threads`,
);
