/** Messages in protobuf's text format, as TensorFlow's Python writes them. */
import {
  create,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import { float32Text } from '../../graph/elements.js';

/** The text of a message in pieces: a few lines each. */
export function* textPieces<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Generator<string> {
  yield* fieldsOf(reflect(schema, create(schema, message)), '');
}

function* fieldsOf(message: ReflectMessage, indent: string): Generator<string> {
  for (const field of [...message.desc.fields].sort((a, b) => a.number - b.number)) {
    if (!message.isSet(field)) continue;
    if (field.fieldKind === 'map') yield* entriesOf(message, field, indent);
    else if (field.fieldKind === 'list') {
      for (const item of message.get(field)) yield* valueOf(field, item, field.name, indent);
    } else yield* valueOf(field, message.get(field), field.name, indent);
  }
}

function* valueOf(field: DescField, value: unknown, name: string, indent: string): Generator<string> {
  const isMessage = field.fieldKind === 'message' || (field.fieldKind === 'list' && field.listKind === 'message');
  if (isMessage) yield* messageText(name, value as ReflectMessage, indent);
  else yield `${indent}${name}: ${scalarText(field.scalar, field.enum, value)}\n`;
}

function* messageText(name: string, message: ReflectMessage, indent: string): Generator<string> {
  yield `${indent}${name} {\n`;
  yield* fieldsOf(message, `${indent}  `);
  yield `${indent}}\n`;
}

function* entriesOf(
  message: ReflectMessage,
  field: DescField & { fieldKind: 'map' },
  indent: string,
): Generator<string> {
  const entries = [...message.get(field)].sort(([a], [b]) => ((a as string) < (b as string) ? -1 : 1));
  for (const [key, value] of entries) {
    yield `${indent}${field.name} {\n`;
    if (!isDefault(key)) yield `${indent}  key: ${scalarText(field.mapKey, undefined, key)}\n`;
    if (field.mapKind === 'message') yield* messageText('value', value as ReflectMessage, `${indent}  `);
    else if (!isDefault(value)) yield `${indent}  value: ${scalarText(field.scalar, field.enum, value)}\n`;
    yield `${indent}}\n`;
  }
}

/** Keys and values of entries that are nothing are left out. */
const isDefault = (value: unknown): boolean => value === 0 || value === 0n || value === '' || value === false;

function scalarText(type: ScalarType | undefined, enumeration: DescEnum | undefined, value: unknown): string {
  if (enumeration) return enumeration.value[value as number]?.name ?? String(value);
  switch (type) {
    case ScalarType.STRING:
      return quoted(new TextEncoder().encode(value as string));
    case ScalarType.BYTES:
      return quoted(value as Uint8Array);
    case ScalarType.FLOAT:
      return pythonFloat(float32Text(value as number));
    case ScalarType.DOUBLE:
      return pythonFloat(String(value));
    default:
      return String(value);
  }
}

/** A number as Python prints it, from how JavaScript does. */
function pythonFloat(text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'nan' : value < 0 ? '-inf' : 'inf';
  if (value === 0) return Object.is(value, -0) || text.startsWith('-') ? '-0.0' : '0.0';
  const [, sign, digits, exponentText] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(Number(text).toExponential())!;
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= 16) {
    const size = Math.abs(exponent);
    return `${sign}${digits}e${exponent < 0 ? '-' : '+'}${size < 10 ? '0' : ''}${size}`;
  }
  const mantissa = digits!.replace('.', '');
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${mantissa}`;
  const whole = mantissa.padEnd(exponent + 1, '0');
  return `${sign}${whole.slice(0, exponent + 1)}.${whole.slice(exponent + 1) || '0'}`;
}

/** How each byte is written in a string. */
const written: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const own = new Map([[9, '\\t'], [10, '\\n'], [13, '\\r'], [34, '\\"'], [39, "\\'"], [92, '\\\\']]).get(byte); // prettier-ignore
  return own ?? (byte < 32 || byte > 126 ? `\\${byte.toString(8).padStart(3, '0')}` : String.fromCharCode(byte));
});

function quoted(bytes: Uint8Array): string {
  const parts = ['"'];
  const chunk = 0x4000;
  for (let start = 0; start < bytes.length; start += chunk) {
    let part = '';
    for (let i = start; i < Math.min(bytes.length, start + chunk); i++) part += written[bytes[i]!]!;
    parts.push(part);
  }
  parts.push('"');
  return parts.join('');
}
