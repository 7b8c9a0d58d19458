/** Static shapes: lists of dimensions, each known or null, or null where even the rank is unknown. */

export type Dim = number | null;
/** A static shape: `[2, null]` has rank 2 and one unknown dimension; null has unknown rank. */
export type Shape = readonly Dim[] | null;

export function isFullyDefined(shape: Shape): shape is readonly number[] {
  return shape !== null && shape.every((dim) => dim !== null);
}

/** The number of elements, or null where it is not known. */
export function numElements(shape: Shape): number | null {
  if (shape === null) return null;
  if (shape.includes(0)) return 0;
  let size = 1;
  for (const dim of shape) {
    if (dim === null) return null;
    size *= dim;
  }
  return size;
}

/** The number of elements of a known shape. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const dim of shape) size *= dim;
  return size;
}

export function shapesEqual(a: Shape, b: Shape): boolean {
  if (a === b || a === null || b === null) return a === b;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** What is known of a shape that is both `a` and `b`; undefined where they contradict each other. */
export function mergeShapes(a: Shape, b: Shape): Shape | undefined {
  if (a === null) return b;
  if (b === null || a === b) return a;
  if (a.length !== b.length) return undefined;
  let result: readonly Dim[] | undefined = a;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!];
    if (x === y || y === null) continue;
    if (x !== null) return undefined;
    if (result === a) result = [...a];
    (result as Dim[])[i] = y;
  }
  return result;
}

export function isCompatible(a: Shape, b: Shape): boolean {
  return mergeShapes(a, b) !== undefined;
}

/** The shape two operands broadcast to (NumPy's rule); undefined where they cannot. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  if (a === null || b === null) return null;
  if (shapesEqual(a, b)) return a;
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = new Array<Dim>(rank);
  for (let i = 0; i < rank; i++) {
    const x = i < rank - a.length ? 1 : a[i - rank + a.length]!;
    const y = i < rank - b.length ? 1 : b[i - rank + b.length]!;
    if (x === 1) result[i] = y;
    else if (y === 1 || x === y) result[i] = x;
    else if (x === null) result[i] = y;
    else if (y === null) result[i] = x;
    else return undefined;
  }
  return result;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** `[2, ?]`, or `?` for an unknown rank. */
export function formatShape(shape: Shape): string {
  return shape === null ? '?' : `[${shape.map((dim) => dim ?? '?').join(', ')}]`;
}
