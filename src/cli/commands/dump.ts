/** `tapeless dump`: a graph, or the gradient nodes appended to it, in any notation. */
import { basename } from 'node:path';
import type { Command } from 'commander';
import { graphDefOfNodes, printLines } from '../../graph/print/print.js';
import { backwardOperations } from '../../graph/print/roles.js';
import * as tl from '../../index.js';
import { UsageError } from '../errors.js';
import { htmlPage } from '../html.js';
import { loadModel, type Model } from '../model.js';
import {
  addGradientFlags,
  checkGradientFlags,
  differentiate,
  wholeNumber,
  type Differentiated,
  type GradientFlags,
} from '../options.js';
import { colors, remark, writeOutput } from '../output.js';
import { drawSvg, type PictureOptions } from '../svg.js';

const formats = ['text', 'json', 'pb', 'pbtxt', 'dot', 'svg', 'html', 'mermaid'] as const;
type Format = (typeof formats)[number];

interface DumpFlags extends GradientFlags {
  readonly onlyGradients?: boolean;
  readonly format?: string;
  readonly output?: string;
  readonly colorBy?: string;
  readonly maxNodes?: number;
  readonly check?: boolean;
}

export function addDump(program: Command): void {
  addGradientFlags(
    program
      .command('dump <model>')
      .description('print the graph of a model, with gradients if --ys and --xs are given'),
  )
    .option('--only-gradients', 'only what the gradients append; as text, a diff')
    .option('-f, --format <format>', `${formats.join(', ')} (by default text, or what -o ends in)`)
    .option('-o, --output <file>', 'write to a file instead of standard output')
    .option('--color-by <what>', "colours in pictures: 'role' (forward, backward) or 'colocation'")
    .option('--max-nodes <n>', 'pictures of more nodes draw name scopes as boxes (svg, html: 1000)', wholeNumber)
    .option('--check', 'report type errors in the model first')
    .addHelpText(
      'after',
      `
Examples:
  tapeless dump model.ts                                       one line a node
  tapeless dump model.ts --ys loss --xs w,b --only-gradients   what gradients() appends
  tapeless dump model.ts --ys loss --xs w,b -o graph.svg       a picture
  tapeless dump model.ts -o graph.pb                           a GraphDef for TensorFlow; also .pbtxt and .json
  tapeless dump graph.pb --ys loss --xs w -o trained.pbtxt     the same with gradients`,
    )
    .action(dump);
}

async function dump(path: string, flags: DumpFlags): Promise<void> {
  const format = chooseFormat(flags);
  if (flags.onlyGradients && !flags.ys) throw new UsageError('--only-gradients needs --ys and --xs.');
  if (flags.colorBy !== undefined && !['role', 'colocation'].includes(flags.colorBy)) {
    throw new UsageError(`--color-by is role or colocation, not '${flags.colorBy}'.`);
  }
  checkGradientFlags(flags);
  const model = await loadModel(path, { check: flags.check ?? false });
  const made = differentiate(model, flags);
  for (const { x, gradient } of made.results) {
    if (gradient === null)
      remark(
        `The gradient for '${x}' is null. To see why: tapeless explain ${path} --ys ${flags.ys!.join(',')} --xs ${x}`,
      );
  }
  const options: PictureOptions = {
    ...(flags.onlyGradients && { nodes: made.appended }),
    colorBy: (flags.colorBy ?? 'role') as 'role' | 'colocation',
    ...(flags.maxNodes !== undefined && { collapseAbove: flags.maxNodes }),
  };
  await writeOutput(await render(model, format, options, flags, made), flags.output);
}

async function render(
  model: Model,
  format: Format,
  options: PictureOptions,
  flags: DumpFlags,
  made: Differentiated,
): Promise<string | Uint8Array> {
  const { graph } = model;
  switch (format) {
    case 'svg':
    case 'html': {
      const { svg, note } = await drawSvg(graph, options);
      if (note !== null) remark(note);
      return format === 'svg' ? svg : htmlPage(svg, basename(model.path), note);
    }
    case 'text': {
      const nodes = flags.onlyGradients && made.diff ? linesOf(made.diff) : printLines(graph, { ...options, format });
      const lines = [...resultLines(flags, made), ...nodes];
      return joinLines(flags.output === undefined && colors.isColorSupported ? colorLines(lines, graph) : lines);
    }
    case 'pb':
    case 'pbtxt': {
      const { encodeGraphDef, formatGraphDef } = await import('../../interop/index.js');
      const def = graphDefOfNodes(graph, options.nodes);
      return format === 'pb' ? encodeGraphDef(def) : formatGraphDef(def);
    }
    case 'dot':
    case 'mermaid':
    case 'json':
      return joinLines(printLines(graph, { ...options, format }));
  }
}

function chooseFormat({ format, output }: DumpFlags): Format {
  const ending = /\.(\w+)$/.exec(output ?? '')?.[1];
  const byEnding: Readonly<Record<string, string>> = { txt: 'text', gv: 'dot', mmd: 'mermaid', htm: 'html' };
  const name = format ?? (ending === undefined ? 'text' : (byEnding[ending] ?? ending));
  if ((formats as readonly string[]).includes(name)) return name as Format;
  if (format === undefined) return 'text';
  throw new UsageError(`--format is ${formats.join(', ')}, not '${format}'.`);
}

/** Which tensors the gradients are. */
function resultLines(flags: DumpFlags, { results }: Differentiated): string[] {
  return results.map(({ x, gradient }) => {
    const names =
      gradient === null
        ? 'null'
        : gradient instanceof tl.Tensor
          ? gradient.name
          : `IndexedSlices(values=${gradient.values.name}, indices=${gradient.indices.name}, denseShape=${gradient.denseShape?.name ?? 'null'})`;
    return `# d(${flags.ys!.join(' + ')}) / d(${x}) = ${names}`;
  });
}

function linesOf(diff: tl.Appended): readonly string[] {
  return String(diff).split('\n').slice(0, -1);
}

/** Names of forward nodes in blue, of backward ones in yellow. */
function colorLines(lines: readonly string[], graph: tl.Graph): string[] {
  const backward = new Set([...backwardOperations(graph)].map((op) => op.name));
  return lines.map((line) => {
    const match = /^((?:\+ )?)(\S+) = ([^(]+)(\(.*)$/s.exec(line);
    if (!match) return colors.dim(line);
    const [, plus, name, type, rest] = match as unknown as [string, string, string, string, string];
    const painted = backward.has(name) ? colors.yellow(name) : colors.cyan(name);
    return `${colors.green(plus)}${painted} = ${colors.bold(type)}${rest}`;
  });
}

function joinLines(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
