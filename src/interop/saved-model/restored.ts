/**
 * Which variable of a graph gets which tensor of its checkpoint: what the operation that restores it says. TensorFlow's savers make it of RestoreV2 nodes, whose
 * outputs are assigned, in the graph itself (version 1) or in a function that it calls (version 2).
 */
import { arrayOf } from '../../graph/graph-def/tensor.js';
import type { FunctionDef, NodeDef } from '../proto/graph_pb.js';
import type { MetaGraphDef } from '../proto/saved_model_pb.js';

/** A tensor of a checkpoint, or a part of it. */
export interface Stored {
  readonly key: string;
  /** TensorFlow's words for the part: the whole shape, then start and length of each dimension; '' for all of it. */
  readonly slice: string;
}

/** By the names of the nodes that make the handles of variables. */
export function restoredVariables({ graphDef, saverDef }: MetaGraphDef): ReadonlyMap<string, Stored> {
  const functions = new Map((graphDef?.library?.function ?? []).map((fn) => [fn.signature?.name ?? '', fn]));
  const found = new Map<string, Stored>();
  const root = saverDef?.restoreOpName.replace(/:0$/, '');
  if (root) collect(new Body(graphDef?.node ?? [], null, new Map()), [root], functions, found);
  return found;
}

/** A node's output, and the nodes among which it is. */
interface Place {
  readonly body: Body;
  readonly node: NodeDef;
  readonly index: number;
}

/** The nodes of a graph, or those of a function with what it is called with. */
class Body {
  readonly #nodes: ReadonlyMap<string, NodeDef>;
  readonly #caller: Body | null;
  readonly #args: ReadonlyMap<string, string>;

  constructor(nodes: readonly NodeDef[], caller: Body | null, args: ReadonlyMap<string, string>) {
    this.#nodes = new Map(nodes.map((node) => [node.name, node]));
    this.#caller = caller;
    this.#args = args;
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  node(name: string): NodeDef | undefined {
    return this.#nodes.get(name);
  }

  /** Where the value of an input comes from: through arguments, and nodes that hand it on. */
  source(input: string | undefined): Place | null {
    return Body.#sourceIn(this, input ?? '');
  }

  static #sourceIn(start: Body, input: string): Place | null {
    let [body, text] = [start, input];
    for (;;) {
      const [name = '', ...rest] = text.split(':');
      const given: string | undefined = body.#args.get(name);
      const node: NodeDef | undefined = body.#nodes.get(name);
      if (given !== undefined) [body, text] = [body.#caller!, given];
      else if (!node) return null;
      else if (node.op === 'Identity') text = node.input[0] ?? '';
      else return { body, node, index: Number(rest.at(-1) ?? 0) };
    }
  }

  /** The body of `fn`, as `node`, which is here, calls it. */
  called(fn: FunctionDef, node: NodeDef): Body {
    const names = (fn.signature?.inputArg ?? []).map((arg) => arg.name);
    return new Body(fn.nodeDef, this, new Map(names.map((name, i) => [name, node.input[i] ?? ''])));
  }
}

/** Looks at all that the nodes `from` depend on. */
function collect(
  body: Body,
  from: readonly string[],
  functions: ReadonlyMap<string, FunctionDef>,
  found: Map<string, Stored>,
): void {
  const reached = new Set(from);
  for (const name of reached) {
    const node = body.node(name);
    if (!node) continue;
    for (const input of node.input) reached.add(input.replace(/^\^/, '').split(':')[0]!);
    if (node.op === 'AssignVariableOp') {
      const handle = body.source(node.input[0])?.node;
      const stored = storedIn(body.source(node.input[1]));
      if (handle && stored) found.set(handle.name, stored);
    }
    for (const { value } of Object.values(node.attr)) {
      const fn = value.case === 'func' ? functions.get(value.value.name) : undefined;
      if (!fn) continue;
      const inner = body.called(fn, node);
      collect(inner, inner.names, functions, found);
    }
  }
}

function storedIn(place: Place | null): Stored | null {
  if (place?.node.op !== 'RestoreV2') return null;
  const [, names, slices] = place.node.input;
  const key = stringsOf(place.body.source(names))[place.index];
  return key === undefined ? null : { key, slice: stringsOf(place.body.source(slices))[place.index] ?? '' };
}

/** The strings of a constant. */
function stringsOf(place: Place | null): readonly string[] {
  const value = place?.node.attr['value']?.value;
  return value?.case === 'tensor' ? (arrayOf(value.value).data as readonly string[]) : [];
}
