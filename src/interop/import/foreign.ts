/** What nodes give whose op has no record here: by a description of the op, or else as far as the graph tells. */
import type { Attrs, NodeDef } from '../../graph/attr.js';
import { dtypeOfEnum, type DType } from '../../graph/dtype.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import type { ArgProto, OpProto } from '../../graph/graph-def/messages.js';
import type { Shape } from '../../graph/shape.js';
import { findOp } from '../../ops/opdef.js';
import { countTensors, dtypesOf, type ArgDef } from '../../ops/signature.js';

/** An output of a node: how it is spelled in a function body, and what is known of it. */
export interface Output {
  readonly spelled: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Arguments of ops, by the op: what is known of those that have no record here. */
export class OpDescriptions {
  readonly #given: ReadonlyMap<string, OpProto>;

  constructor(ops: readonly OpProto[]) {
    this.#given = new Map(ops.map((op) => [op.name ?? '', op]));
  }

  /** The outputs that nodes of an op have; null where nobody knows. */
  outputs(op: string): readonly ArgDef[] | null {
    return this.#args(op, 'outputs', 'outputArg');
  }

  inputs(op: string): readonly ArgDef[] | null {
    return this.#args(op, 'inputs', 'inputArg');
  }

  #args(op: string, side: 'inputs' | 'outputs', field: 'inputArg' | 'outputArg'): readonly ArgDef[] | null {
    const record = findOp(op);
    if (record) return record.parsed[side];
    const given = this.#given.get(op);
    return given ? (given[field] ?? []).map((arg) => argDef(op, arg)) : null;
  }
}

function argDef(
  op: string,
  { name = '', type = 0, typeAttr = '', numberAttr = '', typeListAttr = '' }: ArgProto,
): ArgDef {
  const count = numberAttr === '' ? null : numberAttr;
  if (typeListAttr !== '') return { name, type: { list: typeListAttr }, count: null };
  if (typeAttr !== '') return { name, type: { attr: typeAttr }, count };
  const fixed = valueDType(type);
  if (!fixed) throw new InvalidArgumentError(`The description of '${op}' gives '${name}' the unknown dtype ${type}.`);
  return { name, type: { fixed }, count };
}

/** A dtype by its number; of a reference to a variable, that of its value. */
export function valueDType(type: number): DType | undefined {
  return dtypeOfEnum(type > 100 ? type - 100 : type);
}

/** The parts of an input: `node`, `node:1`, `node:output:1`. */
export interface Source {
  readonly node: string;
  /** The name of the output's argument, in function bodies. */
  readonly arg: string | null;
  readonly index: number;
}

export function sourceOf(text: string): Source | null {
  const [node = '', second, third, ...rest] = text.split(':');
  const index = third ?? second ?? '0';
  if (node === '' || rest.length > 0 || !/^\d+$/.test(index)) return null;
  return { node, arg: third === undefined ? null : second!, index: Number(index) };
}

/** Where in the outputs of a node `source` is; -1 where the op has no such argument. */
export function positionOf(source: Source, args: readonly ArgDef[], attrs: Attrs): number {
  if (source.arg === null) return source.index;
  let first = 0;
  for (const arg of args) {
    const count = countTensors(arg, attrs);
    if (arg.name === source.arg) return source.index < count ? first + source.index : -1;
    first += count;
  }
  return -1;
}

interface Use {
  readonly source: Source;
  /** What the node that takes it needs, where that is known. */
  readonly dtype: DType | null;
}

/** The uses of outputs among nodes, and what they tell of the nodes. */
export class Uses {
  readonly #uses = new Map<string, Use[]>();
  readonly #descriptions: OpDescriptions;

  constructor(nodes: readonly NodeDef[], others: readonly string[], descriptions: OpDescriptions) {
    this.#descriptions = descriptions;
    for (const def of nodes) {
      const args = descriptions.inputs(def.op);
      const dtypes = args && dtypesOf(args, def.attr);
      const own = def.attr['T'];
      def.input.forEach((text, i) => {
        const known = dtypes ? dtypes[i] : own?.kind === 'type' ? own.value : null;
        if (!text.startsWith('^')) this.#add(text, known ?? null);
      });
    }
    for (const text of others) this.#add(text, null);
  }

  #add(text: string, dtype: DType | null): void {
    const source = sourceOf(text);
    if (!source) return;
    const list = this.#uses.get(source.node);
    if (list) list.push({ source, dtype });
    else this.#uses.set(source.node, [{ source, dtype }]);
  }

  /** The outputs of a node of an op that has no record. */
  outputsOf(def: NodeDef): readonly Output[] {
    const args = this.#descriptions.outputs(def.op);
    const shapes = outputShapes(def.attr) ?? shapeOfSource(def);
    const dtypes = args && dtypesOf(args, def.attr);
    if (args && dtypes) {
      const spelled = args.flatMap((arg) => Array.from({ length: countTensors(arg, def.attr) }, (_, i) => `${arg.name}:${i}`)); // prettier-ignore
      return dtypes.map((dtype, i) => ({ spelled: spelled[i]!, dtype, shape: shapes?.[i] ?? null }));
    }
    return this.#learnt(def, shapes);
  }

  #learnt(def: NodeDef, shapes: readonly Shape[] | null): readonly Output[] {
    const uses = this.#uses.get(def.name) ?? [];
    const listed = listOfTypes(def.attr);
    const own = ownType(def.attr);
    const spellings = spelledOutputs(uses);
    const count = Math.max(spellings.length, shapes?.length ?? 0, listed?.length ?? 0, own === null ? 0 : 1);
    return Array.from({ length: count }, (_, i) => {
      const spelled = spellings[i] ?? `output:${i}`;
      const used = uses.find(({ source, dtype }) => dtype !== null && spellingOf(source) === spelled)?.dtype;
      return { spelled, dtype: used ?? listed?.[i] ?? own ?? 'float32', shape: shapes?.[i] ?? null };
    });
  }
}

const spellingOf = ({ arg, index }: Source): string => (arg === null ? `output:${index}` : `${arg}:${index}`);

/** The outputs that uses name, those of an argument side by side. */
function spelledOutputs(uses: readonly Use[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { source } of uses) {
    const arg = source.arg ?? 'output';
    counts.set(arg, Math.max(counts.get(arg) ?? 0, source.index + 1));
  }
  return [...counts].flatMap(([arg, count]) => Array.from({ length: count }, (_, i) => `${arg}:${i}`));
}

/** Attributes by which TensorFlow's ops say what their outputs are. */
const typeNames = ['Tout', 'output_types', 'out_type', 'output_type', 'DstT', 'Toutput', 'dtype', 'T'];

function listOfTypes(attrs: Attrs): readonly DType[] | null {
  for (const name of typeNames) {
    const attr = attrs[name];
    if (attr?.kind === 'list' && attr.of === 'type') return attr.value;
  }
  return null;
}

function ownType(attrs: Attrs): DType | null {
  for (const name of typeNames) {
    const attr = attrs[name];
    if (attr?.kind === 'type') return attr.value;
  }
  return null;
}

/** Of what takes nothing, such as a variable: its attribute says it. */
function shapeOfSource({ input, attr }: NodeDef): readonly Shape[] | null {
  const own = attr['shape'];
  return own?.kind === 'shape' && input.every((text) => text.startsWith('^')) ? [own.value] : null;
}

/** What `_output_shapes` says. */
export function outputShapes(attrs: Attrs): readonly Shape[] | null {
  const attr = attrs['_output_shapes'];
  return attr?.kind === 'list' && attr.of === 'shape' && attr.value.length > 0 ? attr.value : null;
}
