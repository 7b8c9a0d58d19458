// Packs the library, installs it into an empty folder, and uses it there as its users will.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'tapeless-package-'));
const consumer = join(folder, 'consumer');

function run(cwd, command, ...args) {
  console.log(`$ ${command} ${args.join(' ')}`);
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

const use = `
  const x = tl.constant([1, 2, 3]);
  const y = tl.reduceSum(tl.square(x));
  const session = new tl.Session();
  const [dx] = session.runSync(tl.gradients(y, [x]));
  console.log(JSON.stringify(dx.toArray()));
`;

const files = {
  'package.json': JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  'use.mjs': `import * as tl from 'tapeless';\n${use}`,
  'use.cjs': `const tl = require('tapeless');\n${use}`,
  'cluster.cjs': `
    const tl = require('tapeless');
    const loaded = () => Object.keys(require('node:module')._cache).some((file) => file.includes('grpc-js'));
    const before = loaded();
    const y = tl.constant(1);
    const session = new tl.Session({ target: 'grpc://127.0.0.1:1' });
    session.run(y).catch((error) => console.log(before, loaded(), error.code, /ECONNREFUSED/.test(error.message)));
  `,
  'exchange.mjs': `
    import * as tl from 'tapeless';
    import { decodeGraphDef, encodeGraphDef, formatGraphDef } from 'tapeless/interop';
    const x = tl.placeholder('float32', [2], { name: 'x' });
    tl.gradients(tl.reduceSum(tl.square(x), { name: 'y' }), [x]);
    const bytes = encodeGraphDef(tl.getDefaultGraph().toGraphDef());
    const graph = new tl.Graph();
    graph.asDefault(() => tl.importGraphDef(decodeGraphDef(bytes), { name: '' }));
    const session = new tl.Session({ graph });
    const y = session.runSync('y:0', { x: [3, 4] });
    console.log(y.item(), formatGraphDef(graph.toGraphDef()).split('\\n')[0]);
  `,
  'identity.cjs': `
    const { Graph } = require('tapeless');
    const { checkGradients } = require('tapeless/testing');
    import('tapeless').then((tl) => console.log(tl.Graph === Graph, typeof checkGradients));
  `,
  'typed.ts': `
    import * as tl from 'tapeless';
    import { encodeGraphDef, type GraphDef } from 'tapeless/interop';
    import { checkGradients } from 'tapeless/testing';

    export const def: GraphDef = tl.getDefaultGraph().toGraphDef();
    export const bytes: Uint8Array = encodeGraphDef(def);
    const x = tl.placeholder('float32', [null, 3], { name: 'x' });
    const w: tl.Tensor = tl.matmul(x, tl.constant([[1], [2], [3]]));
    const gradients: readonly (tl.Tensor | tl.IndexedSlices | null)[] = tl.gradients(w, [x]);
    export const check = (): Promise<unknown> => checkGradients(w, [x], { feeds: { x: [[1, 2, 3]] } });
    export const unknownDtype = (): unknown =>
      // @ts-expect-error: there is no such dtype
      tl.placeholder('float31', [1]);
    export { gradients };
  `,
  'tsconfig.json': JSON.stringify({
    compilerOptions: {
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      types: [],
      strict: true,
      noEmit: true,
    },
    files: ['typed.ts'],
  }),
  'model.ts': `
    import * as tl from 'tapeless';

    export const x: tl.Tensor = tl.placeholder('float32', [null, 2], { name: 'x' });
    export const w = tl.variable([[1], [2]], { name: 'w' });
    export const loss = tl.reduceSum(tl.square(tl.matmul(x, w)), { name: 'loss' });
  `,
};

try {
  run(root, 'npm', 'pack', '--pack-destination', folder);
  const tarball = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
  const packed = run(folder, 'tar', '-tzf', tarball).trim().split('\n');
  const stray = packed.filter((path) => !/^package\/(dist\/|README\.md$|LICENSE$|package\.json$)/.test(path));
  assert.deepEqual(stray, [], 'only the library is packed');

  run(root, 'npx', '--no-install', 'publint', 'run', tarball, '--strict');
  run(root, 'npx', '--no-install', 'attw', tarball, '--profile', 'esm-only');

  mkdirSync(consumer);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(consumer, name), text);
  run(consumer, 'npm', 'install', '--no-audit', '--no-fund', tarball);

  assert.equal(run(consumer, 'node', 'use.mjs'), '[2,4,6]\n');
  assert.equal(run(consumer, 'node', 'use.cjs'), '[2,4,6]\n');
  // The client of clusters is loaded by the first run, and finds its libraries.
  assert.equal(run(consumer, 'node', 'cluster.cjs'), 'false true UNAVAILABLE true\n');
  assert.equal(run(consumer, 'node', 'exchange.mjs'), '25 node {\n');
  assert.equal(run(consumer, 'node', 'identity.cjs'), 'true function\n');
  run(consumer, 'node', 'node_modules/typescript/bin/tsc', '-p', '.');
  assert.match(run(consumer, 'npx', '--no-install', 'tapeless', '--help'), /dump/);
  const dump = run(consumer, 'npx', '--no-install', 'tapeless', 'dump', 'model.ts', '--ys', 'loss', '--xs', 'w');
  assert.match(dump, /MatMul/);
  assert.match(dump, /gradients/);
  console.log('package: installs, imports, type-checks and dumps a model');
} catch (error) {
  if (error?.stdout) console.log(error.stdout); // a tool's complaint
  throw error;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
