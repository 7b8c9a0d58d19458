/** Whether two gradient graphs are the same one: walked together from the results backwards. */
import { attrToJS, type AttrValue } from '../../../src/graph/attr.js';
import type { Graph } from '../../../src/graph/graph.js';
import { NDArray } from '../../../src/graph/ndarray.js';
import type { Operation } from '../../../src/graph/operation.js';
import { formatShape, isCompatible, mergeShapes, shapesEqual } from '../../../src/graph/shape.js';
import { Tensor } from '../../../src/graph/tensor.js';
import { arrayDifference, decodeArray } from './arrays.js';
import type { Call, Result } from './recorder.js';
import type { EncodedArray, TensorFlowAttr, TensorFlowNode, TensorFlowResult } from './worker.js';

/** What the comparison saw; added up over a file and printed once. */
export interface Statistics {
  nodes: number;
  /** Nodes of the gradients of control flow, which are each side's own. */
  opaque: number;
  /** Nodes that no result depends on: of them only types and order are compared. */
  unread: number;
  sameName: number;
  calls: number;
  /** Outputs whose static shapes are known better here than in TensorFlow, and worse. */
  better: number;
  worse: number;
  /** Where shapes are known worse, for people to read. */
  readonly notes: Set<string>;
}

export interface TheirCall {
  readonly results: readonly TensorFlowResult[];
  readonly nodes: readonly TensorFlowNode[];
}

/** TensorFlow makes the zeros for unconnected xs outside the scope of the call. */
const outsideScope = /^(zeros|zeros_like|Const)(_\d+)?(\/|$)/;

/** How many outputs of nodes made before `end`, of one name and type on both sides, have shapes better known here. */
export function betterKnown(
  ours: readonly Operation[],
  theirs: readonly TensorFlowNode[],
  end: Operation | null,
): number {
  const named = new Map(theirs.map((node) => [node.name, node]));
  const isBetter = (output: Tensor): boolean => {
    const node = named.get(output.op.name);
    const other = node?.op === output.op.type ? node.outputs[output.index] : undefined;
    if (!other || shapesEqual(output.shape, other[1])) return false;
    const merged = mergeShapes(output.shape, other[1]);
    return merged !== undefined && shapesEqual(merged, output.shape);
  };
  return ours.filter(({ id }) => end === null || id < end.id).flatMap(({ outputs }) => outputs.filter(isBetter)).length;
}

/** Whether TensorFlow calls a node otherwise than by where it makes it. */
export function isMadeOutside(name: string, scope: string): boolean {
  return outsideScope.test(withoutScope(name, scope));
}

function withoutScope(name: string, scope: string): string {
  return scope !== '' && name.startsWith(`${scope}/`) ? name.slice(scope.length + 1) : name;
}

export class StructureError extends Error {
  /** Everything agrees but what nodes are called. */
  readonly onlyName: boolean;

  constructor(message: string, onlyName: boolean) {
    super(message);
    this.onlyName = onlyName;
  }
}

/** Matches the calls of one graph, first to last: later ones build on what earlier ones appended. */
export class Matcher {
  readonly #graph: Graph;
  readonly #statistics: Statistics;
  readonly #theirs = new Map<string, TensorFlowNode>();
  readonly #match = new Map<Operation, string>();
  readonly #back = new Map<string, Operation>();
  readonly #pairs: (readonly [Operation, TensorFlowNode])[] = [];
  #difference: { ours: Operation | null; theirs: string | null; what: string } | null = null;

  constructor(graph: Graph, renamed: Readonly<Record<string, string>>, statistics: Statistics) {
    this.#graph = graph;
    this.#statistics = statistics;
    for (const [ours, theirs] of Object.entries(renamed)) {
      this.#match.set(graph.operation(ours), theirs);
      this.#back.set(theirs, graph.operation(ours));
    }
  }

  /** @throws StructureError with both sides printed */
  compare(ours: Call, theirs: TheirCall): void {
    for (const node of theirs.nodes) this.#theirs.set(node.name, node);
    this.#pairs.length = 0;
    const stack: [Tensor, string][] = [];
    ours.results.forEach((result, i) => this.#results(result, theirs.results[i] ?? null, i, stack));
    this.#walk(stack);
    for (let from = 0; this.#difference === null && from < this.#pairs.length;) {
      const upTo = this.#pairs.length;
      for (; from < upTo; from++) this.#controls(...this.#pairs[from]!, stack);
      this.#walk(stack);
    }
    for (const [op, node] of this.#pairs) this.#colocation(op, node);
    const appended = Array.from({ length: ours.end - ours.first }, (_, i) => this.#graph.at(ours.first + i));
    this.#types(appended, theirs.nodes);
    this.#order(appended, theirs.nodes);
    const onlyName = this.#difference === null;
    for (const [op, node] of this.#pairs) {
      if (op.name !== node.name && !isMadeOutside(node.name, ours.scope))
        this.#differ(op, node.name, `is called ${node.name} by TensorFlow`);
    }
    this.#count(appended, theirs.nodes);
    if (this.#difference) this.#statistics.better += betterKnown(appended, theirs.nodes, this.#difference.ours);
    if (this.#difference) throw new StructureError(this.#report(appended, theirs.nodes), onlyName);
  }

  #differ(ours: Operation | null, theirs: string | null, what: string): void {
    this.#difference ??= { ours, theirs, what };
  }

  #results(ours: Result, theirs: TensorFlowResult, i: number, stack: [Tensor, string][]): void {
    const kind = (x: unknown) =>
      x === null ? 'null' : (x as object) instanceof Tensor || 'tensor' in (x as object) ? 'a tensor' : 'slices';
    if (kind(ours) !== kind(theirs)) {
      return this.#differ(null, null, `result ${i} is ${kind(ours)}, TensorFlow's is ${kind(theirs)}`);
    }
    if (ours === null || theirs === null) return;
    if (ours instanceof Tensor) return void stack.push([ours, (theirs as { tensor: string }).tensor]);
    const { slices } = theirs as { slices: readonly [string, string, string | null] };
    if ((ours.denseShape === null) !== (slices[2] === null))
      return this.#differ(null, null, `result ${i}: one has no dense shape`);
    stack.push([ours.values, slices[0]], [ours.indices, slices[1]]);
    if (ours.denseShape) stack.push([ours.denseShape, slices[2]!]);
  }

  #walk(stack: [Tensor, string][]): void {
    for (let pair = stack.pop(); pair && this.#difference === null; pair = stack.pop()) {
      const [tensor, name] = pair;
      const at = name.lastIndexOf(':');
      if (tensor.index !== Number(name.slice(at + 1))) {
        return this.#differ(
          tensor.op,
          name.slice(0, at),
          `output ${tensor.index} is used, by TensorFlow ${name.slice(at + 1)}`,
        );
      }
      this.#operations(tensor.op, name.slice(0, at), stack);
    }
  }

  #operations(op: Operation, name: string, stack: [Tensor, string][]): void {
    const known = this.#match.get(op);
    const other = this.#back.get(name);
    if (known !== undefined || other !== undefined) {
      if (known !== name || other !== op) {
        this.#differ(
          op,
          name,
          `corresponds to ${known ?? 'nothing'}, and ${name} to ${other?.name ?? 'nothing'}: shared differently`,
        );
      }
      return;
    }
    const node = this.#theirs.get(name);
    this.#match.set(op, name);
    this.#back.set(name, op);
    if (!node) {
      if (op.name !== name) this.#differ(op, name, `stands where TensorFlow has the forward node ${name}`);
      return;
    }
    this.#pairs.push([op, node]);
    const what = nodeDifference(op, node, this.#statistics);
    if (what !== null) return this.#differ(op, name, what);
    op.inputs.forEach((input, i) => stack.push([input, node.inputs[i]!]));
  }

  /** Control inputs are sets; those that the walk has not met are paired by type, oldest first. */
  #controls(op: Operation, node: TensorFlowNode, stack: [Tensor, string][]): void {
    if (op.controlInputs.length !== node.controls.length) {
      const names = op.controlInputs.map((control) => `${control.name} (${control.type})`).join(', ');
      return this.#differ(op, node.name, `has control inputs {${names}}, TensorFlow's {${node.controls.join(', ')}}`);
    }
    const theirs = new Set(node.controls);
    const open = op.controlInputs.filter((control) => {
      const match =
        this.#match.get(control) ??
        (this.#back.has(control.name) || this.#theirs.has(control.name) ? undefined : control.name);
      return match === undefined || !theirs.delete(match);
    });
    for (const control of open.sort((a, b) => a.id - b.id)) {
      const match = [...theirs].find((name) => !this.#back.has(name) && this.#theirs.get(name)?.op === control.type);
      if (match === undefined) {
        return this.#differ(
          op,
          node.name,
          `waits for ${control.name} (${control.type}), TensorFlow's for {${node.controls.join(', ')}}`,
        );
      }
      theirs.delete(match);
      this.#operations(control, match, stack);
    }
  }

  #colocation(op: Operation, node: TensorFlowNode): void {
    const attr = node.attrs['_class'];
    const theirs = attr && 'list' in attr ? ((attr.value ?? []) as string[]) : [];
    const mapped = theirs.map((group) => `loc:@${this.#back.get(group.slice(5))?.name ?? group.slice(5)}`).sort();
    const ours = op.hasAttr('_class') ? [...op.colocationGroups()].sort() : [];
    if (ours.join() !== mapped.join())
      this.#differ(op, node.name, `is colocated with [${ours}], TensorFlow's with [${mapped}]`);
  }

  #types(ours: readonly Operation[], theirs: readonly TensorFlowNode[]): void {
    const count = new Map<string, number>();
    for (const op of ours) count.set(op.type, (count.get(op.type) ?? 0) + 1);
    for (const node of theirs) count.set(node.op, (count.get(node.op) ?? 0) - 1);
    const uneven = [...count].filter(([, n]) => n !== 0).map(([type, n]) => `${n > 0 ? '+' : ''}${n} ${type}`);
    if (uneven.length > 0) this.#differ(null, null, `appended, against TensorFlow: ${uneven.join(', ')}`);
  }

  #order(ours: readonly Operation[], theirs: readonly TensorFlowNode[]): void {
    const at = ours.findIndex((op, i) => op.type !== theirs[i]?.op);
    if (at >= 0) this.#differ(ours[at]!, theirs[at]?.name ?? null, 'is made where TensorFlow makes another node');
  }

  #count(ours: readonly Operation[], theirs: readonly TensorFlowNode[]): void {
    const { length } = this.#pairs;
    this.#statistics.calls++;
    this.#statistics.nodes += length;
    this.#statistics.unread += Math.max(ours.length, theirs.length) - length;
    this.#statistics.sameName += this.#pairs.filter(([op, node]) => op.name === node.name).length;
  }

  #report(ours: readonly Operation[], theirs: readonly TensorFlowNode[]): string {
    const { ours: op, theirs: name, what } = this.#difference!;
    const mark = (line: string, marked: boolean) => `${marked ? '→ ' : '  '}${line}`;
    return [
      op ? `'${op.name}' ${what}` : what,
      'ours:',
      ...ours.map((o) => mark(ourLine(o), o === op)),
      ...(op && !ours.includes(op) ? [mark(ourLine(op), true)] : []),
      'TensorFlow:',
      ...theirs.map((node) => mark(theirLine(node), node.name === name)),
    ].join('\n');
  }
}

/** What a node itself has that the other has not, wiring and colocation aside. */
export function nodeDifference(op: Operation, node: TensorFlowNode, statistics: Statistics): string | null {
  if (op.type !== node.op) return `is ${op.type}, TensorFlow's is ${node.op}`;
  if (op.inputs.length !== node.inputs.length)
    return `has ${op.inputs.length} inputs, TensorFlow's ${node.inputs.length}`;
  if (op.device !== node.device) return `is on '${op.device}', TensorFlow's on '${node.device}'`;
  for (const name of new Set([...Object.keys(op.def.attr), ...Object.keys(node.attrs)])) {
    if (name.startsWith('_') && name !== '_gradient_op_type') continue;
    const [a, b] = [op.def.attr[name], node.attrs[name]];
    const difference = attrDifference(a, b);
    if (difference) return `attr ${name}: ${difference}`;
  }
  op.outputs.forEach((output, i) => {
    const theirs = node.outputs[i]![1];
    if (shapesEqual(output.shape, theirs)) return;
    const merged = mergeShapes(output.shape, theirs);
    if (merged !== undefined && shapesEqual(merged, output.shape)) statistics.better++;
    else {
      statistics.worse++;
      statistics.notes.add(
        `shape: ${output.name} (${op.type}) ${formatShape(output.shape)}, TensorFlow ${formatShape(theirs)}`,
      );
    }
  });
  const wrong = op.outputs.find(
    (output, i) => output.dtype !== node.outputs[i]![0] || !isCompatible(output.shape, node.outputs[i]![1]),
  );
  if (!wrong) return null;
  const [dtype, shape] = node.outputs[wrong.index]!;
  return `output ${wrong.index} is ${wrong.dtype}${formatShape(wrong.shape)}, TensorFlow's ${dtype}${formatShape(shape)}`;
}

export function attrDifference(ours: AttrValue | undefined, theirs: TensorFlowAttr | undefined): string | null {
  if (ours === undefined) return `${JSON.stringify(theirs)} in TensorFlow only`;
  if (theirs === undefined) return 'not in TensorFlow';
  if (ours.kind === 'tensor')
    return arrayDifference(ours.value, decodeArray((theirs as { value: EncodedArray }).value));
  if (ours.kind === 'float')
    return Math.fround(ours.value) === Math.fround(Number((theirs as { value: string }).value))
      ? null
      : 'another number';
  const [a, b] = [JSON.stringify(plain(ours)), JSON.stringify('list' in theirs ? (theirs.value ?? []) : theirs.value)];
  return a === b ? null : `${a}, TensorFlow ${b}`;
}

function plain(attr: AttrValue): unknown {
  const item = (value: unknown) => (typeof value === 'bigint' ? String(value) : value);
  if (attr.kind === 'list') return attr.value.map(item);
  return attr.kind === 'func' ? { name: attr.value.name } : item(attr.value);
}

export function ourLine(op: Operation): string {
  const attrs = Object.entries(op.def.attr).map(([name, value]) => `${name}=${short(attrToJS(value))}`);
  return `${op.name} = ${op.type}(${op.def.input.join(', ')}) {${attrs.sort().join(' ')}}${op.device}`;
}

export function theirLine({ name, op, inputs, controls, attrs, device }: TensorFlowNode): string {
  const show = (attr: TensorFlowAttr) => {
    const value = (attr as { value?: unknown }).value;
    return short((value as EncodedArray | undefined)?.dtype ? decodeArray(value as EncodedArray) : value);
  };
  const shown = Object.entries(attrs).map(([key, value]) => `${key}=${show(value)}`);
  return `${name} = ${op}(${[...inputs.map((input) => input.replace(/:0$/, '')), ...controls.map((c) => `^${c}`)].join(', ')}) {${shown.sort().join(' ')}}${device}`;
}

function short(value: unknown): string {
  const data = value instanceof NDArray ? value.toArray() : value;
  return (JSON.stringify(data, (_, x: unknown) => (typeof x === 'bigint' ? String(x) : x)) ?? 'none').slice(0, 60);
}
