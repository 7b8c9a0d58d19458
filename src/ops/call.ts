/** The only place a node is born: operands are converted, dtypes bound, attributes checked and shapes inferred. */
import type { AttrValue } from '../graph/attr.js';
import type { DType } from '../graph/dtype.js';
import { DTypeError, InvalidArgumentError, TapelessError, type ErrorDetails } from '../graph/errors.js';
import { hintOnBody } from '../graph/function-graph.js';
import { getDefaultGraph, type Graph } from '../graph/graph.js';
import type { TakenName } from '../graph/names.js';
import { describeTensor } from '../graph/node.js';
import { NDArray, type TensorData } from '../graph/ndarray.js';
import type { Operation } from '../graph/operation.js';
import type { Shape } from '../graph/shape.js';
import { CallSite } from '../graph/site.js';
import { Tensor } from '../graph/tensor.js';
import { coerceAttr, refused } from './attr-input.js';
import { captured, effectsBefore, noteEffect } from './capture.js';
import { commonDType, type NodeForm } from './forms.js';
import { learn } from './known.js';
import { knownOp, type AttrInput, type RegisteredOp } from './opdef.js';
import { isList, type ArgDef, type AttrDef } from './signature.js';
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
  const def = knownOp(type);
  const graph = graphOf(type, inputs);
  const build = () => new NodeBuilder(graph, def, attrs, options).build(inputs);
  if (graph.scope.site) return graph.attempt(build);
  // Captured here: a closure on the captured stack would live as long as the node.
  const site = CallSite.capture(framesToUser);
  return graph.attempt(() => graph.atSite(build, site));
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

/**
 * The graph an operation on these operands goes to: the function body being built, where it may capture them; else that of
 * the tensors among them, or the default one.
 * @throws InvalidArgumentError where they belong to several graphs
 */
export function graphOf(type: string, inputs: readonly ArgumentInput[]): Graph {
  const [only] = inputs;
  if (inputs.length === 1 && only instanceof Tensor) return only.op.graph.receiver;
  let first: Tensor | undefined;
  let graph: Graph | undefined;
  const visit = (value: unknown): void => {
    const operand = value instanceof Tensor ? value : isConvertible(value) ? (value as unknown as Tensor) : undefined;
    if (!operand?.graph) return;
    if (!first || !graph) [first, graph] = [operand, operand.graph.receiver];
    else if (operand.graph !== graph && !graph.reaches(operand.graph)) {
      throw new InvalidArgumentError(
        `${type}: '${operand.name}' and '${first.name}' belong to different graphs.${hintOnBody(operand) || hintOnBody(first)}`,
        { op: type },
      );
    }
  };
  for (const input of inputs) {
    if (Array.isArray(input)) for (const item of input as readonly unknown[]) visit(item);
    else visit(input);
  }
  return graph ?? getDefaultGraph();
}

/** Operands one by one, and beside each the argument it belongs to. */
interface Spread {
  readonly args: readonly ArgDef[];
  readonly operands: readonly Operand[];
}

class NodeBuilder {
  readonly #graph: Graph;
  readonly #def: RegisteredOp;
  readonly #name: TakenName;
  readonly #attrs: Record<string, AttrValue> = {};
  #isBare = true;

  constructor(graph: Graph, def: RegisteredOp, attrs: AttrInputs, options: OpOptions) {
    this.#graph = graph;
    this.#def = def;
    const { name } = options;
    this.#name = name === undefined ? graph.takeName(def.name, def.key) : graph.takeName(name);
    for (const name in attrs) {
      this.#isBare = false;
      this.#setAttr(name, attrs[name]!);
    }
  }

  build(inputs: readonly ArgumentInput[]): Operation {
    const forms = this.#isBare ? this.#def.forms : null;
    const dtype = forms && inputs.length === this.#def.parsed.inputs.length ? commonDType(inputs) : null;
    const form = dtype && forms?.get(dtype);
    if (form) return this.#make((inputs as readonly Tensor[]).map((x) => captured(this.#graph, x)), form); // prettier-ignore
    const made = this.#built(inputs);
    if (dtype) forms?.set(dtype, made.form);
    return this.#make(made.tensors, made.form);
  }

  #built(inputs: readonly ArgumentInput[]): { readonly tensors: readonly Tensor[]; readonly form: NodeForm } {
    const { args, operands } = this.#spread(inputs);
    const given = operands.map((value, i) => this.#given(value, args, i));
    this.#bindTypes(args, operands, given);
    for (let i = 0; i < given.length; i++) given[i] ??= this.#constant(operands[i] as TensorData, args, i);
    for (const attr of this.#def.parsed.attrs) this.#complete(attr);
    return { tensors: given as Tensor[], form: { attrs: this.#attrs, outputDTypes: this.#outputDTypes() } };
  }

  #make(inputs: readonly Tensor[], { attrs, outputDTypes }: NodeForm): Operation {
    const op = this.#graph.add({
      name: this.#name,
      type: this.#def.name,
      inputs,
      controlInputs: effectsBefore(this.#graph, this.#def.effect, inputs),
      attrs,
      outputDTypes,
      infer: this.#def.infer as (op: Operation) => readonly Shape[],
    });
    noteEffect(op, this.#def.effect);
    learn(op, this.#def);
    return op;
  }

  #spread(inputs: readonly ArgumentInput[]): Spread {
    const args = this.#def.parsed.inputs;
    if (inputs.length !== args.length) throw this.#invalid(`takes ${args.length} inputs, not ${inputs.length}`);
    let plain = true;
    for (let i = 0; i < args.length; i++) {
      const [arg, input] = [args[i]!, inputs[i]];
      if (isList(arg)) {
        plain = false;
        if (!Array.isArray(input)) throw this.#invalid(`'${arg.name}' must be a list of tensors`);
        if (arg.count !== null) this.#setAttr(arg.count, input.length);
      } else if (input === null || input === undefined) {
        throw this.#invalid(`'${arg.name}' is ${String(input)}, not a tensor`);
      }
    }
    if (plain) return { args, operands: inputs as readonly Operand[] };
    const lists = inputs.map((input, i) => (isList(args[i]!) ? (input as readonly Operand[]) : [input as Operand]));
    return { args: lists.flatMap((list, i) => list.map(() => args[i]!)), operands: lists.flat() };
  }

  /** An operand that is a tensor, or stands for one: that is converted here, below the node's own name. Null for data. */
  #given(value: Operand, args: readonly ArgDef[], i: number): Tensor | null {
    if (value instanceof Tensor) return captured(this.#graph, value);
    if (!isConvertible(value)) return null;
    return captured(
      this.#graph,
      this.#inside(() => value.toTensor({ name: operandName(args, i) })),
    );
  }

  /** Binds the type attrs to the dtypes of the tensors. */
  #bindTypes(args: readonly ArgDef[], operands: readonly Operand[], given: readonly (Tensor | null)[]): void {
    for (const arg of this.#def.parsed.inputs) {
      if (!('list' in arg.type)) continue;
      const dtypeOf = (value: Operand, i: number) => given[i]?.dtype ?? NDArray.from(value as TensorData).dtype;
      const types = operands.flatMap((value, i) => (args[i] === arg ? [dtypeOf(value, i)] : []));
      this.#setAttr(arg.type.list, types);
    }
    for (let i = 0; i < given.length; i++) {
      if (given[i] && !('list' in args[i]!.type)) this.#bindType(args[i]!, given[i]!);
    }
  }

  #bindType(arg: ArgDef, tensor: Tensor): void {
    const expected = this.#typeOf(arg);
    if (expected === undefined)
      return this.#setAttr(
        (arg.type as { attr: string }).attr,
        tensor.dtype,
        () => `'${arg.name}' is ${describeTensor(tensor)}: `,
      );
    if (expected === tensor.dtype) return;
    throw new DTypeError(
      `${this.#title()}: '${arg.name}' is ${describeTensor(tensor)}, but ${expected} is needed` +
        `${'attr' in arg.type ? ` as for the other operands of type ${arg.type.attr}` : ''}. Use cast(x, '${expected}').`,
      this.#details(),
    );
  }

  /** Data as a constant below the node's own name. */
  #constant(data: TensorData, args: readonly ArgDef[], i: number): Tensor {
    const arg = args[i]!;
    const dtype = this.#typeOf(arg, i - args.indexOf(arg)) ?? this.#defaultType(arg, data);
    const array = this.#toArray(arg, data, dtype);
    const tensor = this.#inside(() => constantNode(array, operandName(args, i)));
    if ('attr' in arg.type && this.#attrs[arg.type.attr] === undefined)
      this.#setAttr(arg.type.attr, array.dtype, () => `'${arg.name}': `);
    return tensor;
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

  /** The dtype that tensor `k` of an argument is bound to so far. */
  #typeOf({ type }: ArgDef, k = 0): DType | undefined {
    if ('fixed' in type) return type.fixed;
    const bound = this.#attrs['attr' in type ? type.attr : type.list]?.value;
    return 'attr' in type ? (bound as DType | undefined) : (bound as readonly DType[])[k];
  }

  #defaultType(arg: ArgDef, data: Operand): DType | undefined {
    if (!('attr' in arg.type)) return undefined;
    const { attr } = arg.type;
    const def = this.#def.parsed.attrOf.get(attr);
    if (data instanceof NDArray && (def?.allowed ?? [data.dtype]).includes(data.dtype)) return data.dtype;
    if (def?.default) return def.default.value as DType;
    // Numbers become integers where floats are not accepted: indices, axes, shapes.
    return def?.allowed?.includes('int32') && !def.allowed.includes('float32') ? 'int32' : undefined;
  }

  #outputDTypes(): readonly DType[] {
    const { outputs } = this.#def.parsed;
    return outputs.length === 1 ? this.#dtypesOf(outputs[0]!) : outputs.flatMap((arg) => this.#dtypesOf(arg));
  }

  #dtypesOf(arg: ArgDef): readonly DType[] {
    if ('list' in arg.type) return this.#attrs[arg.type.list]!.value as readonly DType[];
    const dtype = this.#typeOf(arg)!;
    return arg.count === null ? [dtype] : new Array<DType>(Number(this.#attrs[arg.count]!.value)).fill(dtype);
  }

  #complete(attr: AttrDef): void {
    if (this.#attrs[attr.name] !== undefined) return;
    if (attr.default === null) throw this.#invalid(`attr '${attr.name}' is missing`);
    this.#attrs[attr.name] = attr.default;
  }

  /** Sets an attr to a checked value. Names that begin with an underscore are for the runtime and free. */
  #setAttr(name: string, input: AttrInput, context = () => ''): void {
    const attr = this.#def.parsed.attrOf.get(name);
    if (!attr) {
      if (name.startsWith('_')) return void (this.#attrs[name] = input as AttrValue);
      throw this.#invalid(`there is no attr '${name}'`);
    }
    const value = coerceAttr(attr, input);
    if (value === null)
      throw this.#invalid(
        `attr '${name}' must be a ${attr.list ? `list of ${attr.kind}` : attr.kind}, not ${String(input)}`,
      );
    const bad = attr.allowed && refused(attr.allowed, value);
    if (bad) {
      const message = `${this.#title()}: ${context()}${bad} is not accepted for '${name}': it must be one of ${attr.allowed.join(', ')}.`;
      throw attr.kind === 'type'
        ? new DTypeError(message, this.#details())
        : new InvalidArgumentError(message, this.#details());
    }
    if (attr.minimum !== null) {
      const size = value.kind === 'list' ? value.value.length : Number(value.value);
      if (size < attr.minimum) throw this.#invalid(`'${name}' must be at least ${attr.minimum}, not ${size}`);
    }
    this.#attrs[name] = value;
  }

  /** Names made in `fn` lie below the node's own. */
  #inside<T>(fn: () => T): T {
    return this.#graph.withScope({ name: this.#name.text }, () => this.#graph.asDefault(fn));
  }

  #title(): string {
    return `${this.#def.name} '${this.#name.text}'`;
  }

  #details(): ErrorDetails {
    return { op: this.#def.name, nodeName: this.#name.text, createdAt: this.#graph.scope.site?.toString() };
  }

  #invalid(what: string): InvalidArgumentError {
    return new InvalidArgumentError(`${this.#title()}: ${what}.`, this.#details());
  }
}

/** The constant or conversion of operand `i` is named after its argument, numbered in a list. */
function operandName(args: readonly ArgDef[], i: number): string {
  const arg = args[i]!;
  return isList(arg) ? `${arg.name}_${i - args.indexOf(arg)}` : arg.name;
}
