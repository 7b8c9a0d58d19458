/** Options that several commands share. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import * as tl from '../index.js';
import { UsageError } from './errors.js';
import type { Model } from './model.js';
import { parseNpy } from './npy.js';

/** A list of names: separated by commas, or given several times. */
export function nameList(text: string, before: readonly string[] = []): string[] {
  const names = text.split(',').map((name) => name.trim()).filter((name) => name !== ''); // prettier-ignore
  if (names.length === 0) throw new InvalidArgumentError('It needs at least one name.');
  return [...before, ...names];
}

/** A repeatable option whose values hold commas. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0)) throw new InvalidArgumentError('It must be a positive number.');
  return value;
}

export interface GradientFlags {
  readonly ys?: readonly string[];
  readonly xs?: readonly string[];
  readonly gradYs?: readonly string[];
  readonly aggregationMethod?: string;
  readonly gateGradients?: boolean;
  readonly colocate?: boolean;
  readonly stopGradients?: readonly string[];
  readonly unconnectedGradients?: string;
}

const aggregationMethods: Readonly<Record<string, 'addN' | 'experimentalTree' | 'experimentalAccumulateN'>> = {
  addN: 'addN',
  experimentalTree: 'experimentalTree',
  experimentalAccumulateN: 'experimentalAccumulateN',
};

/** The options of `gradients`, as flags. */
export function addGradientFlags(command: Command): Command {
  return command
    .option('--ys <names>', 'what to differentiate, separated by commas', nameList)
    .option('--xs <names>', 'what to differentiate by', nameList)
    .option('--grad-ys <names>', 'the gradient that flows into each y; - for ones', nameList)
    .option(
      '--aggregation-method <method>',
      'how gradients are added: addN, experimentalTree or experimentalAccumulateN',
    )
    .option('--gate-gradients', "make an operation's input gradients available all at once")
    .option('--colocate', 'place gradient nodes with the forward operations')
    .option('--stop-gradients <names>', 'tensors through which nothing is differentiated', nameList)
    .option('--unconnected-gradients <kind>', "what an unconnected x gets: 'none' or 'zero'");
}

export interface Differentiated {
  /** What was appended, oldest first; empty where nothing was asked for. */
  readonly appended: readonly tl.Operation[];
  /** The same as a value; null where nothing was asked for. */
  readonly diff: tl.Appended | null;
  /** For each x its gradient. */
  readonly results: readonly { readonly x: string; readonly gradient: tl.Tensor | tl.IndexedSlices | null }[];
}

type Settings = Pick<tl.GradientOptions, 'aggregationMethod' | 'unconnectedGradients'>;

/** What can be wrong with gradient flags whatever the model. @throws UsageError */
export function checkGradientFlags(flags: GradientFlags): Settings {
  const { ys, xs, aggregationMethod: method } = flags;
  if (!ys !== !xs)
    throw new UsageError(ys ? '--ys needs --xs: what to differentiate by.' : '--xs needs --ys: what to differentiate.');
  if (!ys && dependentFlags.some((flag) => flags[flag] !== undefined))
    throw new UsageError('gradient options need --ys and --xs.');
  if (method !== undefined && !Object.hasOwn(aggregationMethods, method)) {
    throw new UsageError(`--aggregation-method is addN, experimentalTree or experimentalAccumulateN, not '${method}'.`);
  }
  const unconnectedGradients = flags.unconnectedGradients ?? 'none';
  if (unconnectedGradients !== 'none' && unconnectedGradients !== 'zero') {
    throw new UsageError(`--unconnected-gradients is none or zero, not '${unconnectedGradients}'.`);
  }
  return { unconnectedGradients, aggregationMethod: method === undefined ? 'addN' : aggregationMethods[method]! };
}

const dependentFlags = [
  'gradYs',
  'aggregationMethod',
  'gateGradients',
  'colocate',
  'stopGradients',
  'unconnectedGradients',
] as const;

/** Appends the gradients that the flags ask for. */
export function differentiate(model: Model, flags: GradientFlags): Differentiated {
  const settings = checkGradientFlags(flags);
  const { ys, xs } = flags;
  if (!ys || !xs) return { appended: [], diff: null, results: [] };
  const start = model.graph.version;
  const build = () =>
    tl.gradients(model.operands(ys, '--ys'), model.operands(xs, '--xs'), {
      ...settings,
      ...(flags.gradYs && {
        gradYs: flags.gradYs.map((name) => (name === '-' ? null : tensorOf(model, name, '--grad-ys'))),
      }),
      ...(flags.stopGradients && {
        stopGradients: model.values(flags.stopGradients, '--stop-gradients'),
      }),
      gateGradients: flags.gateGradients ?? false,
      colocateGradientsWithOps: flags.colocate ?? false,
    });
  const { result: gradients, appended } = model.graph.transact(() => model.graph.asDefault(build));
  return {
    appended: model.graph.operations().slice(start),
    diff: appended,
    results: xs.map((x, i) => ({ x, gradient: gradients[i]! })),
  };
}

export function tensorOf(model: Model, name: string, option: string): tl.Tensor {
  const value = model.value(name, option);
  return value instanceof tl.Variable ? value.value() : value;
}

/** Feeds given as `name=JSON`, `name=@file.npy` or `name=@file.json`. */
export async function parseFeedFlags(
  model: Model,
  flags: readonly string[] = [],
): Promise<Map<tl.Tensor, tl.TensorData>> {
  const feeds = new Map<tl.Tensor, tl.TensorData>();
  for (const flag of flags) {
    const equals = flag.indexOf('=');
    if (equals < 1)
      throw new UsageError(`--feed takes name=value, not '${flag}': for example x=[[1,2]] or x=@file.npy.`);
    const name = flag.slice(0, equals);
    const target = model.value(name, '--feed');
    if (target instanceof tl.Variable)
      throw new UsageError(`--feed: '${name}' is a variable; feed a tensor, or assign in the model.`);
    if (feeds.has(target)) throw new UsageError(`--feed: '${name}' is fed twice.`);
    feeds.set(target, await parseData(flag.slice(equals + 1), `--feed ${name}`));
  }
  return feeds;
}

/** Data as JSON, `@file.npy` or `@file.json`. `what` is for errors. */
export async function parseData(text: string, what: string): Promise<tl.TensorData> {
  if (!text.startsWith('@')) return parseJson(text, what);
  const path = text.slice(1);
  const file = await readFile(path).catch((error: Error) => {
    throw new UsageError(`${what}: cannot read ${path}: ${error.message}`);
  });
  return path.endsWith('.json') ? parseJson(file.toString('utf8'), path) : parseNpy(file, path);
}

function parseJson(text: string, what: string): tl.TensorData {
  try {
    return JSON.parse(text) as tl.TensorData;
  } catch (error) {
    throw new UsageError(
      `${what}: '${text.slice(0, 40)}' is not JSON (${(error as Error).message}). Write [[1,2],[3,4]], 0.5, true or "text".`,
    );
  }
}
