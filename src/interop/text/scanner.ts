/** Tokens of protobuf's text format, from bytes. */
import { InvalidArgumentError } from '../../graph/errors.js';

const code = (c: string): number => c.charCodeAt(0);
const [newline, hash, backslash, minus, dot] = [10, code('#'), code('\\'), code('-'), code('.')];

const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isLetter = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95;
const isSpace = (c: number): boolean => c === 32 || (c >= 9 && c <= 13);

/** What stands for one byte after a backslash. */
const simple: ReadonlyMap<number, number> = new Map(
  Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '?': 63, '\\': 92, "'": 39, '"': 34 }).map(
    ([c, byte]) => [code(c), byte],
  ),
);

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

const latin = new TextDecoder('latin1');

export class Scanner {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;

  /** @param what names what is read, for errors */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
    this.#skip();
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Where the next token begins. */
  get position(): number {
    return this.#at;
  }

  /** The next character, which is not taken. */
  peek(): string {
    return this.atEnd ? '' : String.fromCharCode(this.#bytes[this.#at]!);
  }

  /** Takes the next token if it is that character. */
  accept(character: string): boolean {
    if (this.#bytes[this.#at] !== code(character)) return false;
    this.#at++;
    this.#skip();
    return true;
  }

  expect(character: string): void {
    if (!this.accept(character)) throw this.error(`there should be a '${character}', and is ${this.found()}`);
  }

  /** A name; null where there is none. */
  name(): string | null {
    const start = this.#at;
    if (!isLetter(this.#bytes[start] ?? 0)) return null;
    let end = start + 1;
    while (end < this.#bytes.length && (isLetter(this.#bytes[end]!) || isDigit(this.#bytes[end]!))) end++;
    return this.#take(end);
  }

  /** A number or a word that stands for one, with its sign. */
  literal(): string {
    const negative = this.accept('-');
    const start = this.#at;
    let end = start;
    for (; end < this.#bytes.length; end++) {
      const c = this.#bytes[end]!;
      const isSign =
        (c === minus || c === 43) && /[eE]/.test(String.fromCharCode(this.#bytes[end - 1]!)) && end > start;
      if (!isDigit(c) && !isLetter(c) && c !== dot && !(isSign && !this.#isHex(start))) break;
    }
    if (end === start) throw this.error(`there should be a value, and is ${this.found()}`);
    return `${negative ? '-' : ''}${this.#take(end)}`;
  }

  #isHex(start: number): boolean {
    return this.#bytes[start] === 48 && (this.#bytes[start + 1]! | 32) === code('x');
  }

  /** The bytes of strings that stand one after the other; null where there is none. */
  string(): Uint8Array | null {
    let bytes: Uint8Array | null = null;
    for (let quote = this.#bytes[this.#at]; quote === 34 || quote === 39; quote = this.#bytes[this.#at]) {
      const part = this.#quoted(quote);
      bytes = bytes === null ? part : concatenated(bytes, part);
    }
    return bytes;
  }

  #quoted(quote: number): Uint8Array {
    const start = this.#at;
    let end = start + 1;
    for (; this.#bytes[end] !== quote; end++) {
      if (end >= this.#bytes.length || this.#bytes[end] === newline) throw this.error('a string does not end', start);
      if (this.#bytes[end] === backslash) end++;
    }
    const result = new Uint8Array(end - start - 1);
    let size = 0;
    for (let i = start + 1; i < end;) {
      if (this.#bytes[i] === backslash) {
        const [length, ...escaped] = this.#escape(i + 1);
        for (const byte of escaped) result[size++] = byte;
        i += 1 + length!;
      } else result[size++] = this.#bytes[i++]!;
    }
    this.#at = end + 1;
    this.#skip();
    return size === result.length ? result : result.slice(0, size);
  }

  /** How many characters an escape takes, and its bytes. */
  #escape(at: number): readonly number[] {
    const one = simple.get(this.#bytes[at]!);
    if (one !== undefined) return [1, one];
    const text = latin.decode(this.#bytes.subarray(at, at + 9));
    const [octal] = /^[0-7]{1,3}/.exec(text) ?? [];
    if (octal) return [octal.length, this.#byte(parseInt(octal, 8), at)];
    const [, hex] = /^[xX]([0-9a-fA-F]{1,2})/.exec(text) ?? [];
    if (hex) return [hex.length + 1, parseInt(hex, 16)];
    const [, four, eight] = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(text) ?? [];
    const digits = four ?? eight;
    const point = digits === undefined ? NaN : parseInt(digits, 16);
    if (digits === undefined || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      throw this.error(`'\\${text.slice(0, 1)}' is no escape that there is`, at - 1);
    return [digits.length + 1, ...new TextEncoder().encode(String.fromCodePoint(point))];
  }

  #byte(value: number, at: number): number {
    if (value > 255) throw this.error('an octal escape is more than a byte', at - 1);
    return value;
  }

  /** What stands next, for errors. */
  found(): string {
    if (this.atEnd) return 'the end';
    const rest = latin.decode(this.#bytes.subarray(this.#at, this.#at + 20));
    return `'${/^(\w+|.)/s.exec(rest)![0]}'`;
  }

  error(what: string, at = this.#at): InvalidArgumentError {
    let [line, start] = [1, 0];
    for (let i = 0; i < at; i++) {
      if (this.#bytes[i] !== newline) continue;
      line++;
      start = i + 1;
    }
    const column = new TextDecoder().decode(this.#bytes.subarray(start, at)).length + 1;
    return new InvalidArgumentError(`${this.#what}: line ${line}, column ${column}: ${what}.`);
  }

  #take(end: number): string {
    const text = latin.decode(this.#bytes.subarray(this.#at, end));
    this.#at = end;
    this.#skip();
    return text;
  }

  #skip(): void {
    const bytes = this.#bytes;
    for (; this.#at < bytes.length; this.#at++) {
      const c = bytes[this.#at]!;
      if (c === hash) while (this.#at + 1 < bytes.length && bytes[this.#at + 1] !== newline) this.#at++;
      else if (!isSpace(c)) return;
    }
  }
}
