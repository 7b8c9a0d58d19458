/**
 * TensorFlow's GraphDef and what it is made of, as plain objects: field for field protobuf's messages, names in camelCase, enums as their
 * numbers, bytes as Uint8Array, 64-bit integers as bigint. A field that is left out has its default.
 */

export interface TensorShapeProto {
  readonly dim?: readonly { readonly size?: bigint; readonly name?: string }[];
  readonly unknownRank?: boolean;
}

export interface TensorProto {
  readonly dtype?: number;
  readonly tensorShape?: TensorShapeProto | undefined;
  readonly versionNumber?: number;
  /** All elements, row by row, little-endian. */
  readonly tensorContent?: Uint8Array;
  // Or the elements one by one; where they are fewer than the shape says, the last one repeats.
  readonly floatVal?: readonly number[];
  readonly doubleVal?: readonly number[];
  readonly intVal?: readonly number[];
  readonly stringVal?: readonly Uint8Array[];
  readonly scomplexVal?: readonly number[];
  readonly int64Val?: readonly bigint[];
  readonly boolVal?: readonly boolean[];
  readonly dcomplexVal?: readonly number[];
  readonly halfVal?: readonly number[];
  readonly uint32Val?: readonly number[];
  readonly uint64Val?: readonly bigint[];
  readonly float8Val?: Uint8Array;
  readonly resourceHandleVal?: readonly object[];
  readonly variantVal?: readonly object[];
}

export interface NameAttrList {
  readonly name?: string;
  readonly attr?: AttrMap;
}

export interface AttrListValue {
  readonly s?: readonly Uint8Array[];
  readonly i?: readonly bigint[];
  readonly f?: readonly number[];
  readonly b?: readonly boolean[];
  readonly type?: readonly number[];
  readonly shape?: readonly TensorShapeProto[];
  readonly tensor?: readonly TensorProto[];
  readonly func?: readonly NameAttrList[];
}

interface AttrCases {
  list: AttrListValue;
  s: Uint8Array;
  i: bigint;
  f: number;
  b: boolean;
  type: number;
  shape: TensorShapeProto;
  tensor: TensorProto;
  placeholder: string;
  func: NameAttrList;
}

/** One value of a kind: `{ value: { case: 'i', value: 3n } }`. */
export interface AttrProto {
  readonly value:
    | { readonly [K in keyof AttrCases]: { readonly case: K; readonly value: AttrCases[K] } }[keyof AttrCases]
    | { readonly case?: undefined; readonly value?: undefined };
}

export type AttrMap = { readonly [name: string]: AttrProto };

export interface NodeProto {
  readonly name?: string;
  readonly op?: string;
  /** `node` or `node:k` for data, then `^node` for control. */
  readonly input?: readonly string[];
  readonly device?: string;
  readonly attr?: AttrMap;
  readonly experimentalDebugInfo?:
    { readonly originalNodeNames?: readonly string[]; readonly originalFuncNames?: readonly string[] } | undefined;
  readonly experimentalType?: FullTypeProto | undefined;
}

export interface FullTypeProto {
  readonly typeId?: number;
  readonly args?: readonly FullTypeProto[];
  readonly attr?:
    | { readonly case: 's'; readonly value: string }
    | { readonly case: 'i'; readonly value: bigint }
    | { readonly case?: undefined; readonly value?: undefined };
}

export interface ArgProto {
  readonly name?: string;
  readonly description?: string;
  readonly type?: number;
  readonly typeAttr?: string;
  readonly numberAttr?: string;
  readonly typeListAttr?: string;
  readonly handleData?: readonly { readonly dtype?: number; readonly shape?: TensorShapeProto | undefined }[];
  readonly isRef?: boolean;
  readonly experimentalFullType?: FullTypeProto | undefined;
}

export interface OpAttrProto {
  readonly name?: string;
  readonly type?: string;
  readonly defaultValue?: AttrProto | undefined;
  readonly description?: string;
  readonly hasMinimum?: boolean;
  readonly minimum?: bigint;
  readonly allowedValues?: AttrProto | undefined;
}

/** What an op, or a function, takes and gives: TensorFlow's OpDef. */
export interface OpProto {
  readonly name?: string;
  readonly inputArg?: readonly ArgProto[];
  readonly outputArg?: readonly ArgProto[];
  readonly attr?: readonly OpAttrProto[];
  readonly summary?: string;
  readonly description?: string;
  readonly isStateful?: boolean;
  readonly controlOutput?: readonly string[];
}

export interface FunctionProto {
  readonly signature?: OpProto | undefined;
  /** The body. Inputs are `argument` or `node:output:index`, then `^node`. */
  readonly nodeDef?: readonly NodeProto[];
  readonly ret?: { readonly [result: string]: string };
  readonly attr?: AttrMap;
  readonly controlRet?: { readonly [output: string]: string };
  readonly argAttr?: { readonly [position: number]: { readonly attr?: AttrMap } };
  readonly resourceArgUniqueId?: { readonly [position: number]: number };
}

export interface LibraryProto {
  readonly function?: readonly FunctionProto[];
  readonly gradient?: readonly { readonly functionName?: string; readonly gradientFunc?: string }[];
  readonly registeredGradients?: readonly { readonly gradientFunc?: string; readonly registeredOpType?: string }[];
}

/** TensorFlow's GraphDef. */
export interface GraphDef {
  readonly node?: readonly NodeProto[];
  readonly library?: LibraryProto | undefined;
  readonly versions?:
    | { readonly producer?: number; readonly minConsumer?: number; readonly badConsumers?: readonly number[] }
    | undefined;
  readonly debugInfo?: Uint8Array;
}
