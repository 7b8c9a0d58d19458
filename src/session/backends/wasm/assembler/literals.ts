/** Constants of WebAssembly's text format: as short as they can be without losing a bit. */

export function f32Text(view: DataView, at = 0): string {
  const value = view.getFloat32(at, true);
  if (Number.isNaN(value)) return nanText(BigInt(view.getUint32(at, true)), 32, 23n);
  for (let digits = 1; digits < 9; digits++)
    if (Math.fround(Number(value.toPrecision(digits))) === value)
      return numberText(value, Number(value.toPrecision(digits)));
  return numberText(value, Number(value.toPrecision(9)));
}

export function f64Text(view: DataView, at = 0): string {
  const value = view.getFloat64(at, true);
  return Number.isNaN(value) ? nanText(view.getBigUint64(at, true), 64, 52n) : numberText(value, value);
}

/** A vector as floats where all lanes are the same one, and a likely one; else as words. */
export function v128Text(view: DataView): string {
  const words = [0, 4, 8, 12].map((at) => view.getUint32(at, true));
  const [a, b, c, d] = words as [number, number, number, number];
  const isEqual = a === b && b === c && c === d;
  if (isEqual && isLikely(view.getFloat32(0, true))) return `f32x4${` ${f32Text(view)}`.repeat(4)}`;
  if (!isEqual && a === c && b === d && isLikely(view.getFloat64(0, true)))
    return `f64x2${` ${f64Text(view)}`.repeat(2)}`;
  return `i32x4 ${words.map((word) => (word < 1024 ? String(word) : `0x${word.toString(16).padStart(8, '0')}`)).join(' ')}`;
}

/** Small integers would be very small floats, and masks NaNs. */
function isLikely(value: number): boolean {
  return Math.abs(value) > 1e-30 && Math.abs(value) < 1e30;
}

/** `value`, written as the number `short`. */
function numberText(value: number, short: number): string {
  if (Object.is(value, -0)) return '-0';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return String(short);
}

function nanText(bits: bigint, width: number, fraction: bigint): string {
  const payload = bits & ((1n << fraction) - 1n);
  return `${bits >> BigInt(width - 1) ? '-' : ''}nan:0x${payload.toString(16)}`;
}
