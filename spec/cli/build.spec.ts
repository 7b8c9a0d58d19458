/** `tapeless build`: what it writes runs by itself, and a mistake leaves everything as it was. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { installPackage, runNode, tapeless, type Outcome } from './support.js';

let folder: string;
const entries = ['--entry', 'step=loss,train', '--entry', 'predict=prediction,steps'];
const shapes = ['--feed', 'x=4,2', '--feed', 'target=[4, 1]', '--feed', 'x@predict=1,2'];

const build = (...args: string[]): Promise<Outcome> => tapeless(folder, 'build', ...args);

beforeAll(async () => {
  folder = await installPackage();
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a script says that runs beside what was built in `out`, a folder without packages. */
async function play(out: string, script: string): Promise<unknown> {
  await writeFile(join(folder, out, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, out, 'script.js'), script);
  const played = await runNode(join(folder, out), ['--disallow-code-generation-from-strings', 'script.js']);
  expect([played.code, played.err]).toEqual([0, '']);
  return JSON.parse(played.out) as unknown;
}

describe('what is built', () => {
  test('trains and predicts with the same variables, which begin as initialised', async () => {
    const { code, out, err } = await build('trainer.ts', ...entries, ...shapes, '-o', 'edge/deep');
    expect([code, err]).toEqual([0, '']);
    const lines = out.split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'step({ x: float32 [4, 2], target: float32 [4, 1], rate: float32 [] }) -> { loss: float32 [] }',
      'predict({ x: float32 [1, 2] }) -> { prediction: float32 [1, 1], steps: int32 [] }',
      '',
    ]);
    expect(lines[3]).toMatch(/^edge\/deep\/trainer\.wasm: [\d,]+ bytes, \d+ of them values$/);
    expect(out).toMatch(/gzipped: [\d,]+ bytes\n$/);
    expect((await readdir(join(folder, 'edge/deep'))).sort()).toEqual(['trainer.d.ts', 'trainer.js', 'trainer.wasm']);
    const result = await play(
      'edge/deep',
      `
      import { load } from './trainer.js';
      const model = await load();
      const x = Float32Array.of(1, 0, 0, 1, 1, 1, 2, -1), target = Float32Array.of(3, -1, 2, 7);
      const losses = [];
      for (let i = 0; i < 200; i++) losses.push(model.step({ x, target, rate: Float32Array.of(0.1) }).loss[0]);
      const { prediction, steps } = model.predict({ x: Float32Array.of(1, 1) });
      console.log(JSON.stringify([losses[0], losses[199], prediction[0], steps[0], model.variables.names]));
      `,
    );
    // The errors are -2, 3, 1 and -7 at first: (4 + 9 + 1 + 49) / 4.
    expect(result).toEqual([15.75, expect.closeTo(0, 5), expect.closeTo(2, 3), 207, ['w', 'steps']]);
  });

  test('--fetch is the function run; --set, --no-init and --name', async () => {
    await writeFile(join(folder, 'w.json'), '[[10], [20]]');
    const fetch = ['--fetch', 'prediction,w,steps', '--feed', 'x=1,2', '-o', 'set'];
    expect((await build('trainer.ts', ...fetch, '--name', 'a.b', '--set', 'w=@w.json')).code).toBe(0);
    expect((await build('trainer.ts', ...fetch, '--name', 'zeros', '--no-init', '--set', 'steps=3')).code).toBe(0);
    const result = await play(
      'set',
      `
      const results = [];
      for (const file of ['./a.b.js', './zeros.js']) {
        const { run } = await (await import(file)).load();
        results.push(Object.values(run({ x: Float32Array.of(1, 1) })).map((array) => [...array]));
      }
      console.log(JSON.stringify(results));
      `,
    );
    expect(result).toEqual([
      [[30], [10, 20], [7]],
      [[0], [0, 0], [3]],
    ]);
  });

  test('variables hold what an exported session holds', async () => {
    await writeFile(
      join(folder, 'trained.ts'),
      `import * as tl from 'tapeless';
      const model = await import('./trainer.ts');
      export const { w, prediction } = model;
      export const session = new tl.Session();
      await session.run(tl.globalVariablesInitializer());
      await session.run(w.assign([[5], [6]]));`,
    );
    const { code, err } = await build('trained.ts', '--fetch', 'prediction', '--feed', 'x=1,2', '-o', 'trained');
    expect([code, err]).toEqual([0, '']);
    const script = `import { load } from './trained.js';
      console.log(JSON.stringify([...(await load()).run({ x: Float32Array.of(1, 1) }).prediction]));`;
    expect(await play('trained', script)).toEqual([11]);
  });
});

describe('mistakes are one line, and write nothing', () => {
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['nothing to compute', [], 'give --fetch or --entry'],
    ['an unknown fetch', ['--fetch', 'los'], "there is no 'los' in trainer.ts. Did you mean 'loss'"],
    [
      'a feed without a shape',
      ['--fetch', 'loss', '--feed', 'x=4,2'],
      "say which for 'target' [?, 1], for example target=32,1",
    ],
    ['a feed of another rank', ['--fetch', 'prediction', '--feed', 'x=4'], 'the shape [4] given for'],
    ['no shape', ['--fetch', 'prediction', '--feed', 'x=4,?'], "'4,?' is no shape"],
    ['an unknown feed', ['--fetch', 'prediction', '--feed', 'y=4'], "there is no 'y'"],
    ['a feed that nothing needs', ['--fetch', 'prediction', ...shapes.slice(0, 4)], "needs the feed 'target'"],
    ['a feed twice', ['--fetch', 'prediction', '--feed', 'x=1,2', '--feed', 'x=2,2'], "'x' is given twice"],
    ['a fed variable', ['--fetch', 'prediction', '--feed', 'w=2,1'], "'w' is a variable"],
    ['an unknown function', ['--fetch', 'prediction', '--feed', 'x@ran=1,2'], "no function 'ran'. Did you mean 'run'"],
    ['a function twice', ['--entry', 'a=w', '--entry', 'a=loss'], "'a' is given twice"],
    ['a function of no name', ['--entry', 'w'], '--entry takes name=…'],
    ['a function with a bad name', ['--entry', 'a-b=w'], "'a-b' cannot be the name of a function"],
    ['a file name', ['--fetch', 'w', '--name', '../w'], "'../w' is no name for files"],
    ['an unknown variable', ['--fetch', 'w', '--set', 'steps=1'], "no variable 'steps'"],
    [
      'a value that does not fit',
      ['--fetch', 'w', '--set', 'w=[1,2,3]'],
      "'w' is float32 [2, 1]; the value given for it is float32 [3]",
    ],
    ['no lowering', ['--fetch', 'noisy', '--feed', 'x=2,2'], 'cannot be compiled ahead of time'],
  ];

  test.each(cases)('%s', async (_, args, message) => {
    const { code, out, err } = await build('trainer.ts', ...args, '-o', 'nowhere');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(await readdir(folder)).not.toContain('nowhere');
  });

  test('an operation that cannot be compiled is named with its line', async () => {
    const { err } = await build('trainer.ts', '--fetch', 'noisy', '--feed', 'x=2,2', '-o', 'nowhere');
    expect(err).toMatch(/'noise\/?\w*' \(RandomStandardNormal, created at .*trainer\.ts:13\)/);
  });

  test('a folder that cannot be, and files that cannot be replaced', async () => {
    await writeFile(join(folder, 'file'), 'mine');
    const beneath = await build('trainer.ts', '--fetch', 'w', '-o', 'file/out');
    expect([beneath.code, beneath.err]).toEqual([2, expect.stringContaining('file is no folder')]);
    const refused = await build('trainer.ts', '--fetch', 'w', '-o', '/dev/null/out');
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('/dev/null is no folder')]);
    await mkdir(join(folder, 'taken/trainer.d.ts'), { recursive: true });
    await writeFile(join(folder, 'taken/trainer.js'), 'mine');
    const taken = await build('trainer.ts', '--fetch', 'w', '-o', 'taken');
    expect([taken.code, taken.err]).toEqual([2, expect.stringContaining('trainer.d.ts is a folder')]);
    expect((await readdir(join(folder, 'taken'))).sort()).toEqual(['trainer.d.ts', 'trainer.js']);
    expect(await readFile(join(folder, 'taken/trainer.js'), 'utf8')).toBe('mine');
  });
});
