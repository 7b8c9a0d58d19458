/**
 * Whether two gradient graphs are the same one but for the gradients of conditionals, loops and calls, whose nodes are each
 * side's own. What is outside of those is made in the same order on both sides, and compared node by node.
 */
import type { Graph } from '../../../src/graph/graph.js';
import type { Operation } from '../../../src/graph/operation.js';
import { formatShape, mergeShapes, shapesEqual } from '../../../src/graph/shape.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { opDef } from '../../../src/ops/opdef.js';
import type { Call } from './recorder.js';
import {
  betterKnown,
  isMadeOutside,
  nodeDifference,
  ourLine,
  StructureError,
  theirLine,
  type Statistics,
  type TheirCall,
} from './structure.js';
import type { TensorFlowNode, TensorFlowResult } from './worker.js';

/** How TensorFlow calls the zeros that it makes for outputs without gradients, before it asks for the gradient of an operation. */
const ofZeros = /^zeros(_like)?(_\d+)?(\/|$)/;

interface Node {
  readonly name: string;
  readonly inputs: readonly string[];
}

/** Matches the calls of one program, first to last. */
export class FlowMatcher {
  readonly #graph: Graph;
  readonly #statistics: Statistics;
  /** TensorFlow's name for each operation outside of the gradients of control flow, and the operation of each name. */
  readonly #names = new Map<Operation, string>();
  readonly #back = new Map<string, Operation>();
  /** What belongs to the gradients of control flow. */
  readonly #inside = new Set<Operation>();
  readonly #theirInside = new Set<string>();
  /** Where these meet the rest: tensors of ours and TensorFlow's. */
  readonly #edges = new Map<string, string>();
  readonly #edgesBack = new Map<string, string>();
  readonly #nodes = new Map<string, TensorFlowNode>();
  /** What depends on the gradients of control flow. */
  readonly #behind = new Set<string>();
  #again = false;

  constructor(graph: Graph, renamed: Readonly<Record<string, string>>, statistics: Statistics) {
    this.#graph = graph;
    this.#statistics = statistics;
    for (const [ours, theirs] of Object.entries(renamed)) this.#pair(graph.operation(ours), theirs);
  }

  /**
   * Whether gradients of control flow have been differentiated again: what depends on what in them is each side's own, and
   * so is what is found on the way to them.
   */
  get again(): boolean {
    return this.#again;
  }

  /** Whether a node, ours or TensorFlow's, belongs to the gradient of control flow. */
  isInside(name: string): boolean {
    return this.#theirInside.has(name) || [...this.#inside].some((op) => op.name === name);
  }

  /** @throws StructureError with both sides printed */
  compare(ours: Call, theirs: TheirCall): void {
    const appended = Array.from({ length: ours.end - ours.first }, (_, i) => this.#graph.at(ours.first + i));
    for (const node of theirs.nodes) this.#nodes.set(node.name, node);
    const fail = (op: Operation | null, name: string | null, what: string): never => {
      this.#statistics.better += betterKnown(appended, theirs.nodes, op);
      throw new StructureError(report(appended, theirs.nodes, op, name, what), false);
    };
    const prefix = this.#divide(appended, theirs.nodes);
    const [mine, other] = [
      appended.filter((op) => !this.#inside.has(op)),
      theirs.nodes.filter(({ name }) => !this.#theirInside.has(name)),
    ];
    const at = mine.findIndex((op, i) => op.type !== other[i]?.op);
    if (at >= 0) fail(mine[at]!, other[at]?.name ?? null, 'is made where TensorFlow makes another node');
    if (other.length > mine.length) fail(null, other[mine.length]!.name, 'TensorFlow makes one more node');
    mine.forEach((op, i) => this.#pair(op, other[i]!.name));
    mine.forEach((op, i) => {
      const what = this.#difference(op, other[i]!);
      if (what !== null) fail(op, other[i]!.name, what);
    });
    ours.results.forEach((result, i) => {
      const what = this.#resultDifference(result, theirs.results[i] ?? null);
      if (what !== null) fail(null, null, `result ${i} ${what}`);
    });
    mine.forEach((op, i) => {
      if (!op.inputs.some((input) => this.#inside.has(input.op) || this.#behind.has(input.op.name))) return;
      this.#behind.add(op.name).add(other[i]!.name);
    });
    // Zeros are numbered, and those for control flow are each side's own.
    const isRenamed = (op: Operation, name: string) =>
      op.name !== name &&
      !isMadeOutside(name, ours.scope) &&
      !(name.startsWith(prefix) && ofZeros.test(name.slice(prefix.length)));
    const renamed = mine.findIndex((op, i) => isRenamed(op, other[i]!.name));
    this.#statistics.calls++;
    this.#statistics.nodes += mine.length;
    this.#statistics.opaque += appended.length - mine.length;
    this.#statistics.sameName += mine.filter((op, i) => op.name === other[i]!.name).length;
    if (renamed < 0) return;
    const [op, name] = [mine[renamed]!, other[renamed]!.name];
    throw new StructureError(report(appended, theirs.nodes, op, name, `is called ${name} by TensorFlow`), true);
  }

  #pair(op: Operation, name: string): void {
    this.#names.set(op, name);
    this.#back.set(name, op);
  }

  /**
   * Finds what belongs to the gradients of control flow, and what only feeds them with zeros.
   * @returns what the names of the call begin with
   */
  #divide(ours: readonly Operation[], theirs: readonly TensorFlowNode[]): string {
    const forward = (op: Operation): string => this.#names.get(op) ?? op.name;
    const before = new Set(this.#inside);
    const names = new Set<string>(this.#theirInside);
    for (const op of this.#graph.operations()) if (opDef(op.type).functional) names.add(forward(op));
    let prefix = '';
    for (const op of ours) {
      if (op.forwardOp === null) continue;
      if (opDef(op.forwardOp.type).functional || this.#inside.has(op.forwardOp)) this.#inside.add(op);
      if (before.has(op.forwardOp) || this.#behind.has(op.forwardOp.name)) this.#again = true;
      const end = op.name.indexOf(`/${forward(op.forwardOp)}_grad`);
      if (end >= 0) prefix = op.name.slice(0, end + 1);
    }
    const known = new Set(this.#theirInside);
    for (const { name } of theirs) {
      if (prefix === '') prefix = prefixOf(name, new Set([...names, ...this.#behind]));
      const rest = name.startsWith(prefix) ? name.slice(prefix.length) : name;
      for (const { index } of rest.matchAll(/_grad(_\d+)?\//g)) {
        const of = rest.slice(0, index);
        if (names.has(of)) this.#theirInside.add(name);
        if (known.has(of) || this.#behind.has(of)) this.#again = true;
      }
    }
    const nodes = theirs.map(({ name, inputs }) => ({ name, inputs: inputs.map(operationOf) }));
    for (const name of zerosFor(nodes, prefix, this.#theirInside, names)) this.#theirInside.add(name);
    return prefix;
  }

  #difference(op: Operation, node: TensorFlowNode): string | null {
    const own = nodeDifference(op, node, this.#statistics);
    if (own !== null) return own;
    for (const [i, input] of op.inputs.entries()) {
      const what = this.#tensorDifference(input, node.inputs[i]!);
      if (what !== null) return `input ${i}: ${what}`;
    }
    const controls = op.controlInputs.map((control) => this.#nameOf(control)).sort();
    const theirs = node.controls.map((name) => (this.#theirInside.has(name) ? 'control flow' : name)).sort();
    if ([...new Set(controls)].join() !== [...new Set(theirs)].join())
      return `waits for [${controls}], TensorFlow's for [${theirs}]`;
    const attr = node.attrs['_class'];
    const groups = attr && 'list' in attr ? ((attr.value ?? []) as string[]) : [];
    const their = groups.map((group) => (this.#theirInside.has(group.slice(5)) ? 'control flow' : group.slice(5)));
    const our = op.hasAttr('_class')
      ? op.colocationGroups().map((group) => this.#groupName(group.slice('loc:@'.length)))
      : [];
    if ([...our].sort().join() !== [...their].sort().join())
      return `is colocated with [${our}], TensorFlow's with [${their}]`;
    return null;
  }

  #groupName(name: string): string {
    return this.#nameOf(this.#graph.operation(name));
  }

  #nameOf(op: Operation): string {
    return this.#inside.has(op) ? 'control flow' : (this.#names.get(op) ?? op.name);
  }

  /** Tensors out of the gradients of control flow correspond one to one. */
  #tensorDifference(tensor: Tensor, name: string): string | null {
    const operation = operationOf(name);
    const [ours, theirs] = [this.#inside.has(tensor.op), this.#theirInside.has(operation)];
    if (ours !== theirs) return `${tensor.name} corresponds to ${name}, of which one belongs to control flow`;
    if (!ours) {
      const expected = `${this.#names.get(tensor.op) ?? tensor.op.name}:${tensor.index}`;
      return expected === name ? null : `is ${expected}, TensorFlow's is ${name}`;
    }
    const known = this.#edges.get(tensor.name) ?? name;
    const back = this.#edgesBack.get(name) ?? tensor.name;
    if (known !== name || back !== tensor.name)
      return `${tensor.name} corresponds to ${known}, and ${name} to ${back}: shared differently`;
    if (!this.#edges.has(tensor.name)) this.#shape(tensor, name);
    this.#edges.set(tensor.name, name);
    this.#edgesBack.set(name, tensor.name);
    return null;
  }

  /** Notes who knows more of a tensor out of the gradient of control flow. */
  #shape(tensor: Tensor, name: string): void {
    const output = this.#nodes.get(operationOf(name))?.outputs[Number(name.slice(name.lastIndexOf(':') + 1))];
    if (!output || shapesEqual(tensor.shape, output[1])) return;
    const merged = mergeShapes(tensor.shape, output[1]);
    if (merged !== undefined && shapesEqual(merged, tensor.shape)) this.#statistics.better++;
    else {
      this.#statistics.worse++;
      this.#statistics.notes.add(
        `shape: ${tensor.name} ${formatShape(tensor.shape)}, TensorFlow ${formatShape(output[1])}`,
      );
    }
  }

  #resultDifference(ours: Call['results'][number], theirs: TensorFlowResult): string | null {
    if (ours === null || theirs === null) return ours === null && theirs === null ? null : 'is null on one side only';
    if (ours instanceof Tensor && 'tensor' in theirs) return this.#tensorDifference(ours, theirs.tensor);
    if (ours instanceof Tensor || 'tensor' in theirs) {
      const name = 'tensor' in theirs ? theirs.tensor : theirs.slices[0];
      // What comes out of the gradient of control flow may be slices on one side: the sums tell.
      if (this.#inside.has(ours.op) && this.#theirInside.has(operationOf(name))) return null;
      return 'is slices on one side only';
    }
    const parts = [ours.values, ours.indices, ours.denseShape];
    for (const [i, part] of parts.entries()) {
      const name = theirs.slices[i] ?? null;
      if ((part === null) !== (name === null)) return 'has a dense shape on one side only';
      const what = part && this.#tensorDifference(part, name!);
      if (what !== null) return what;
    }
    return null;
  }
}

/** What the name of a node in the gradient of one of these begins with. */
function prefixOf(name: string, flow: ReadonlySet<string>): string {
  const ends = [...flow].map((op) => name.indexOf(`/${op}_grad`)).filter((end) => end >= 0);
  return ends.length > 0 ? name.slice(0, Math.min(...ends) + 1) : '';
}

/** The zeros among the nodes of a call that only the gradients of control flow look at, or nothing where those do not. */
function zerosFor(
  nodes: readonly Node[],
  prefix: string,
  inside: ReadonlySet<string>,
  flow: ReadonlySet<string>,
): ReadonlySet<string> {
  const readers = new Map<string, string[]>();
  for (const { name, inputs } of nodes)
    for (const input of inputs) readers.set(input, [...(readers.get(input) ?? []), name]);
  const found = new Set<string>();
  const isFor = (name: string): boolean => inside.has(name) || found.has(name);
  for (const { name, inputs } of [...nodes].reverse()) {
    if (isFor(name) || !name.startsWith(prefix) || !ofZeros.test(name.slice(prefix.length))) continue;
    const of = readers.get(name) ?? [];
    // Those of other operations may be read by nothing else either, but are made here as well.
    const like = inputs.length === 0 ? of.length > 0 : inputs.some((input) => flow.has(input) || inside.has(input));
    if (like && of.every(isFor)) found.add(name);
  }
  return found;
}

const operationOf = (tensor: string): string => tensor.slice(0, tensor.lastIndexOf(':'));

function report(
  ours: readonly Operation[],
  theirs: readonly TensorFlowNode[],
  op: Operation | null,
  name: string | null,
  what: string,
): string {
  const mark = (line: string, marked: boolean) => `${marked ? '→ ' : '  '}${line}`;
  return [
    op ? `'${op.name}' ${what}` : what,
    'ours:',
    ...ours.map((o) => mark(ourLine(o), o === op)),
    'TensorFlow:',
    ...theirs.map((node) => mark(theirLine(node), node.name === name)),
  ].join('\n');
}
