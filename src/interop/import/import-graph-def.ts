/** Nodes and functions of a GraphDef, added to a graph. */
import { InvalidArgumentError, NotFoundError } from '../../graph/errors.js';
import type { GraphDef, OpProto } from '../../graph/graph-def/messages.js';
import { getDefaultGraph, type Graph } from '../../graph/graph.js';
import { Operation } from '../../graph/operation.js';
import type { Tensor } from '../../graph/tensor.js';
import { convertToTensor, graphOf } from '../../ops/call.js';
import type { Operand } from '../../ops/types.js';
import { OpDescriptions, sourceOf } from './foreign.js';
import { importFunctions } from './functions.js';
import { nodeDefFrom, renamedNode } from './node-defs.js';
import { ImportedNodes } from './nodes.js';

export interface ImportOptions {
  /** What the names begin with: `import` by default, '' for nothing. */
  readonly name?: string;
  /** What stands in for tensors of the GraphDef (`x:0`, or `x` for the same), and for what nodes wait for (`^x`). */
  readonly inputMap?: { readonly [name: string]: Operand | Operation };
  /** What to return: tensors (`x:0`) and operations (`x`) by their names in the GraphDef. */
  readonly returnElements?: readonly string[];
  /** Descriptions of ops that have no record here, as a SavedModel has them: what their nodes give is otherwise learnt from its use. */
  readonly ops?: readonly OpProto[];
}

const fn = 'importGraphDef';

/**
 * Adds the nodes and functions of a GraphDef to the default graph, or to that of the tensors in `inputMap` (TensorFlow
 * `tf.import_graph_def`). Their order does not matter. Nodes of ops that have no record here are carried: they can be exported again and
 * run by TensorFlow, but not differentiated or run here. Where anything does not fit, nothing is added.
 * @param def the object: of bytes or of text, what `decodeGraphDef` or `parseGraphDef` of tapeless/interop makes
 * @returns what `returnElements` names, in that order
 * @throws InvalidArgumentError, DTypeError or ShapeError where a node could not have been built; NotFoundError where an attribute, or
 *   what an option names, is missing; GraphFinalizedError
 * @example
 * const def = { node: [{ name: 'x', op: 'Placeholder', attr: { dtype: { value: { case: 'type', value: 1 } } } }, { name: 'y', op: 'Square', input: ['x'], attr: { T: { value: { case: 'type', value: 1 } } } }] };
 * const [y] = importGraphDef(def, { inputMap: { x: constant(3) }, returnElements: ['y:0'] });
 * y; // 9
 */
export function importGraphDef(def: GraphDef, options: ImportOptions = {}): readonly (Tensor | Operation)[] {
  checkIsGraphDef(def);
  const { inputMap = {}, name = 'import' } = options;
  const mapped = Object.values(inputMap);
  const operands = mapped.filter((value): value is Operand => !(value instanceof Operation));
  const [operation] = mapped.filter((value) => value instanceof Operation);
  const graph = operands.length > 0 ? graphOf(fn, operands) : (operation?.graph.receiver ?? getDefaultGraph());
  return graph.attempt(() => graph.atSite(() => new GraphImporter(graph, def, options).run(name)));
}

function checkIsGraphDef(def: unknown): asserts def is GraphDef {
  if (typeof def === 'string')
    throw new InvalidArgumentError(`${fn}: this is a text. Use parseGraphDef of tapeless/interop to read it.`);
  if (ArrayBuffer.isView(def) || def instanceof ArrayBuffer)
    throw new InvalidArgumentError(`${fn}: these are bytes. Use decodeGraphDef of tapeless/interop to read them.`);
  if (typeof def !== 'object' || def === null || ('node' in def && !Array.isArray(def.node)))
    throw new InvalidArgumentError(`${fn}: this is no GraphDef: an object with a list 'node' is.`);
}

class GraphImporter {
  readonly #graph: Graph;
  readonly #def: GraphDef;
  readonly #options: ImportOptions;
  readonly #mapped = new Map<string, Tensor>();
  readonly #controls = new Map<string, Operation>();
  readonly #used = new Set<string>();

  constructor(graph: Graph, def: GraphDef, options: ImportOptions) {
    this.#graph = graph;
    this.#def = def;
    this.#options = options;
  }

  run(name: string): readonly (Tensor | Operation)[] {
    const { returnElements = [], ops = [] } = this.#options;
    const prefix = name === '' ? '' : this.#prefix(name);
    this.#graph.withScope({ name: prefix }, () => this.#graph.asDefault(() => this.#readMap()));
    const descriptions = new OpDescriptions(ops);
    const { node = [], library = {}, versions = {} } = this.#def;
    const { producer } = this.#graph.root.state.versions;
    if ((versions.minConsumer ?? 0) > producer)
      throw new InvalidArgumentError(
        `${fn}: the GraphDef needs a TensorFlow of version ${versions.minConsumer} for graphs; this is one of ${producer}.`,
      );
    const renames = importFunctions(this.#graph, library, descriptions);
    const defs = node.map((proto, i) => nodeDefFrom(renamedNode(proto, renames), i));
    const nodes = new ImportedNodes(defs, {
      graph: this.#graph,
      prefix,
      descriptions,
      tensor: (text) => this.#substitute(this.#mapped, normalized(text), text) ?? null,
      control: (control) => this.#substitute(this.#controls, control, `^${control}`) ?? null,
      wanted: returnElements.filter((text) => text.includes(':')),
    });
    this.#checkMapUsed(nodes);
    return returnElements.map((text) => this.#element(text, nodes));
  }

  /** A name that ends in `/` is that of a scope entered before. */
  #prefix(name: string): string {
    return name.endsWith('/') ? name.slice(0, -1) : this.#graph.uniqueName(name);
  }

  #readMap(): void {
    for (const [name, value] of Object.entries(this.#options.inputMap ?? {})) {
      if (name.startsWith('^')) {
        const op = value instanceof Operation ? value : convertToTensor(value).op;
        if (op.graph !== this.#graph)
          throw new InvalidArgumentError(`${fn}: inputMap: '${op.name}', which '${name}' stands for, is in another graph.`); // prettier-ignore
        this.#controls.set(name.slice(1), op);
      } else {
        if (value instanceof Operation)
          throw new InvalidArgumentError(`${fn}: inputMap: '${name}' is a tensor, and '${value.name}' is an operation. Give one of its outputs.`); // prettier-ignore
        if (!sourceOf(name) || name.split(':').length > 2)
          throw new InvalidArgumentError(`${fn}: inputMap: '${name}' names no tensor: names are x:0, x or ^x.`);
        this.#mapped.set(normalized(name), convertToTensor(value));
      }
    }
  }

  #substitute<T>(map: ReadonlyMap<string, T>, key: string, spelled: string): T | undefined {
    const found = map.get(key);
    if (found !== undefined) this.#used.add(spelled.startsWith('^') ? spelled : key);
    return found;
  }

  /** @throws NotFoundError for an entry of the map that is nothing of the GraphDef's */
  #checkMapUsed(nodes: ImportedNodes): void {
    const isThere = (name: string): boolean =>
      name.startsWith('^') ? nodes.operation(name.slice(1)) !== null : nodes.has(name);
    const keys = [...this.#mapped.keys(), ...[...this.#controls.keys()].map((name) => `^${name}`)];
    const missing = keys.filter((name) => !this.#used.has(name) && !isThere(name));
    if (missing.length > 0)
      throw new NotFoundError(`${fn}: inputMap: the GraphDef has nothing called ${missing.map((name) => `'${name}'`).join(', ')}.`); // prettier-ignore
  }

  #element(text: string, nodes: ImportedNodes): Tensor | Operation {
    const isTensor = text.includes(':');
    const found = isTensor ? (this.#mapped.get(text) ?? nodes.tensor(text)) : nodes.operation(text);
    if (!found) throw new NotFoundError(`${fn}: returnElements: the GraphDef has ${isTensor ? 'no tensor' : 'no operation'} '${text}'.`); // prettier-ignore
    return found;
  }
}

/** A tensor's name with its index. */
function normalized(text: string): string {
  return text.includes(':') ? text : `${text}:0`;
}
