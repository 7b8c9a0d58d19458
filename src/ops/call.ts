/** The only place a node is born: operands are converted, dtypes bound, attributes checked and shapes inferred. */
import type { AttrKind, AttrValue } from '../graph/attr.js';
import { dtypes, isDType, type DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, TapelessError, type ErrorDetails } from '../graph/errors.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import { describeTensor } from '../graph/node.js';
import { NDArray, type TensorData } from '../graph/ndarray.js';
import type { Operation } from '../graph/operation.js';
import { CallSite } from '../graph/site.js';
import { Tensor } from '../graph/tensor.js';
import { learn } from './known.js';
import { opDef, type AttrInput, type OpView, type RegisteredOp } from './opdef.js';
import type { ArgDef, AttrDef } from './signature.js';
import type { OpOptions, Operand, TensorConvertible } from './types.js';

type ArgumentInput = Operand | readonly Operand[];
type AttrInputs = Readonly<Record<string, AttrInput>>;

/** Enough frames to reach the user's from `call` through functions that do not mark their site themselves. */
const framesToUser = 7;

/**
 * Makes a node of op `type` with one entry of `inputs` for each input argument of its signature. Either everything is
 * made, the constants of data operands included, or nothing is.
 */
export function call(
  type: string,
  inputs: readonly ArgumentInput[],
  attrs: AttrInputs = {},
  options: OpOptions = {},
): Operation {
  const def = opDef(type);
  const graph = graphOf(type, inputs);
  // Captured here: a closure on the captured stack would live as long as the node.
  const site = graph.scope.site ?? CallSite.capture(framesToUser);
  return graph.attempt(() => graph.atSite(() => new NodeBuilder(graph, def, attrs, options).build(inputs), site));
}

/** Output 0 of a new node. */
export function one(type: string, inputs: readonly ArgumentInput[], attrs?: AttrInputs, options?: OpOptions): Tensor {
  return call(type, inputs, attrs, options).outputs[0]!;
}

/** The outputs of a new node. */
export function many(
  type: string,
  inputs: readonly ArgumentInput[],
  attrs?: AttrInputs,
  options?: OpOptions,
): readonly Tensor[] {
  return call(type, inputs, attrs, options).outputs;
}

/**
 * `value` as a tensor: a tensor stays what it is, a variable is read, slices become dense, data a constant.
 * @throws DTypeError where it is not, or cannot be, of `dtype`
 * @example
 * convertToTensor([1, 2]).dtype; // 'float32'
 */
export function convertToTensor(value: Operand, dtype?: DType, name?: string): Tensor {
  const tensor = asTensor(value) ?? constantNode(NDArray.from(value as TensorData, dtype), name);
  if (dtype !== undefined && tensor.dtype !== dtype) {
    throw new DTypeError(
      `${describeTensor(tensor)} is not of dtype ${dtype}. Use cast(x, '${dtype}').`,
      tensor.op.details(),
    );
  }
  return tensor;
}

/** Whether `value` stands for a tensor without being one. */
export function isConvertible(value: unknown): value is TensorConvertible {
  return typeof (value as { toTensor?: unknown } | null | undefined)?.toTensor === 'function';
}

function asTensor(value: unknown): Tensor | null {
  if (value instanceof Tensor) return value;
  return isConvertible(value) ? value.toTensor() : null;
}

function constantNode(value: NDArray, name = 'Const'): Tensor {
  return one('Const', [], { value, dtype: value.dtype }, { name });
}

/** The graph of the tensor operands, or the default one. @throws InvalidArgumentError where they belong to several. */
export function graphOf(type: string, inputs: readonly ArgumentInput[]): Graph {
  let first: Tensor | undefined;
  const visit = (value: unknown): void => {
    const operand = value instanceof Tensor ? value : isConvertible(value) ? (value as unknown as Tensor) : undefined;
    if (!operand?.graph) return;
    if (!first) first = operand;
    else if (operand.graph !== first.graph) {
      throw new InvalidArgumentError(`${type}: '${operand.name}' and '${first.name}' belong to different graphs.`, {
        op: type,
      });
    }
  };
  for (const input of inputs) {
    if (Array.isArray(input)) for (const item of input as readonly unknown[]) visit(item);
    else visit(input);
  }
  return first?.graph ?? getDefaultGraph();
}

/** One argument with its operands; data not converted yet is null in `tensors`. */
interface Binding {
  readonly arg: ArgDef;
  readonly operands: readonly Operand[];
  readonly tensors: (Tensor | null)[];
}

class NodeBuilder {
  readonly #graph: Graph;
  readonly #def: RegisteredOp;
  readonly #name: string;
  readonly #attrs: Record<string, AttrValue> = {};

  constructor(graph: Graph, def: RegisteredOp, attrs: AttrInputs, options: OpOptions) {
    this.#graph = graph;
    this.#def = def;
    this.#name = graph.uniqueName(options.name ?? def.name);
    for (const [name, value] of Object.entries(attrs)) this.#setAttr(name, value);
  }

  build(inputs: readonly ArgumentInput[]): Operation {
    const { inputs: args, outputs } = this.#def.parsed;
    if (inputs.length !== args.length) throw this.#invalid(`takes ${args.length} inputs, not ${inputs.length}`);
    const bindings = args.map((arg, i) => this.#bind(arg, inputs[i]!));
    for (const binding of bindings) this.#bindTypes(binding);
    for (const binding of bindings) this.#convertData(binding);
    for (const attr of this.#def.parsed.attrs) this.#complete(attr);
    const op = this.#graph.add({
      name: this.#name,
      type: this.#def.name,
      // Unlike flatMap, concat allocates no room to grow: graphs have millions of such lists.
      inputs: ([] as Tensor[]).concat(...bindings.map((binding) => binding.tensors as Tensor[])),
      attrs: this.#attrs,
      outputDTypes: outputs.flatMap((arg) => this.#dtypesOf(arg)),
      infer: (made) => this.#def.infer(made as OpView),
    });
    learn(op, this.#def);
    return op;
  }

  /** The operands of an argument; what stands for a tensor is converted here, below the node's own name. */
  #bind(arg: ArgDef, input: ArgumentInput): Binding {
    const isList = arg.count !== null || 'list' in arg.type;
    if (isList && !Array.isArray(input)) throw this.#invalid(`'${arg.name}' must be a list of tensors`);
    if (input === null || input === undefined) throw this.#invalid(`'${arg.name}' is ${String(input)}, not a tensor`);
    const operands = isList ? (input as readonly Operand[]) : [input as Operand];
    const tensors = operands.map((value, i) => {
      if (value instanceof Tensor) return value;
      return isConvertible(value)
        ? this.#inside(() => value.toTensor({ name: isList ? `${arg.name}_${i}` : arg.name }))
        : null;
    });
    if (arg.count !== null) this.#setAttr(arg.count, operands.length);
    return { arg, operands, tensors };
  }

  /** Binds the type attrs of an argument to the dtypes of its tensors. */
  #bindTypes({ arg, operands, tensors }: Binding): void {
    if ('list' in arg.type) {
      const types = tensors.map((tensor, i) => tensor?.dtype ?? NDArray.from(operands[i] as TensorData).dtype);
      return this.#setAttr(arg.type.list, types);
    }
    for (const tensor of tensors) {
      if (tensor) this.#bindType(arg, tensor);
    }
  }

  #bindType(arg: ArgDef, tensor: Tensor): void {
    const expected = this.#typeOf(arg);
    if (expected === undefined)
      return this.#setAttr(
        (arg.type as { attr: string }).attr,
        tensor.dtype,
        `'${arg.name}' is ${describeTensor(tensor)}: `,
      );
    if (expected === tensor.dtype) return;
    throw new DTypeError(
      `${this.#title()}: '${arg.name}' is ${describeTensor(tensor)}, but ${expected} is needed` +
        `${'attr' in arg.type ? ` as for the other operands of type ${arg.type.attr}` : ''}. Use cast(x, '${expected}').`,
      this.#details(),
    );
  }

  #convertData({ arg, operands, tensors }: Binding): void {
    const lists = 'list' in arg.type ? (this.#attrs[arg.type.list]!.value as readonly DType[]) : null;
    for (let i = 0; i < tensors.length; i++) {
      if (tensors[i]) continue;
      const name = arg.count === null && !lists ? arg.name : `${arg.name}_${i}`;
      const array = this.#toArray(
        arg,
        operands[i] as TensorData,
        lists?.[i] ?? this.#typeOf(arg) ?? this.#defaultType(arg, operands[i]!),
      );
      tensors[i] = this.#inside(() => constantNode(array, name));
      if ('attr' in arg.type && this.#attrs[arg.type.attr] === undefined)
        this.#setAttr(arg.type.attr, array.dtype, `'${arg.name}': `);
    }
  }

  #toArray(arg: ArgDef, data: TensorData, dtype: DType | undefined): NDArray {
    try {
      return NDArray.from(data, dtype);
    } catch (error) {
      if (!(error instanceof TapelessError)) throw error;
      const Kind = error.constructor as new (message: string, details: ErrorDetails) => TapelessError;
      throw new Kind(`${this.#title()}: '${arg.name}': ${error.message}`, this.#details());
    }
  }

  /** The dtype an argument is bound to so far. */
  #typeOf(arg: ArgDef): DType | undefined {
    if ('fixed' in arg.type) return arg.type.fixed;
    return 'attr' in arg.type ? (this.#attrs[arg.type.attr]?.value as DType | undefined) : undefined;
  }

  #defaultType(arg: ArgDef, data: Operand): DType | undefined {
    if (!('attr' in arg.type)) return undefined;
    const { attr } = arg.type;
    const def = this.#def.parsed.attrs.find(({ name }) => name === attr);
    if (data instanceof NDArray && (def?.allowed ?? [data.dtype]).includes(data.dtype)) return data.dtype;
    if (def?.default) return def.default.value as DType;
    // Numbers become integers where floats are not accepted: indices, axes, shapes.
    return def?.allowed?.includes('int32') && !def.allowed.includes('float32') ? 'int32' : undefined;
  }

  #dtypesOf(arg: ArgDef): readonly DType[] {
    if ('list' in arg.type) return this.#attrs[arg.type.list]!.value as readonly DType[];
    const count = arg.count === null ? 1 : Number(this.#attrs[arg.count]!.value);
    return new Array<DType>(count).fill(this.#typeOf(arg)!);
  }

  #complete(attr: AttrDef): void {
    if (this.#attrs[attr.name] !== undefined) return;
    if (attr.default === null) throw this.#invalid(`attr '${attr.name}' is missing`);
    this.#attrs[attr.name] = attr.default;
  }

  /** Sets an attr to a checked value. Names that begin with an underscore are for the runtime and free. */
  #setAttr(name: string, input: AttrInput, context = ''): void {
    const attr = this.#def.parsed.attrs.find((candidate) => candidate.name === name);
    if (!attr) {
      if (name.startsWith('_')) return void (this.#attrs[name] = input as AttrValue);
      throw this.#invalid(`there is no attr '${name}'`);
    }
    const value = coerceAttr(attr, input);
    if (value === null)
      throw this.#invalid(
        `attr '${name}' must be a ${attr.list ? `list of ${attr.kind}` : attr.kind}, not ${String(input)}`,
      );
    const values = (attr.list ? value.value : [value.value]) as readonly unknown[];
    const bad = attr.allowed && values.find((item) => !attr.allowed!.includes(item as string));
    if (bad !== undefined && bad !== null) {
      const message = `${this.#title()}: ${context}${String(bad)} is not accepted for '${name}': it must be one of ${attr.allowed!.join(', ')}.`;
      throw attr.kind === 'type'
        ? new DTypeError(message, this.#details())
        : new InvalidArgumentError(message, this.#details());
    }
    const least = attr.list ? values.length : value.value;
    if (attr.minimum !== null && (least as number | bigint) < attr.minimum) {
      throw this.#invalid(`'${name}' must be at least ${attr.minimum}, not ${String(least)}`);
    }
    this.#attrs[name] = value;
  }

  /** Names made in `fn` lie below the node's own. */
  #inside<T>(fn: () => T): T {
    return this.#graph.withScope({ name: this.#name }, () => this.#graph.asDefault(fn));
  }

  #title(): string {
    return `${this.#def.name} '${this.#name}'`;
  }

  #details(): ErrorDetails {
    return { op: this.#def.name, nodeName: this.#name, createdAt: this.#graph.scope.site?.toString() };
  }

  #invalid(what: string): InvalidArgumentError {
    return new InvalidArgumentError(`${this.#title()}: ${what}.`, this.#details());
  }
}

/** One value for each dtype: most attrs of most nodes are these. */
const typeAttrs = new Map(dtypes.map(({ name }) => [name, Object.freeze({ kind: 'type', value: name } as const)]));

/** `input` as the value of an attr, or null where it is none. */
function coerceAttr(attr: AttrDef, input: AttrInput): AttrValue | null {
  if (attr.kind === 'type' && !attr.list) return typeAttrs.get(input as DType) ?? null;
  if (!attr.list) {
    const value = coerceScalar(attr.kind, input);
    return value === undefined ? null : ({ kind: attr.kind, value } as AttrValue);
  }
  if (!Array.isArray(input)) return null;
  const values = (input as readonly unknown[]).map((item) => coerceScalar(attr.kind, item));
  return values.includes(undefined)
    ? null
    : ({ kind: 'list', of: attr.kind, value: Object.freeze(values) } as AttrValue);
}

function coerceScalar(kind: AttrKind, input: unknown): unknown {
  switch (kind) {
    case 'int':
      return typeof input === 'bigint' ? input : Number.isInteger(input) ? BigInt(input as number) : undefined;
    case 'float':
      return typeof input === 'number' ? input : undefined;
    case 'bool':
      return typeof input === 'boolean' ? input : undefined;
    case 'string':
      return typeof input === 'string' ? input : undefined;
    case 'type':
      return isDType(input) ? input : undefined;
    case 'shape':
      if (input === null) return null;
      return Array.isArray(input) && input.every((dim) => dim === null || (Number.isInteger(dim) && dim >= 0))
        ? Object.freeze([...(input as number[])])
        : undefined;
    case 'tensor':
      return input instanceof NDArray ? input : undefined;
    case 'func':
      return typeof input === 'object' && input !== null && 'name' in input ? input : undefined;
  }
}
