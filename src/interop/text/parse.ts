/** Messages from protobuf's text format, by their descriptors. */
import {
  create,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type MessageShape,
} from '@bufbuild/protobuf';
import { reflect, type ReflectMessage, type ScalarValue } from '@bufbuild/protobuf/reflect';
import type { InvalidArgumentError } from '../../graph/errors.js';
import { Scanner } from './scanner.js';

/** How deep messages may lie in each other, as protobuf has it. */
const deepest = 100;

/**
 * The message of a text.
 * @param what names the text in errors
 * @throws InvalidArgumentError with line and column
 */
export function parseText<D extends DescMessage>(schema: D, text: string | Uint8Array, what: string): MessageShape<D> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  const parser = new Parser(new Scanner(bytes, what));
  const message = create(schema);
  parser.fields(reflect(schema, message), '', 0);
  return message;
}

class Parser {
  readonly #scanner: Scanner;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  /** The fields of `message` up to `end`, which is taken; '' for the end of the text. */
  fields(message: ReflectMessage, end: string, depth: number): void {
    const scanner = this.#scanner;
    if (depth > deepest) throw scanner.error(`messages lie more than ${deepest} deep in each other`);
    while (end === '' ? !scanner.atEnd : !scanner.accept(end)) {
      const position = scanner.position;
      const name = scanner.name();
      if (name === null)
        throw scanner.error(`there should be the name of a field${end && ` or '${end}'`}, and is ${scanner.found()}`);
      const field = message.desc.fields.find((candidate) => candidate.name === name);
      if (!field) throw scanner.error(`a ${message.desc.name} has no field '${name}'`, position);
      this.#field(message, field, depth, position);
      if (!scanner.accept(',')) scanner.accept(';');
    }
  }

  #field(message: ReflectMessage, field: DescField, depth: number, position: number): void {
    const scanner = this.#scanner;
    const isMessage = messageOf(field) !== null;
    const colon = scanner.accept(':');
    if (!colon && !isMessage)
      throw scanner.error(`there should be a ':' after '${field.name}', and is ${scanner.found()}`);
    if (field.fieldKind === 'list' || field.fieldKind === 'map') {
      if (!scanner.accept('[')) return this.#add(message, field, depth);
      if (scanner.accept(']')) return;
      do this.#add(message, field, depth);
      while (scanner.accept(','));
      return scanner.expect(']');
    }
    const set = field.oneof ? message.oneofCase(field.oneof) : message.isSet(field) ? field : undefined;
    if (set)
      throw scanner.error(set === field ? `'${field.name}' is there twice` : `'${field.name}' and '${set.name}' exclude each other`, position); // prettier-ignore
    message.set(field, isMessage ? this.#message(messageOf(field)!, depth) : this.#scalar(field));
  }

  #add(message: ReflectMessage, field: DescField & { fieldKind: 'list' | 'map' }, depth: number): void {
    if (field.fieldKind === 'map') return this.#entry(message, field, depth);
    const value = field.listKind === 'message' ? this.#message(field.message, depth) : this.#scalar(field);
    message.get(field).add(value);
  }

  #message(desc: DescMessage, depth: number): ReflectMessage {
    const inner = reflect(desc);
    this.fields(inner, this.#opening(), depth + 1);
    return inner;
  }

  /** Takes what opens a message; gives what closes it. */
  #opening(): string {
    if (this.#scanner.accept('<')) return '>';
    this.#scanner.expect('{');
    return '}';
  }

  #entry(message: ReflectMessage, field: DescField & { fieldKind: 'map' }, depth: number): void {
    const scanner = this.#scanner;
    const end = this.#opening();
    let key: unknown = field.mapKey === ScalarType.STRING ? '' : 0;
    let value: unknown =
      field.mapKind === 'message' ? reflect(field.message) : field.mapKind === 'scalar' && field.scalar === ScalarType.STRING ? '' : 0; // prettier-ignore
    while (!scanner.accept(end)) {
      const position = scanner.position;
      const name = scanner.name();
      const isMessage = name === 'value' && field.mapKind === 'message';
      if (name !== 'key' && name !== 'value') throw scanner.error(`an entry of '${field.name}' has key and value alone`, position); // prettier-ignore
      if (!scanner.accept(':') && !isMessage) scanner.expect(':');
      if (name === 'key') key = this.#value(field.mapKey, null);
      else if (field.mapKind === 'message') value = this.#message(field.message, depth + 1);
      else value = this.#value(field.mapKind === 'scalar' ? field.scalar : null, field.mapKind === 'enum' ? field.enum : null); // prettier-ignore
      if (!scanner.accept(',')) scanner.accept(';');
    }
    message.get(field).set(key, value);
  }

  #scalar(field: DescField): ScalarValue {
    const isEnum = field.fieldKind === 'enum' || (field.fieldKind === 'list' && field.listKind === 'enum');
    return this.#value(isEnum ? null : (field.scalar ?? null), isEnum ? field.enum : null);
  }

  #value(type: ScalarType | null, enumeration: DescEnum | null): ScalarValue {
    const scanner = this.#scanner;
    const position = scanner.position;
    if (type === ScalarType.STRING || type === ScalarType.BYTES) {
      const bytes = scanner.string();
      if (bytes === null) throw scanner.error(`there should be a string, and is ${scanner.found()}`);
      return type === ScalarType.BYTES ? bytes : utf8(bytes, () => scanner.error('a string is no UTF-8', position));
    }
    const literal = scanner.literal();
    const fail = (what: string): InvalidArgumentError => scanner.error(`'${literal}' is no ${what}`, position);
    if (enumeration) return enumValue(enumeration, literal, fail);
    switch (type) {
      case ScalarType.BOOL:
        return boolean(literal, fail);
      case ScalarType.FLOAT:
      case ScalarType.DOUBLE:
        return type === ScalarType.FLOAT ? Math.fround(float(literal, fail)) : float(literal, fail);
      case ScalarType.INT64:
        return BigInt.asIntN(64, integer(literal, -(2n ** 63n), 2n ** 63n - 1n, fail));
      case ScalarType.UINT64:
        return integer(literal, 0n, 2n ** 64n - 1n, fail);
      case ScalarType.UINT32:
        return Number(integer(literal, 0n, 2n ** 32n - 1n, fail));
      default:
        return Number(integer(literal, -(2n ** 31n), 2n ** 31n - 1n, fail));
    }
  }
}

function messageOf(field: DescField): DescMessage | null {
  if (field.fieldKind === 'message') return field.message;
  if (field.fieldKind === 'map') return field.parent;
  return field.fieldKind === 'list' && field.listKind === 'message' ? field.message : null;
}

type Fail = (what: string) => InvalidArgumentError;

function utf8(bytes: Uint8Array, fail: () => InvalidArgumentError): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail();
  }
}

function enumValue({ name, values }: DescEnum, literal: string, fail: Fail): number {
  if (/^-?\d+$/.test(literal)) return Number(integer(literal, -(2n ** 31n), 2n ** 31n - 1n, fail));
  const found = values.find((value) => value.name === literal);
  if (!found) throw fail(name);
  return found.number;
}

function boolean(literal: string, fail: Fail): boolean {
  if (['true', 'True', 't', '1'].includes(literal)) return true;
  if (['false', 'False', 'f', '0'].includes(literal)) return false;
  throw fail('bool');
}

function float(literal: string, fail: Fail): number {
  const [, sign, digits] = /^(-?)(.*)$/.exec(literal)!;
  const word = digits!.toLowerCase();
  const size = word === 'nan' ? NaN : /^inf(inity)?f?$/.test(word) ? Infinity : null;
  if (size === null && !/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?f?$/.test(word)) throw fail('float');
  const value = size ?? Number(word.replace(/f$/, ''));
  return sign === '-' ? -value : value;
}

function integer(literal: string, least: bigint, most: bigint, fail: Fail): bigint {
  const [, sign, digits] = /^(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/.exec(literal) ?? [];
  if (digits === undefined) throw fail('integer');
  const size = BigInt(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  const value = sign === '-' ? -size : size;
  if (value < least || value > most) throw fail(`integer between ${least} and ${most}`);
  return value;
}
