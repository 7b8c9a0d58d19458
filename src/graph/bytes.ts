/** Strings of tensors and attributes are bytes in TensorFlow; here they are text, in which bytes that are no UTF-8 have a place too. */
import { DTypeError } from './errors.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A byte that is no part of UTF-8 stands in text as half a surrogate pair that means nothing else: U+DC80 for 0x80, as Python has it. */
const escapes = 0xdc00;

/**
 * The bytes of a text.
 * @throws DTypeError for half a surrogate pair that stands for no byte
 */
export function bytesOfText(text: string): Uint8Array {
  if (!/\p{Surrogate}/u.test(text)) return encoder.encode(text);
  const parts = text.split(/(\p{Surrogate})/u).map((part, i) => (i % 2 === 0 ? encoder.encode(part) : escaped(part)));
  const bytes = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function escaped(half: string): Uint8Array {
  const byte = half.charCodeAt(0) - escapes;
  if (byte < 0x80 || byte > 0xff)
    throw new DTypeError('A string with half a surrogate pair is no UTF-8 and has no form in a GraphDef.');
  return Uint8Array.of(byte);
}

/** The text of bytes, from which `bytesOfText` makes the same bytes again. */
export function textOfBytes(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return withEscapes(bytes);
  }
}

function withEscapes(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length;) {
    const size = sequenceAt(bytes, i);
    if (size === 0) parts.push(String.fromCharCode(escapes + bytes[i]!));
    else parts.push(decoder.decode(bytes.subarray(i, i + size)));
    i += size || 1;
  }
  return parts.join('');
}

/** How many bytes the character at `i` takes; 0 where there is none. */
function sequenceAt(bytes: Uint8Array, i: number): number {
  const first = bytes[i]!;
  const size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (size < 2) return size;
  try {
    decoder.decode(bytes.subarray(i, i + size));
    return i + size <= bytes.length ? size : 0;
  } catch {
    return 0;
  }
}

const chunk = 0x6000; // a multiple of 3, so that chunks can be encoded one by one

/** Base64 of bytes, in the browser as in Node. */
export function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += chunk) parts.push(btoa(String.fromCharCode(...bytes.subarray(i, i + chunk))));
  return parts.join('');
}
