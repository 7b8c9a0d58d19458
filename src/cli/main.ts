#!/usr/bin/env node
/** The command `tapeless`. */
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { addBuild } from './commands/build.js';
import { addCheck } from './commands/check.js';
import { addDump } from './commands/dump.js';
import { addExplain } from './commands/explain.js';
import { addRun } from './commands/run.js';
import { addStats } from './commands/stats.js';
import { CheckFailed, errorText } from './errors.js';
import { errorColors } from './output.js';

const exitCodes = { failedCheck: 1, badUse: 2 };

function buildProgram(): Command {
  const { version, description } = createRequire(import.meta.url)('../../package.json') as {
    version: string;
    description: string;
  };
  const program = new Command('tapeless')
    .description(`${description}.`)
    .version(version)
    .option('--verbose', 'with an error, print its whole message and the stack')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      `
MODEL is a .ts or .js module that builds a graph. What it exports is addressable by name: tensors, variables, operations, and
what plain objects of them hold (model.loss); a default export that is a function, or else a module's only function, is
called. Nodes of the graph go by their names: scope/op, and scope/op:0 for a tensor. Or it is a GraphDef of TensorFlow's: a .pb, .pbtxt
or .json file.

Examples:
  tapeless dump model.ts --ys loss --xs w,b -o graph.svg
  tapeless check model.ts --ys loss --xs w,b --order 2
  tapeless run model.ts --init --fetch loss --feed x=@x.npy
  tapeless explain model.ts --ys loss --xs w
  tapeless stats model.ts
  tapeless dump graph.pb --ys loss --xs w -o with-gradients.pb
  tapeless build model.ts --fetch scores --feed x=1,784 -o out/

Exit codes: 0 done, 1 a check failed, 2 anything else went wrong.`,
    );
  for (const add of [addDump, addCheck, addRun, addExplain, addStats, addBuild]) add(program);
  for (const command of program.commands)
    command.option('--verbose', 'with an error, print its whole message and the stack');
  for (const command of [program, ...program.commands])
    command.exitOverride().showSuggestionAfterError().configureOutput({ outputError: writeOnOneLine });
  return program;
}

/** What is wrong, and what was meant. */
function writeOnOneLine(text: string, write: (text: string) => void): void {
  write(`${text.trim().split('\n').join(' ')}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  try {
    await buildProgram().parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has printed its own message by now.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.badUse;
    const verbose = args.includes('--verbose') && !(error instanceof CheckFailed);
    process.stderr.write(`${errorColors.red('error:')} ${errorText(error, verbose)}\n`);
    return error instanceof CheckFailed ? exitCodes.failedCheck : exitCodes.badUse;
  }
}

// A reader that has seen enough, as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
