/** A user's model: its graph, and what its exports and the graph's nodes are called. */
import { extname } from 'node:path';
import { CallSite } from '../graph/site.js';
import * as tl from '../index.js';
import { collectVariables } from '../interop/import/variables.js';
import { UsageError } from './errors.js';
import { loadModule } from './load-model.js';
import { suggestion } from './names.js';

/** What a name can stand for. */
export type Item = tl.Tensor | tl.Operation | tl.Variable | tl.IndexedSlices;

const graphFiles = ['.pb', '.pbtxt', '.json'];

/** Loads a model; what it prints meanwhile goes to standard error, so that standard output stays what was asked for. */
export async function loadModel(path: string, options: { readonly check: boolean }): Promise<Model> {
  if (graphFiles.includes(extname(path))) return modelOfGraphFile(path);
  const { log, info, debug } = console;
  Object.assign(console, { log: console.error, info: console.error, debug: console.error });
  try {
    return await modelOf(path, await loadModule(path, options));
  } finally {
    Object.assign(console, { log, info, debug });
  }
}

/** The model of a GraphDef: its nodes go by their names. */
async function modelOfGraphFile(path: string): Promise<Model> {
  // Loaded where it is needed: what decodes them takes a while.
  const { readGraphDef } = await import('../interop/files.js');
  const def = await readGraphDef(path);
  const graph = new tl.Graph();
  graph.withScope({ site: CallSite.named(path) }, () => graph.asDefault(() => tl.importGraphDef(def, { name: '' })));
  collectVariables(graph);
  return new Model(path, { items: new Map(), graphs: new Set([graph]), sessions: new Set(), functions: new Map() });
}

/** The model of a module's exports. @throws UsageError where they belong to no graph, to several, or to another library */
export async function modelOf(path: string, exports: Record<string, unknown>): Promise<Model> {
  return new Model(path, await collect(exports));
}

interface Collected {
  readonly items: Map<string, Item>;
  readonly graphs: Set<tl.Graph>;
  readonly sessions: Set<tl.Session>;
  readonly functions: Map<string, (...args: unknown[]) => unknown>;
}

async function collect(exports: Record<string, unknown>): Promise<Collected> {
  const found: Collected = { items: new Map(), graphs: new Set(), sessions: new Set(), functions: new Map() };
  for (const [name, value] of Object.entries(exports)) gather(name, await value, found, 0);
  const main =
    found.functions.get('default') ??
    (found.items.size === 0 && found.functions.size === 1 ? [...found.functions.values()][0] : undefined);
  if (main) {
    const result: unknown = await main();
    if (isRecord(result) && !(result instanceof tl.Graph)) {
      for (const [name, value] of Object.entries(result)) gather(name, value, found, 0);
    } else gather(main.name || 'default', result, found, 0);
  }
  return found;
}

/** Files `value` under `name`, and what plain objects and arrays hold under `name.key`. */
function gather(name: string, value: unknown, found: Collected, depth: number): void {
  if (isItem(value)) {
    found.items.set(name, value);
    found.graphs.add(graphOf(value));
  } else if (value instanceof tl.Graph) found.graphs.add(value);
  else if (value instanceof tl.Session) found.sessions.add(value);
  else if (typeof value === 'function') found.functions.set(name, value as (...args: unknown[]) => unknown);
  else if (isForeign(value)) {
    throw new UsageError(
      `The export '${name}' comes from another copy of tapeless than this command. Run the copy that the model imports, with npx tapeless in its folder.`,
    );
  } else if (depth < 3 && (Array.isArray(value) || isRecord(value))) {
    for (const [key, inner] of Object.entries(value))
      gather(name === 'default' ? key : `${name}.${key}`, inner, found, depth + 1);
  }
}

function isItem(value: unknown): value is Item {
  return (
    value instanceof tl.Tensor ||
    value instanceof tl.Operation ||
    value instanceof tl.Variable ||
    value instanceof tl.IndexedSlices
  );
}

function isForeign(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isRecord(value)) return false;
  return ['Tensor', 'Operation', 'Variable', 'Graph', 'Session'].includes(value.constructor?.name) && 'graph' in value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

export function graphOf(item: Item): tl.Graph {
  return item instanceof tl.IndexedSlices ? item.values.graph : item.graph;
}

/** The one graph of a model, and its names. Names of exports come before those of the graph. */
export class Model {
  readonly path: string;
  readonly graph: tl.Graph;
  readonly #items: ReadonlyMap<string, Item>;
  readonly #sessions: readonly tl.Session[];
  readonly #functions: readonly string[];
  #variables: ReadonlyMap<string, tl.Variable> | undefined;

  constructor(path: string, { items, graphs, sessions, functions }: Collected) {
    this.path = path;
    this.#items = items;
    this.#sessions = [...sessions];
    this.#functions = [...functions.keys()];
    if (graphs.size > 1) throw new UsageError(`${path} exports parts of ${graphs.size} graphs; export those of one.`);
    this.graph = [...graphs][0] ?? tl.getDefaultGraph();
    if (this.graph.version === 0 && graphFiles.includes(extname(path))) throw new UsageError(`${path} has no nodes.`);
    if (this.graph.version === 0) {
      throw new UsageError(
        `${path} makes no graph: export a tensor or operation, a graph, or by default a function that returns some.`,
      );
    }
  }

  /** The exports by name. */
  get items(): ReadonlyMap<string, Item> {
    return this.#items;
  }

  /** The session of the graph that is exported; null where none is. @throws UsageError where several are */
  get session(): tl.Session | null {
    const own = this.#sessions.filter((session) => session.graph === this.graph);
    if (own.length > 1) throw new UsageError(`${this.path} exports ${own.length} sessions; export one.`);
    return own[0] ?? null;
  }

  get variables(): readonly tl.Variable[] {
    return [...this.#variablesByName().values()];
  }

  /** What `name` stands for: an export, a variable, an operation or a tensor. @throws UsageError with near names */
  item(name: string, option: string): Item {
    const item = this.#items.get(name) ?? this.#variablesByName().get(name) ?? this.#graphElement(name);
    if (item) return item;
    const operations = this.graph.operations().map((op) => op.name);
    if (this.#functions.includes(name)) {
      throw new UsageError(
        `${option}: '${name}' is a function, and only a default export or a model's single function is called.`,
      );
    }
    throw new UsageError(
      `${option}: there is no '${name}' in ${this.path}.${suggestion(name, [...this.#items.keys(), ...operations])}`,
    );
  }

  /** What can be fetched: of a node of a GraphDef that gives one tensor, that tensor. */
  fetch(name: string, option: string): Item {
    const item = this.item(name, option);
    const isNode = item instanceof tl.Operation && graphFiles.includes(extname(this.path));
    return isNode && item.outputs.length === 1 ? item.outputs[0]! : item;
  }

  /** A tensor or variable, of an operation its only output. @throws UsageError where there is none, or several */
  value(name: string, option: string): tl.Tensor | tl.Variable {
    const item = this.item(name, option);
    if (item instanceof tl.IndexedSlices) return tl.convertToTensor(item);
    if (!(item instanceof tl.Operation)) return item;
    if (item.outputs.length === 1) return item.outputs[0]!;
    const outputs = item.outputs.map((tensor) => tensor.name).join(', ');
    throw new UsageError(
      `${option}: '${name}' is an operation (${item.type}) with ${outputs === '' ? 'no outputs' : `several outputs: choose one of ${outputs}`}.`,
    );
  }

  /** What can be differentiated, or differentiated by: slices stay what they are. */
  operand(name: string, option: string): tl.Tensor | tl.Variable | tl.IndexedSlices {
    const item = this.item(name, option);
    return item instanceof tl.IndexedSlices ? item : this.value(name, option);
  }

  operands(names: readonly string[], option: string): (tl.Tensor | tl.Variable | tl.IndexedSlices)[] {
    return names.map((name) => this.operand(name, option));
  }

  values(names: readonly string[], option: string): (tl.Tensor | tl.Variable)[] {
    return names.map((name) => this.value(name, option));
  }

  #graphElement(name: string): Item | undefined {
    const [, operation = name, index] = /^(.+):(\d+)$/.exec(name) ?? [];
    let op: tl.Operation;
    try {
      op = this.graph.operation(operation);
    } catch {
      return undefined;
    }
    if (index === undefined) return op;
    const tensor = op.outputs[Number(index)];
    if (!tensor)
      throw new UsageError(
        `'${operation}' (${op.type}) has ${op.outputs.length} ${op.outputs.length === 1 ? 'output' : 'outputs'}; there is no '${name}'.`,
      );
    return tensor;
  }

  /** By the names of their handles, with and without `:0`. */
  #variablesByName(): ReadonlyMap<string, tl.Variable> {
    if (!this.#variables) {
      const variables = this.graph.asDefault(() => tl.globalVariables());
      this.#variables = new Map(variables.map((variable) => [variable.handle.op.name, variable]));
    }
    return this.#variables;
  }
}
