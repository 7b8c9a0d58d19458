/** `tapeless check`: the gradient graph against finite differences. */
import type { Command } from 'commander';
import type { GradientReport } from '../../testing/index.js';
import { CheckFailed } from '../errors.js';
import { loadModel, type ModelFlags } from '../model.js';
import { nameList, parseFeedFlags, positiveNumber, repeated, wholeNumber } from '../options.js';
import { colors, writeOutput } from '../output.js';

interface CheckFlags extends ModelFlags {
  readonly ys: readonly string[];
  readonly xs: readonly string[];
  readonly order: number;
  readonly feed?: readonly string[];
  readonly seed?: number;
  readonly delta?: number;
  readonly tolerance?: number;
  readonly json?: boolean;
}

export function addCheck(program: Command): void {
  program
    .command('check <model>')
    .description('compare gradients with finite differences; exit code 1 where they differ')
    .requiredOption('--ys <names>', 'what to differentiate, separated by commas', nameList)
    .requiredOption('--xs <names>', 'what to differentiate by', nameList)
    .option('--order <n>', 'also check gradients of gradients up to this order', wholeNumber, 1)
    .option('--feed <name=value>', 'a value for a tensor: JSON, @file.npy or @file.json; repeatable', repeated)
    .option('--seed <n>', 'seed of the random directions and values', wholeNumber)
    .option('--delta <step>', 'step of the differences (by default chosen by dtype)', positiveNumber)
    .option('--tolerance <t>', 'relative error allowed (by default chosen by dtype)', positiveNumber)
    .option('--json', 'print one JSON object for each y')
    .option('--check', 'report type errors in the model first')
    .addHelpText(
      'after',
      `
Examples:
  tapeless check model.ts --ys loss --xs w,b
  tapeless check model.ts --ys loss --xs w --order 2 --feed 'x=[[1,2]]' --seed 7`,
    )
    .action(check);
}

async function check(path: string, flags: CheckFlags): Promise<void> {
  const { checkGradients, GradientCheckError } = await import('../../testing/index.js');
  const model = await loadModel(path, flags);
  const feeds = await parseFeedFlags(model, flags.feed);
  const xs = model.values(flags.xs, '--xs');
  const session = await model.restored();
  const lines: string[] = [];
  let failed = 0;
  for (const name of flags.ys) {
    try {
      const report = await checkGradients(model.value(name, '--ys'), xs, {
        feeds,
        order: flags.order,
        ...(session && { session }),
        ...(flags.seed !== undefined && { seed: flags.seed }),
        ...(flags.delta !== undefined && { delta: flags.delta }),
        ...(flags.tolerance !== undefined && { tolerance: flags.tolerance }),
      });
      lines.push(flags.json ? JSON.stringify({ y: name, ok: true, ...report }) : passed(name, report));
    } catch (error) {
      if (!(error instanceof GradientCheckError)) throw error;
      failed++;
      lines.push(
        flags.json
          ? JSON.stringify({ y: name, ok: false, mismatches: error.mismatches })
          : `${colors.red(`${name}: wrong`)}\n${error.message}`,
      );
    }
  }
  await session?.close();
  await writeOutput(`${lines.join('\n')}\n`, undefined);
  if (failed > 0)
    throw new CheckFailed(`the gradients of ${failed} of ${flags.ys.length} ys differ from finite differences`);
}

function passed(name: string, { inputs, seed }: GradientReport): string {
  const rows = inputs.map(
    ({ input, order, maxError, tolerance, step, elements }) =>
      `  order ${order}  ${input}: error ${short(maxError)} of ${short(tolerance)} allowed, step ${short(step)}, ` +
      (elements > 0 ? `${elements} elements` : 'a random direction'),
  );
  return [`${colors.green(`${name}: correct`)} (seed ${seed})`, ...rows].join('\n');
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
