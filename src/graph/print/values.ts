/** Short readable texts for what nodes carry: attributes, constants, tensor types. */
import type { AttrKind, Attrs, AttrValue } from '../attr.js';
import { float32Text, type Element } from '../elements.js';
import type { NDArray } from '../ndarray.js';
import type { OutputSpec } from '../body.js';
import { formatShape } from '../shape.js';

const elementsShown = 8;
const charactersShown = 60;

/** `float32[2, ?]`. */
export function tensorType(tensor: OutputSpec): string {
  return `${tensor.dtype}${formatShape(tensor.shape)}`;
}

/** `text` in quotes, with line breaks and control characters escaped, cut after a while. */
export function quote(text: string): string {
  return JSON.stringify(text.length > charactersShown ? `${text.slice(0, charactersShown)}…` : text);
}

/** A value in full where it is small, else its first elements and its size. */
export function summarize(array: NDArray): string {
  if (array.size > elementsShown) {
    const first = Array.from({ length: elementsShown - 2 }, (_, i) => formatElement(array.element(i), array));
    return `[${first.join(', ')}, … ${array.size} elements of ${formatShape(array.shape)}]`;
  }
  let next = 0;
  const nest = (axis: number): string => {
    if (axis === array.shape.length) return formatElement(array.element(next++), array);
    return `[${Array.from({ length: array.shape[axis]! }, () => nest(axis + 1)).join(', ')}]`;
  };
  return array.size === 0 ? `[] of ${formatShape(array.shape)}` : nest(0);
}

function formatElement(value: Element, { dtype }: NDArray): string {
  if (typeof value === 'string') return quote(value);
  if (dtype === 'bool') return String(value !== 0);
  if (Object.is(value, -0)) return '-0';
  if (dtype === 'float32' && typeof value === 'number') return String(Number(value.toPrecision(7)));
  if (typeof value === 'object' && 're' in value)
    return `${value.re}${value.im < 0 || Object.is(value.im, -0) ? '-' : '+'}${Math.abs(value.im)}i`;
  return String(value);
}

/** An attribute on one line: `"SAME"`, `true`, `[1, 2]`, `float32`, `[?, 3]`. */
export function formatAttr(attr: AttrValue): string {
  if (attr.kind !== 'list') return formatScalar(attr.kind, attr.value);
  const shown = attr.value.slice(0, elementsShown * 2).map((value) => formatScalar(attr.of, value));
  if (shown.length < attr.value.length) shown.push(`… ${attr.value.length} in all`);
  return `[${shown.join(', ')}]`;
}

function formatScalar(kind: AttrKind, value: unknown): string {
  switch (kind) {
    case 'string':
      return quote(value as string);
    case 'shape':
      return formatShape(value as Parameters<typeof formatShape>[0]);
    case 'tensor':
      return summarize(value as NDArray);
    case 'message':
      return 'of a kind of its own';
    case 'func':
      return `@${(value as { name: string }).name}`;
    case 'float':
      return float32Text(value as number);
    case 'int':
    case 'bool':
    case 'type':
      return String(value);
  }
}

/**
 * Whether a reader learns something from an attribute: one that is false, 0 or empty says little, and dtypes stand with
 * the tensors.
 */
function isTelling(attr: AttrValue, shownTypes: ReadonlySet<string>): boolean {
  if (attr.kind === 'list')
    return attr.value.length > 0 && !(attr.of === 'type' && attr.value.every((t) => shownTypes.has(t)));
  if (attr.kind === 'type') return !shownTypes.has(attr.value);
  return attr.kind === 'shape' || (attr.value !== false && attr.value !== '' && attr.value !== 0n && attr.value !== 0);
}

/** The telling attributes of a node as `name=value`. */
export function attrTexts(attrs: Attrs, inputs: readonly OutputSpec[], outputs: readonly OutputSpec[]): string[] {
  const shownTypes = new Set<string>([...outputs, ...inputs].map(({ dtype }) => dtype));
  const outputShapes = new Set(outputs.map(({ shape }) => formatShape(shape)));
  return Object.entries(attrs)
    .filter(([, attr]) => isTelling(attr, shownTypes) && !(attr.kind === 'shape' && outputShapes.has(formatAttr(attr))))
    .map(([name, attr]) => `${name}=${formatAttr(attr)}`);
}
