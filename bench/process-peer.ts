/** Peers in processes of their own, which take turns. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { printGraph } from '../src/index.js';
import { scriptPeers } from './peers/index.js';
import { stepGraph } from './peers/tapeless-graph.js';
import { Child, unpackResults, type Answer } from './protocol.js';
import { isUnable, type Peer, type Runner, type Unable, type Values, type Workload } from './types.js';

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

export interface ProcessPeer extends Peer {
  close(): void;
}

async function processPeer(
  name: string,
  kind: Peer['kind'],
  child: Child,
  question: (workload: Workload) => Answer | Unable,
): Promise<ProcessPeer> {
  const { version } = await child.ask({ open: true });
  const load = async (workload: Workload): Promise<Runner | Unable> => {
    const asked = question(workload);
    if (isUnable(asked)) return asked;
    const answer = await child.ask({ load: asked['load'] });
    if (isUnable(answer)) return answer;
    return {
      results: async (steps) => unpackResults((await child.ask({ results: steps }))['results']),
      time: async (steps) => Number((await child.ask({ time: steps }))['seconds']),
      close: () => {},
    };
  };
  return { name, kind, version: String(version), load, close: () => child.end() };
}

const scriptOpener =
  (name: string, kind: Peer['kind']) =>
  async (nodeOptions: readonly string[]): Promise<ProcessPeer> => {
    const child = new Child(process.execPath, [
      ...nodeOptions,
      '--import',
      path('../scripts/register-ts-node.js'),
      path('./child.ts'),
      name,
    ]);
    return processPeer(name, kind, child, ({ id }) => ({ load: id }));
  };

/** Of the Pythons that may be there, the first that has `module`. */
export function pythonWith(module: string): string | null {
  const candidates = [process.env['TAPELESS_PYTHON'], path('./.venv/bin/python'), path('../.venv/bin/python')];
  const has = (python: string): boolean =>
    spawnSync(python, ['-c', `import importlib.util as u, sys; sys.exit(u.find_spec('${module}') is None)`]).status ===
    0;
  return candidates.find((python) => python !== undefined && existsSync(python) && has(python)) ?? null;
}

const packed = (values: Readonly<Record<string, Values>>): Answer =>
  Object.fromEntries(
    Object.entries(values).map(([name, { shape, data }]) => [
      name,
      { shape, dtype: data instanceof Float64Array ? 'float64' : 'float32', data: bytesOf(data) },
    ]),
  );
const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');

function pythonQuestion(workload: Workload, code: Unable | string): Answer | Unable {
  if (isUnable(code)) return code;
  const { task } = workload;
  return { load: { task, code, inputs: packed(workload.inputs()), weights: packed(workload.weights()) } };
}

/** TensorFlow gets the very nodes that tapeless runs. */
function tensorflowQuestion(workload: Workload): Answer {
  const { graph, init, fetches, update, feeds } = stepGraph(workload);
  return {
    load: {
      graph: printGraph(graph, { format: 'json' }),
      init: init?.name ?? null,
      update: update?.name ?? null,
      fetches: fetches.map(({ name }) => name),
      feeds: feeds.map(({ name }) => name),
      inputs: packed(workload.inputs()),
    },
  };
}

const pythonOpener =
  (name: string, module: string, mode: string, question: (workload: Workload) => Answer | Unable) =>
  async (): Promise<ProcessPeer | Unable> => {
    const python = pythonWith(module);
    if (python === null) return { unable: `absent: no Python with ${module}` };
    const child = new Child(python, [path('./python/peer.py'), mode], { TF_CPP_MIN_LOG_LEVEL: '3' });
    return processPeer(name, 'python', child, question);
  };

const torchQuestion = (workload: Workload) => pythonQuestion(workload, workload.torch);

const pythonPeers = [
  { name: 'TensorFlow', open: pythonOpener('TensorFlow', 'tensorflow', 'tensorflow', tensorflowQuestion) },
  { name: 'JAX', open: pythonOpener('JAX', 'jax', 'jax', (workload) => pythonQuestion(workload, workload.jax)) },
  { name: 'PyTorch', open: pythonOpener('PyTorch', 'torch', 'torch', torchQuestion) },
  { name: 'torch.compile', open: pythonOpener('torch.compile', 'torch', 'torch-compile', torchQuestion) },
];

/** All peers, in the order of the tables' columns. */
export const peers: readonly {
  readonly name: string;
  /** The others are run only when they are named. */
  readonly byDefault: boolean;
  readonly open: (nodeOptions: readonly string[]) => Promise<ProcessPeer | Unable>;
}[] = [
  ...scriptPeers.map(({ name, kind }) => ({ name, byDefault: kind !== 'own', open: scriptOpener(name, kind) })),
  ...pythonPeers.map((peer) => ({ ...peer, byDefault: true })),
];
