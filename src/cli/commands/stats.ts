/** `tapeless stats`: how large a graph is, and what it is made of. */
import type { Command } from 'commander';
import { backwardOperations } from '../../graph/print/roles.js';
import * as tl from '../../index.js';
import { loadModel, type Model, type ModelFlags } from '../model.js';
import { addGradientFlags, checkGradientFlags, differentiate, type GradientFlags } from '../options.js';
import { colors, writeOutput } from '../output.js';

interface StatsFlags extends GradientFlags, ModelFlags {
  readonly json?: boolean;
}

export function addStats(program: Command): void {
  addGradientFlags(program.command('stats <model>').description('count operations, constants, variables and depth'))
    .option('--json', 'print one JSON object')
    .option('--check', 'report type errors in the model first')
    .addHelpText('after', '\nExamples:\n  tapeless stats model.ts\n  tapeless stats model.ts --ys loss --xs w,b --json')
    .action(stats);
}

interface Stats {
  readonly operations: number;
  readonly forward: number;
  readonly backward: number;
  readonly edges: number;
  readonly controlEdges: number;
  readonly depth: number;
  readonly components: number;
  readonly constantBytes: number;
  readonly variables: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: string;
    readonly trainable: boolean;
  }[];
  readonly types: Readonly<Record<string, number>>;
}

async function stats(path: string, flags: StatsFlags): Promise<void> {
  checkGradientFlags(flags);
  const model = await loadModel(path, flags);
  differentiate(model, flags);
  const found = measure(model);
  await writeOutput(flags.json ? `${JSON.stringify(found)}\n` : text(found), undefined);
}

function measure(model: Model): Stats {
  const operations = model.graph.operations();
  const backward = backwardOperations(model.graph).size;
  const types = new Map<string, number>();
  let [edges, controlEdges, constantBytes] = [0, 0, 0];
  for (const op of operations) {
    types.set(op.type, (types.get(op.type) ?? 0) + 1);
    edges += op.inputs.length;
    controlEdges += op.controlInputs.length;
    for (const attr of Object.values(op.def.attr)) if (attr.kind === 'tensor') constantBytes += bytesOf(attr.value);
  }
  return {
    operations: operations.length,
    forward: operations.length - backward,
    backward,
    edges,
    controlEdges,
    depth: depthOf(operations),
    components: tl.graphView(model.graph).components().length,
    constantBytes,
    variables: model.variables.map(({ handle, dtype, shape, trainable }) => ({
      name: handle.op.name,
      dtype,
      shape: shape === null ? '?' : `[${(shape as readonly (number | null)[]).map((dim) => dim ?? '?').join(', ')}]`,
      trainable,
    })),
    types: Object.fromEntries([...types].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))),
  };
}

function bytesOf({ data }: tl.NDArray): number {
  if (ArrayBuffer.isView(data)) return data.byteLength;
  return (data as readonly unknown[]).reduce<number>((sum, text) => sum + Buffer.byteLength(String(text)), 0);
}

/** Operations on the longest path: inputs have smaller ids, so one pass does. */
function depthOf(operations: readonly tl.Operation[]): number {
  const depths = new Int32Array(operations.length);
  let deepest = 0;
  for (const op of operations) {
    let depth = 0;
    for (const input of op.inputs) depth = Math.max(depth, depths[input.op.id]!);
    for (const input of op.controlInputs) depth = Math.max(depth, depths[input.id]!);
    depths[op.id] = depth + 1;
    deepest = Math.max(deepest, depth + 1);
  }
  return deepest;
}

function text(found: Stats): string {
  const rows: [string, string][] = [
    ['operations', `${found.operations} (${found.forward} forward, ${found.backward} backward)`],
    ['edges', `${found.edges} data, ${found.controlEdges} control`],
    ['depth', `${found.depth} operations on the longest path`],
    ['components', String(found.components)],
    ['constants', `${found.constantBytes} bytes`],
    ['variables', String(found.variables.length)],
  ];
  const lines = rows.map(([name, value]) => `${colors.bold(name.padEnd(12))}${value}`);
  for (const { name, dtype, shape, trainable } of found.variables)
    lines.push(`  ${name}: ${dtype}${shape}${trainable ? '' : ' (not trainable)'}`);
  lines.push(colors.bold('op types'));
  const width = Math.max(...Object.keys(found.types).map((type) => type.length));
  for (const [type, count] of Object.entries(found.types))
    lines.push(`  ${type.padEnd(width)}  ${String(count).padStart(7)}`);
  return `${lines.join('\n')}\n`;
}
