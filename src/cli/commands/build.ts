/** `tapeless build`: a model as WebAssembly with a loader and types, which run without tapeless. */
import { basename, extname } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import * as tl from '../../index.js';
import {
  AheadOfTime,
  type AheadFiles,
  type EntryRequest,
  type NamedFeed,
  type Placed,
} from '../../session/aot/index.js';
import { UsageError } from '../errors.js';
import { loadModel, type Model, type ModelFlags } from '../model.js';
import { suggestion } from '../names.js';
import { nameList, parseData, repeated } from '../options.js';
import { writeFiles, writeOutput } from '../output.js';

interface BuildFlags extends ModelFlags {
  readonly fetch?: readonly string[];
  readonly entry?: readonly string[];
  readonly feed?: readonly string[];
  readonly set?: readonly string[];
  /** False for --no-init. */
  readonly init: boolean;
  readonly name?: string;
  readonly output: string;
}

export function addBuild(program: Command): void {
  program
    .command('build <model>')
    .description('compile functions of a model to WebAssembly ahead of time')
    .option('--fetch <names>', 'what the function `run` computes, separated by commas', nameList)
    .option('--entry <function=names>', 'another function and what it computes; repeatable', repeated)
    .option('--feed <name=shape>', 'the shape of a feed; name@function=shape for one function; repeatable', repeated)
    .option(
      '--set <variable=value>',
      'what a variable starts with: JSON, @file.npy or @file.json; repeatable',
      repeated,
    )
    .option('--no-init', 'do not run initialisers: variables start as zeros, and take no room')
    .option('--name <name>', 'what the files are called (default: as the model)')
    .requiredOption('-o, --output <folder>', 'the folder for NAME.wasm, NAME.js and NAME.d.ts')
    .option('--check', 'report type errors in the model first')
    .addHelpText(
      'after',
      `
Variables hold what the session holds that the model exports, if it exports one, else what their initialisers give.

Examples:
  tapeless build model.ts --fetch scores --feed x=1,784 -o out/
  tapeless build model.ts --entry step=loss,train --entry predict=scores --feed x=32,784 --feed x@predict=1,784 -o out/`,
    )
    .action(build);
}

async function build(path: string, flags: BuildFlags): Promise<void> {
  if (!flags.fetch && !flags.entry) throw new UsageError('give --fetch or --entry: what to compute.');
  const model = await loadModel(path, flags);
  const name = flags.name ?? basename(path, extname(path));
  const ahead = new AheadOfTime(model.graph, entriesOf(model, flags));
  const files = ahead.files(name, await initialValues(model, ahead.variables, flags));
  const written = await writeFiles(flags.output, [
    [`${name}.wasm`, files.wasm],
    [`${name}.js`, files.loader],
    [`${name}.d.ts`, files.types],
  ]);
  await writeOutput(summary(written, files), undefined);
}

function entriesOf(model: Model, flags: BuildFlags): readonly EntryRequest[] {
  const named = new Map<string, readonly string[]>(flags.fetch ? [['run', flags.fetch]] : []);
  for (const flag of flags.entry ?? []) {
    const [name, text] = split(flag, '--entry', 'step=loss,train');
    if (named.has(name)) throw new UsageError(`--entry: '${name}' is given twice.`);
    named.set(name, nameList(text));
  }
  const feeds = feedsOf(model, flags.feed ?? [], [...named.keys()]);
  return [...named].map(([name, names]) => {
    const own = new Map([...feeds.get(undefined)!, ...(feeds.get(name) ?? [])]);
    return { name, ...fetchesOf(model, names), feeds: own };
  });
}

function split(flag: string, option: string, example: string): [string, string] {
  const equals = flag.indexOf('=');
  if (equals < 1) throw new UsageError(`${option} takes name=…, not '${flag}': for example ${example}.`);
  return [flag.slice(0, equals), flag.slice(equals + 1)];
}

function fetchesOf(model: Model, names: readonly string[]): Pick<EntryRequest, 'fetches' | 'targets'> {
  const fetches = new Map<string, tl.Tensor>();
  const targets: tl.Operation[] = [];
  for (const name of names) {
    const item = model.item(name, '--fetch');
    if (item instanceof tl.Operation) targets.push(item);
    else if (item instanceof tl.Variable) fetches.set(name, item.fetchable);
    else if (item instanceof tl.Tensor) fetches.set(name, item);
    else {
      fetches.set(`${name}.values`, item.values).set(`${name}.indices`, item.indices);
      if (item.denseShape) fetches.set(`${name}.denseShape`, item.denseShape);
    }
  }
  return { fetches, targets };
}

type FeedsByName = Map<string, NamedFeed>;

/** By the function that they are for; those under undefined are for all. */
function feedsOf(
  model: Model,
  flags: readonly string[],
  functions: readonly string[],
): Map<string | undefined, FeedsByName> {
  const feeds = new Map<string | undefined, FeedsByName>([[undefined, new Map()]]);
  for (const flag of flags) {
    const [target, text] = split(flag, '--feed', 'x=32,784');
    const [name, only] = target.split('@', 2) as [string, string?];
    if (only !== undefined && !functions.includes(only))
      throw new UsageError(`--feed: there is no function '${only}'.${suggestion(only, functions)}`);
    const tensor = model.value(name, '--feed');
    if (tensor instanceof tl.Variable)
      throw new UsageError(`--feed: '${name}' is a variable; feed a tensor, or give --set.`);
    const own: FeedsByName = feeds.get(only) ?? new Map<string, NamedFeed>();
    if (own.has(name)) throw new UsageError(`--feed: '${target}' is given twice.`);
    feeds.set(only, own.set(name, { tensor, shape: shapeIn(text, name) }));
  }
  return feeds;
}

function shapeIn(text: string, name: string): readonly number[] {
  const dims = text.trim().replace(/^\[(.*)\]$/, '$1').trim(); // prettier-ignore
  if (dims === '') return [];
  if (!/^\d+(\s*,\s*\d+)*$/.test(dims))
    throw new UsageError(`--feed ${name}: '${text}' is no shape. Write ${name}=32,784, or ${name}=[] for a scalar.`);
  return dims.split(',').map(Number);
}

/** What variables hold at first: what is set, and else what the model's session or the initialisers give. */
async function initialValues(
  model: Model,
  names: readonly string[],
  flags: BuildFlags,
): Promise<ReadonlyMap<string, tl.NDArray>> {
  const values = new Map<string, tl.NDArray>();
  const variables = new Map(model.variables.map((variable) => [variable.handle.op.name, variable]));
  for (const flag of flags.set ?? []) {
    const [name, text] = split(flag, '--set', 'w=@w.npy');
    const variable = names.includes(name) ? variables.get(name) : undefined;
    if (!variable)
      throw new UsageError(`--set: what is compiled uses no variable '${name}'.${suggestion(name, names)}`);
    values.set(name, tl.NDArray.from(await parseData(text, `--set ${name}`), variable.dtype));
  }
  const rest = names.flatMap((name) => (values.has(name) ? [] : [variables.get(name)!]));
  if (rest.length === 0 || !flags.init) return values;
  const held = model.session ?? (await model.restored());
  const session = held ?? new tl.Session({ graph: model.graph });
  try {
    if (!held) await session.run(rest.map(({ initializer }) => initializer));
    const found = (await session.run(rest)) as readonly tl.NDArray[];
    rest.forEach((variable, i) => values.set(variable.handle.op.name, found[i]!));
  } finally {
    if (!model.session) await session.close();
  }
  return values;
}

function summary(paths: readonly string[], { wasm, loader, types, valueBytes, entries }: AheadFiles): string {
  const number = (value: number): string => value.toLocaleString('en');
  const type = ({ name, dtype, shape }: Placed): string => `${name}: ${dtype} [${shape.join(', ')}]`;
  const list = (placed: readonly Placed[]): string => `{ ${placed.map(type).join(', ')} }`.replace('{  }', '{}');
  const sizes = [wasm.length, Buffer.byteLength(loader), Buffer.byteLength(types)];
  const shipped = gzipSync(wasm).length + gzipSync(loader).length;
  return [
    ...entries.map(({ name, feeds, fetches }) => `${name}(${list(feeds)}) -> ${list(fetches)}`),
    '',
    ...paths.map((path, i) => {
      const parts = i === 0 && valueBytes > 0 ? `, ${number(valueBytes)} of them values` : '';
      return `${path}: ${number(sizes[i]!)} bytes${parts}`;
    }),
    `Module and loader, gzipped: ${number(shipped)} bytes`,
    '',
  ].join('\n');
}
