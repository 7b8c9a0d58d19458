/** Attributes as calls give them, made values of their kind. */
import type { AttrKind, AttrValue } from '../graph/attr.js';
import { dtypes, isDType, type DType } from '../graph/dtype.js';
import { NDArray } from '../graph/ndarray.js';
import type { AttrInput } from './opdef.js';
import type { AttrDef } from './signature.js';

/** One value for each dtype: most attrs of most nodes are these. */
const typeAttrs = new Map(dtypes.map(({ name }) => [name, Object.freeze({ kind: 'type', value: name } as const)]));

/** `input` as the value of an attr, or null where it is none. */
export function coerceAttr(attr: AttrDef, input: AttrInput): AttrValue | null {
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
      // TensorFlow's are of single precision.
      return typeof input === 'number' ? Math.fround(input) : undefined;
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
    case 'message':
      return undefined;
    case 'func':
      return typeof input === 'object' && input !== null && 'name' in input ? input : undefined;
  }
}

/** The first value of an attr that is not among those allowed. */
export function refused(allowed: readonly string[], attr: AttrValue): string | undefined {
  if (attr.kind === 'list') return (attr.value as readonly string[]).find((item) => !allowed.includes(item));
  return allowed.includes(attr.value as string) ? undefined : (attr.value as string);
}
