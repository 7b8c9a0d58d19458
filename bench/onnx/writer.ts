/** An ONNX model under construction, as the plain objects that onnx-proto encodes. */
import type * as tl from '../../src/index.js';

type Attribute = number | readonly number[] | { readonly float: number };

interface AttributeProto {
  readonly name: string;
  readonly type: number;
  readonly i?: number;
  readonly f?: number;
  readonly ints?: readonly number[];
}

interface NodeProto {
  readonly opType: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute: readonly AttributeProto[];
}

interface TensorProto {
  readonly name: string;
  readonly dataType: number;
  readonly dims: readonly number[];
  readonly rawData: Uint8Array;
}

interface ValueInfoProto {
  readonly name: string;
  readonly type: {
    readonly tensorType: {
      readonly elemType: number;
      readonly shape: { readonly dim: readonly { readonly dimValue: number }[] };
    };
  };
}

export interface ModelProto {
  readonly irVersion: number;
  readonly opsetImport: readonly { readonly domain: string; readonly version: number }[];
  readonly graph: {
    readonly name: string;
    readonly node: readonly NodeProto[];
    readonly initializer: readonly TensorProto[];
    readonly input: readonly ValueInfoProto[];
    readonly output: readonly ValueInfoProto[];
  };
}

const elementTypes: Readonly<Record<string, number>> = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 };

function elementType(dtype: string): number {
  const type = elementTypes[dtype];
  if (type === undefined) throw new RangeError(`The ONNX models of the bench have no ${dtype}.`);
  return type;
}

const [floatAttribute, intAttribute, intsAttribute] = [1, 2, 7];

function attributeProto(name: string, value: Attribute): AttributeProto {
  if (typeof value === 'number') return { name, type: intAttribute, i: value };
  if ('float' in value) return { name, type: floatAttribute, f: value.float };
  return { name, type: intsAttribute, ints: value };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

export class ModelWriter {
  readonly #constants: ReadonlyMap<string, tl.NDArray>;
  readonly #nodes: NodeProto[] = [];
  readonly #initializers = new Map<string, TensorProto>();
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  /** ONNX names of tensors, where they are not the tensors' own. */
  readonly #names = new Map<string, string>();
  #fresh = 0;

  /** @param constants values of the tensors that depend on no feed */
  constructor(constants: ReadonlyMap<string, tl.NDArray>) {
    this.#constants = constants;
  }

  input(tensor: tl.Tensor): string {
    this.#inputs.push(infoOf(tensor.name, tensor));
    return tensor.name;
  }

  /** An output of its own, so that a tensor may be fetched twice, and constants too. */
  output(tensor: tl.Tensor): string {
    const name = `fetch${this.#outputs.length}`;
    this.#nodes.push({ opType: 'Identity', input: [this.value(tensor)], output: [name], attribute: [] });
    this.#outputs.push(infoOf(name, tensor));
    return name;
  }

  /** The name by which nodes read a tensor. */
  value(tensor: tl.Tensor): string {
    const constant = this.#constants.get(tensor.name);
    if (constant && !this.#initializers.has(tensor.name))
      this.#initialize(tensor.name, constant.dtype, constant.shape, constant.data as unknown as ArrayBufferView);
    return this.#names.get(tensor.name) ?? tensor.name;
  }

  /** The integers that a tensor always has: axes, shapes, sizes. */
  integers(tensor: tl.Tensor): number[] {
    const constant = this.#constants.get(tensor.name);
    if (!constant) throw new RangeError(`'${tensor.name}' is not a constant, and ONNX wants one.`);
    return Array.from(constant.data as ArrayLike<number | bigint>, Number);
  }

  int64s(values: readonly number[]): string {
    const name = `ints_${values.join('_')}`;
    if (!this.#initializers.has(name))
      this.#initialize(name, 'int64', [values.length], BigInt64Array.from(values, BigInt));
    return name;
  }

  /** A scalar of the dtype of `like`. */
  scalar(value: number, like: tl.Tensor): string {
    const name = `${like.dtype}_${value}`;
    const data = like.dtype === 'float64' ? Float64Array.of(value) : Float32Array.of(value);
    if (!this.#initializers.has(name)) this.#initialize(name, like.dtype, [], data);
    return name;
  }

  /** A node whose result has a fresh name. */
  node(opType: string, input: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = `value${this.#fresh++}`;
    const attribute = Object.entries(attributes).map(([name, value]) => attributeProto(name, value));
    this.#nodes.push({ opType, input, output: [output], attribute });
    return output;
  }

  /** Says that `tensor` is what is called `name`. */
  define(tensor: tl.Tensor, name: string): void {
    this.#names.set(tensor.name, name);
  }

  finish(): ModelProto {
    return {
      irVersion: 8,
      opsetImport: [{ domain: '', version: 15 }],
      graph: {
        name: 'step',
        node: this.#nodes,
        initializer: [...this.#initializers.values()],
        input: this.#inputs,
        output: this.#outputs,
      },
    };
  }

  #initialize(name: string, dtype: string, dims: readonly number[], data: ArrayBufferView): void {
    this.#initializers.set(name, { name, dataType: elementType(dtype), dims, rawData: bytesOf(data) });
  }
}

function infoOf(name: string, { dtype, shape }: tl.Tensor): ValueInfoProto {
  const dim = (shape as readonly number[]).map((size) => ({ dimValue: size }));
  return { name, type: { tensorType: { elemType: elementType(dtype), shape: { dim } } } };
}
