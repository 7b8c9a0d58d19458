/** `tapeless explain`: whether gradient flows from y to x, and where it stops. */
import type { Command } from 'commander';
import * as tl from '../../index.js';
import { loadModel, type ModelFlags } from '../model.js';
import { nameList } from '../options.js';
import { colors, writeOutput } from '../output.js';

interface ExplainFlags extends ModelFlags {
  readonly ys: readonly string[];
  readonly xs: readonly string[];
  readonly stopGradients?: readonly string[];
  readonly json?: boolean;
}

const shownSteps = 40;

export function addExplain(program: Command): void {
  program
    .command('explain <model>')
    .description('say whether y depends on x by differentiable operations, else where and why the path breaks')
    .requiredOption('--ys <names>', 'what would be differentiated', nameList)
    .requiredOption('--xs <names>', 'what by', nameList)
    .option('--stop-gradients <names>', 'tensors through which nothing is differentiated', nameList)
    .option('--json', 'print one JSON object a line')
    .option('--check', 'report type errors in the model first')
    .addHelpText('after', '\nExample:\n  tapeless explain model.ts --ys loss --xs embeddings')
    .action(explain);
}

async function explain(path: string, flags: ExplainFlags): Promise<void> {
  const model = await loadModel(path, flags);
  const stopGradients = model.values(flags.stopGradients ?? [], '--stop-gradients');
  const lines: string[] = [];
  for (const y of flags.ys) {
    for (const x of flags.xs) {
      const explanation = tl.explainGradient(model.operand(y, '--ys'), model.operand(x, '--xs'), { stopGradients });
      lines.push(flags.json ? json(y, x, explanation) : text(y, x, explanation));
    }
  }
  await writeOutput(`${lines.join('\n')}\n`, undefined);
}

function json(y: string, x: string, { connected, cause, op, createdAt, message, path }: tl.Explanation): string {
  return JSON.stringify({
    y,
    x,
    connected,
    cause,
    op: op?.name ?? null,
    createdAt,
    message,
    path: path.map((step) => step.name),
  });
}

function text(y: string, x: string, explanation: tl.Explanation): string {
  const { connected, path, cause } = explanation;
  const head = connected ? colors.green(`${y} → ${x}: connected`) : colors.red(`${y} → ${x}: not connected (${cause})`);
  const steps = path.map((op) => `  ${op.name} (${op.type}) ${colors.dim(op.createdAt)}`);
  if (steps.length > shownSteps)
    steps.splice(shownSteps / 2, steps.length - shownSteps, `  … ${steps.length - shownSteps} more …`);
  return [head, `  ${explanation.message}`, ...steps].join('\n');
}
