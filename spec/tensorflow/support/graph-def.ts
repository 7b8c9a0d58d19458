/** Runs of graph_def.py: graphs that TensorFlow wrote, and graphs of ours that it reads. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { printGraph } from '../../../src/graph/print/print.js';
import type { Graph } from '../../../src/graph/graph.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { encodeGraphDef, formatGraphDef } from '../../../src/interop/index.js';
import { encodeArray } from './arrays.js';
import type { EncodedArray } from './worker.js';

const script = fileURLToPath(new URL('../graph_def.py', import.meta.url));

/** What the script prints. */
export function python(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.env.TAPELESS_PYTHON!,
      [script, ...args],
      { maxBuffer: 1 << 28 },
      (error, stdout, stderr) =>
        error ? reject(new Error(`${error.message}\n${stderr.slice(-3000)}`)) : resolve(stdout),
    );
    child.stdin!.end(input);
  });
}

/** What TensorFlow knows of a graph that it wrote. */
export interface Written {
  readonly feeds: { readonly [name: string]: EncodedArray };
  readonly init?: readonly string[];
  readonly train?: readonly string[];
  readonly ys: readonly string[];
  readonly xs: readonly string[];
  readonly after?: readonly string[];
  readonly expected: {
    readonly y: EncodedArray;
    readonly dx?: EncodedArray;
    readonly gradients?: readonly EncodedArray[];
    readonly after?: readonly EncodedArray[];
  };
}

/** What TensorFlow says of a graph of ours. */
export interface Answer {
  /** Whether its own serialisation gives the same bytes, text and JSON. */
  readonly bytes: boolean;
  readonly text: boolean;
  readonly parsed: boolean;
  readonly json: boolean;
  readonly values: { readonly [name: string]: EncodedArray };
  readonly errors: { readonly [name: string]: string };
}

/** Writes a graph of ours in every form, and what to run in it. */
export async function hand(
  folder: string,
  name: string,
  graph: Graph,
  feeds: { readonly [name: string]: NDArray },
  fetches: readonly string[],
  init: readonly string[] = [],
): Promise<void> {
  const def = graph.toGraphDef();
  await writeFile(join(folder, `${name}.pb`), encodeGraphDef(def));
  await writeFile(join(folder, `${name}.pbtxt`), formatGraphDef(def));
  await writeFile(join(folder, `${name}.graph.json`), printGraph(graph, { format: 'json' }));
  const encoded = Object.fromEntries(Object.entries(feeds).map(([key, value]) => [key, encodeArray(value)]));
  await writeFile(join(folder, `${name}.json`), JSON.stringify({ feeds: encoded, fetches, init }));
}

export async function answerOf(folder: string, name: string): Promise<Answer> {
  return JSON.parse(await readFile(join(folder, `${name}.out.json`), 'utf8')) as Answer;
}
