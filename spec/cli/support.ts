/** Runs the command as an installed package does: compiled, in a folder whose models import `tapeless`. */
import { spawn } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = process.cwd();

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A folder with the package, the fixture models and whatever else is written into it. */
export async function installPackage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapeless-cli-'));
  const target = join(folder, 'node_modules', 'tapeless');
  await mkdir(target, { recursive: true });
  await cp(join(root, 'package.json'), join(target, 'package.json'));
  await symlink(join(root, 'node_modules'), join(target, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await compile(join(root, 'src'), join(target, 'dist'));
  for (const name of await readdir(join(root, 'spec/cli/fixtures'))) {
    const text = await readFile(join(root, 'spec/cli/fixtures', name), 'utf8');
    await writeFile(join(folder, name), text.replaceAll('../../../src/index.js', 'tapeless'));
  }
  return folder;
}

/** Each file by itself, as the compiler would. */
async function compile(from: string, to: string): Promise<void> {
  const files = await readdir(from, { recursive: true });
  const sources = files.filter((file) => file.endsWith('.ts'));
  await build({
    entryPoints: sources.map((file) => join(from, file)),
    outbase: from,
    outdir: to,
    format: 'esm',
    target: 'es2022',
    logLevel: 'error',
    tsconfigRaw: {},
  });
}

/** Runs `node file args…` in `folder`. */
export async function runNode(folder: string, args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '', FORCE_COLOR: '' },
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (data: Buffer) => out.push(data));
  child.stderr.on('data', (data: Buffer) => err.push(data));
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

/** Runs the command `tapeless` in a folder of `installPackage`. */
export function tapeless(folder: string, ...args: string[]): Promise<Outcome> {
  return runNode(folder, [join(folder, 'node_modules/tapeless/dist/cli/main.js'), ...args]);
}
