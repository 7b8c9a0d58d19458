/** `tapeless run`: values of a model's tensors. */
import type { Command } from 'commander';
import * as tl from '../../index.js';
import { UsageError } from '../errors.js';
import { valueJson, valueText } from '../format-value.js';
import { loadModel } from '../model.js';
import { nameList, parseFeedFlags, positiveNumber, repeated } from '../options.js';
import { writeOutput } from '../output.js';

interface RunFlags {
  readonly fetch: readonly string[];
  readonly feed?: readonly string[];
  readonly init?: boolean;
  readonly json?: boolean;
  readonly timeout?: number;
  readonly output?: string;
  readonly check?: boolean;
}

export function addRun(program: Command): void {
  program
    .command('run <model>')
    .description('compute tensors of a model')
    .requiredOption('--fetch <names>', 'what to compute, separated by commas', nameList)
    .option('--feed <name=value>', 'a value for a tensor: JSON, @file.npy or @file.json; repeatable', repeated)
    .option('--init', 'initialise the variables first')
    .option('--json', 'print one JSON object')
    .option('--timeout <ms>', 'give up after so many milliseconds', positiveNumber)
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .option('--check', 'report type errors in the model first')
    .addHelpText(
      'after',
      `
Examples:
  tapeless run model.ts --init --fetch loss --feed 'x=[[1,2]]'
  tapeless run model.ts --fetch loss,scores:0 --feed x=@data.npy --json`,
    )
    .action(run);
}

async function run(path: string, flags: RunFlags): Promise<void> {
  const model = await loadModel(path, { check: flags.check ?? false });
  const feeds = await parseFeedFlags(model, flags.feed);
  const fetches = Object.fromEntries(flags.fetch.map((name) => [name, model.fetch(name, '--fetch')]));
  const session = new tl.Session({ graph: model.graph });
  try {
    if (flags.init) await session.run(model.graph.asDefault(() => tl.globalVariablesInitializer()));
    const results = (await session.run(
      fetches,
      feeds,
      flags.timeout === undefined ? {} : { timeoutMs: flags.timeout },
    )) as Results;
    await writeOutput(flags.json ? jsonText(results) : plainText(results), flags.output);
  } catch (error) {
    if (error instanceof tl.FailedPreconditionError && !flags.init && model.variables.length > 0) {
      throw new UsageError(`${error.message} To initialise variables first, give --init.`, { cause: error });
    }
    throw error;
  } finally {
    await session.close();
  }
}

type Result = tl.NDArray | tl.IndexedSlicesValue | null;
type Results = Readonly<Record<string, Result>>;

function plainText(results: Results): string {
  const lines = Object.entries(results).flatMap(([name, result]) => {
    if (result === null) return [`${name}: done`];
    if (result instanceof tl.NDArray) return [valueText(name, result)];
    return Object.entries(result).map(([part, value]) =>
      value === null ? `${name}.${part}: null` : valueText(`${name}.${part}`, value as tl.NDArray),
    );
  });
  return `${lines.join('\n')}\n`;
}

function jsonText(results: Results): string {
  const plain = (result: Result): unknown => {
    if (result === null) return null;
    if (result instanceof tl.NDArray) return valueJson(result.toArray());
    return Object.fromEntries(Object.entries(result).map(([part, value]) => [part, plain(value as Result)]));
  };
  return `${JSON.stringify(Object.fromEntries(Object.entries(results).map(([name, result]) => [name, plain(result)])))}\n`;
}
