/** Applying what a call appended to one graph to another. */
import type { Appended } from '../graph/appended.js';
import { functionsNamedIn, type NodeDef } from '../graph/attr.js';
import { dataInputs, type BodyDef, type OutputSpec } from '../graph/body.js';
import { InvalidArgumentError } from '../graph/errors.js';
import { FunctionGraph } from '../graph/function-graph.js';
import { Graph } from '../graph/graph.js';
import { describeTensor } from '../graph/node.js';
import type { Operation } from '../graph/operation.js';
import { sameValue } from '../graph/same.js';
import { rootScope } from '../graph/scope.js';
import { formatShape, shapesEqual } from '../graph/shape.js';
import type { FunctionDef } from '../graph/state.js';
import type { Tensor } from '../graph/tensor.js';
import { call } from './call.js';
import { definitionOf } from './function-def.js';
import { knownOp, type AttrInput } from './opdef.js';
import { restoreVariables } from './restore-variables.js';
import { byArgument, countTensors } from './signature.js';

const fn = 'applyAppended';

/**
 * Appends to `graph` what a call appended to another graph that was equal to it: the same nodes, functions and names, so that both
 * are equal again. Everything is checked as if it were built here; nothing is added where anything does not fit. Gradients of
 * `customGradient` are JavaScript functions and do not come along.
 * @param appended what `transact` or `appendedFromJSON` returned
 * @returns the new operations, oldest first
 * @throws InvalidArgumentError where the graph is another, or has all this already; NotFoundError for an op that is not known
 *   here; GraphFinalizedError
 * @example
 * const h = new Graph();
 * const { appended } = h.transact(() => h.asDefault(() => constant(2, { name: 'x' }).multiply(3)));
 * applyAppended(g, appended).map((op) => op.name); // ['x', 'Mul/y', 'Mul']
 */
export function applyAppended(graph: Graph, appended: Appended): readonly Operation[] {
  if (!(graph instanceof Graph) || graph.root !== graph)
    throw new InvalidArgumentError(`${fn}: the graph is none, or the body of a function.`);
  appended.redo(graph.state);
  const start = graph.version;
  return graph.attempt(() =>
    graph.atSite(() => {
      checkUses(graph, appended);
      graph.withScope({ ...rootScope, site: graph.scope.site }, () => new Replay(graph, appended).run());
      restoreVariables(graph);
      return graph.operations().slice(start);
    }),
  );
}

function checkUses(graph: Graph, { uses, refined }: Appended): void {
  for (const { name, op, dtype, shape } of uses) {
    const tensor = graph.tensor(name);
    if (tensor.op.type === op && tensor.dtype === dtype && shapesEqual(tensor.shape, shape)) continue;
    throw new InvalidArgumentError(
      `${fn}: ${describeTensor(tensor)} is not what a node takes: that was a ${op} of ${dtype}${formatShape(shape)}.`,
      tensor.op.details(),
    );
  }
  for (const [name, shape] of refined) refine(graph.tensor(name), shape);
}

function refine(tensor: Tensor, shape: OutputSpec['shape']): void {
  if (tensor.graph.refineShape(tensor, shape)) return;
  throw new InvalidArgumentError(
    `${fn}: ${describeTensor(tensor)} cannot have the shape ${formatShape(shape)}.`,
    tensor.op.details(),
  );
}

/** Makes it all again. */
class Replay {
  readonly #graph: Graph;
  readonly #appended: Appended;
  /** The functions to come: their bodies are built when the first node that calls them is. */
  readonly #waiting: Map<string, { readonly def: FunctionDef; readonly body: BodyDef }>;
  readonly #shells = new Map<string, FunctionGraph>();

  constructor(graph: Graph, appended: Appended) {
    this.#graph = graph;
    this.#appended = appended;
    this.#waiting = new Map(
      appended.bodies.map((body, i) => [body.name, { def: appended.functions[i]!, body }] as const),
    );
  }

  run(): void {
    const { nodes, forwardOf, outputs, functions, names, collections, start } = this.#appended;
    for (const name of names) {
      if (!this.#graph.reserveName(name)) throw new InvalidArgumentError(`${fn}: the name '${name}' is taken.`);
    }
    nodes.forEach((node, i) => {
      const forward = forwardOf[i] ?? null;
      this.#add(this.#graph, node, outputs[i]!, forward === null ? null : this.#graph.operation(forward));
    });
    for (const name of this.#waiting.keys()) this.#build(name);
    this.#graph.orderFunctions(start.functions, functions.map(({ signature }) => signature.name)); // prettier-ignore
    for (const [collection, name] of collections) {
      this.#graph.operation(name);
      this.#graph.addToCollection(collection, name);
    }
  }

  #add(graph: Graph, node: NodeDef, outputs: readonly OutputSpec[], forwardOp: Operation | null): Operation {
    for (const name of functionsNamedIn(node.attr)) this.#build(name);
    const controls = node.input.filter((text) => text.startsWith('^')).map((text) => graph.operation(text.slice(1)));
    const { site } = this.#graph.scope;
    const scope = {
      ...rootScope,
      device: node.device,
      controllers: [{ inputs: controls, seen: new Set<Operation>() }],
    };
    const op = graph.withScope({ ...scope, forwardOp, site }, () =>
      graph.asDefault(() => call(node.op, operandsOf(graph, node), attrsOf(node), { name: node.name })),
    );
    outputs.forEach(({ shape }, i) => op.outputs[i] && refine(op.outputs[i], shape));
    const same = sameValue(op.def, node) && sameValue(op.outputs.map(({ dtype }) => dtype), outputs.map(({ dtype }) => dtype)); // prettier-ignore
    if (!same)
      throw new InvalidArgumentError(`${fn}: '${node.name}' (${node.op}) does not come out as it was.`, op.details());
    return op;
  }

  /** Builds a function that is to come, and those that its body calls. */
  #build(name: string): void {
    const found = this.#waiting.get(name);
    if (!found) return;
    this.#waiting.delete(name);
    const { def, body } = found;
    const graph = this.#shell(name, body.outer);
    const [captures, inputs] = [new Map(body.captures), new Set(body.inputs)];
    body.nodes.forEach((node, i) => {
      const forward = body.forwardOf[i];
      const op = this.#add(graph, node, body.outputs[i]!, forward ? this.#forward(forward) : null);
      if (!inputs.has(node.name)) return;
      const outside = captures.get(node.name);
      const isThere = outside !== undefined && (body.outer === null || this.#shells.has(body.outer));
      graph.adoptInput(op.outputs[0]!, isThere ? graph.outer.tensor(outside) : null);
    });
    graph.orderInputs(body.inputs.map((input) => graph.operation(input).outputs[0]!));
    graph.setOutputs(body.results.map((result) => graph.tensor(result)));
    const made = definitionOf(graph);
    if (!sameValue(made, def))
      throw new InvalidArgumentError(`${fn}: the function '${name}' does not come out as it was.`);
    this.#graph.addFunction({ def: made, body: graph });
    graph.finalize();
  }

  /** An empty body. What was built inside a function that is none of the library captures nothing. */
  #shell(name: string, outer: string | null): FunctionGraph {
    const shell = new FunctionGraph(name, (outer === null ? null : this.#shells.get(outer)) ?? this.#graph);
    this.#shells.set(name, shell);
    return shell;
  }

  /** The operation of a function, or of the graph; null where the function is none of the library. */
  #forward([name, op]: readonly [fn: string | null, op: string]): Operation | null {
    if (name === null) return this.#graph.operation(op);
    const body = this.#shells.get(name) ?? this.#graph.functions().find((f) => f.def.signature.name === name)?.body;
    return body?.operation(op) ?? null;
  }
}

/** The inputs of a node, each list argument's as a list. */
function operandsOf(graph: Graph, node: NodeDef): readonly (Tensor | readonly Tensor[])[] {
  const tensors = dataInputs(node).map((text) => graph.tensor(text.includes(':') ? text : `${text}:0`));
  const { inputs } = knownOp(node.op).parsed;
  const count = inputs.reduce((sum, arg) => sum + countTensors(arg, node.attr), 0);
  if (count === tensors.length) return byArgument(inputs, node.attr, tensors);
  throw new InvalidArgumentError(`${fn}: '${node.name}' (${node.op}) does not take ${tensors.length} inputs.`);
}

function attrsOf({ attr }: NodeDef): Readonly<Record<string, AttrInput>> {
  const inputs: Record<string, AttrInput> = {};
  for (const name in attr) {
    const value = attr[name]!;
    // A copy: the attribute itself may stand for a JavaScript function of the graph that it comes from.
    inputs[name] = name.startsWith('_') ? Object.freeze({ ...value }) : (value.value as AttrInput);
  }
  return inputs;
}
