/** GraphDefs as text: everything that the format has, what TensorFlow writes, and errors that say where. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import * as tl from '../../src/index.js';
import { decodeGraphDef, encodeGraphDef, formatGraphDef, parseGraphDef } from '../../src/interop/index.js';

const attr = (value: string) => parseGraphDef(`node { attr { key: "a" value { ${value} } } }`).node![0]!.attr!['a']!.value; // prettier-ignore
const written = (value: string) =>
  /value \{\n\s+(.*)\n/.exec(formatGraphDef(parseGraphDef(`node { attr { key: "a" value { ${value} } } }`)))![1];

describe('reading', () => {
  test.each([
    ['braces', 'node { name: "x" input: "a" input: "b" }'],
    ['angles, and colons before messages', 'node: < name: "x", input: "a"; input: "b" >'],
    ['short lists', 'node [{ name: "x" input: ["a", "b"] }]'],
    ['comments, and single quotes', "# a graph\nnode{name:'x'#here\ninput:'a'input:'b'}# end"],
    ['strings in parts', 'node { name: "" \'x\' "" input: "a" input: "b" }'],
    ['tabs and carriage returns', 'node\t{\r\n name: "x"\v\f input: ["a" , "b"]\r\n}'],
  ])('%s', (_, text) => {
    expect(parseGraphDef(text).node).toMatchObject([{ name: 'x', input: ['a', 'b'] }]);
    expect(parseGraphDef(new TextEncoder().encode(text))).toEqual(parseGraphDef(text));
  });

  test.each<[string, string, unknown]>([
    ['decimal', 'i: -12', -12n],
    ['hexadecimal', 'i: 0xFF', 255n],
    ['octal', 'i: -017', -15n],
    ['zero', 'i: 0', 0n],
    ['a sign apart', 'i: - 5', -5n],
    ['the least integer', 'i: -9223372036854775808', -(2n ** 63n)],
    ['true', 'b: t', true],
    ['false', 'b: False', false],
    ['one', 'b: 1', true],
    ['a float', 'f: 1.5e-3f', Math.fround(1.5e-3)],
    ['a float of a point', 'f: 1.', 1],
    ['and before', 'f: .5', 0.5],
    ['an integer as float', 'f: -3', -3],
    ['infinity', 'f: -Infinity', -Infinity],
    ['inf', 'f: inff', Infinity],
    ['nan', 'f: nan', NaN],
    ['an enum by name', 'type: DT_HALF', 19],
    ['by number', 'type: 19', 19],
    ['a reference', 'type: DT_FLOAT_REF', 101],
    ['escapes', String.raw`s: "\a\b\f\n\r\t\v\?\\\'\"\0\12\377\x4\x41é\u00e9\U0001F600"`, Buffer.from([7, 8, 12, 10, 13, 9, 11, 63, 92, 39, 34, 0, 10, 255, 4, 0x41, 0xc3, 0xa9, 0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80])], // prettier-ignore
  ])('%s', (_, text, value) => {
    const found = attr(text).value;
    expect(found instanceof Uint8Array ? Buffer.from(found) : found).toEqual(value);
  });

  test('lists of every kind, and lists of messages', () => {
    expect(attr('list { i: [1, 2] i: 3 shape: [{ dim { size: 1 } }, { unknown_rank: true }] type: [] }').value).toMatchObject({
      i: [1n, 2n, 3n],
      shape: [{ dim: [{ size: 1n }] }, { unknownRank: true }],
      type: [],
    }); // prettier-ignore
  });

  test('maps with numbers as keys, and entries of which a part is missing', () => {
    const [fn] = parseGraphDef('library { function { arg_attr { value {} } arg_attr { key: 3 } ret { key: "y" } } }').library!.function!; // prettier-ignore
    expect(Object.keys(fn!.argAttr!)).toEqual(['0', '3']);
    expect(fn!.ret).toEqual({ y: '' });
  });

  test.each([
    ['a field that there is not', 'node {\n  nam: "x"\n}', "line 2, column 3: a NodeDef has no field 'nam'"],
    ['no name', 'node { : 1 }', "line 1, column 8: there should be the name of a field or '}', and is ':'"],
    ['no end', 'node { name: "x"', "line 1, column 17: there should be the name of a field or '}', and is the end"],
    ['no colon', 'node { name "x" }', "line 1, column 13: there should be a ':' after 'name', and is '\"'"],
    ['no message', 'node: 1', "line 1, column 7: there should be a '{', and is '1'"],
    [
      'the wrong end',
      'node < name: "x" }',
      "line 1, column 18: there should be the name of a field or '>', and is '}'",
    ],
    ['a field twice', 'node { name: "x" name: "y" }', "line 1, column 18: 'name' is there twice"],
    ['two of which one excludes the other', 'node { attr { value { i: 1 f: 2 } } }', "line 1, column 28: 'f' and 'i' exclude each other"], // prettier-ignore
    ['a string with no end', 'node { name: "é\n" }', 'line 1, column 14: a string does not end'],
    ['an unknown escape', 'node { name: "é\\q" }', "line 1, column 16: '\\q' is no escape that there is"],
    [
      'an octal escape beyond a byte',
      'node { name: "\\777" }',
      'line 1, column 15: an octal escape is more than a byte',
    ],
    ['half a surrogate pair', 'node { name: "\\ud800" }', "line 1, column 15: '\\u' is no escape that there is"],
    ['a name that is no UTF-8', 'node { name: "\\377" }', 'line 1, column 14: a string is no UTF-8'],
    ['no string', 'node { name: 3 }', "line 1, column 14: there should be a string, and is '3'"],
    ['a number out of range', 'versions { producer: 2147483648 }', "'2147483648' is no integer between -2147483648 and 2147483647"], // prettier-ignore
    ['no integer', 'versions { producer: 1.5 }', "line 1, column 22: '1.5' is no integer"],
    ['an unknown enum', 'node { attr { value { type: FLOAT } } }', "'FLOAT' is no DataType"],
    ['no bool', 'node { attr { value { b: 2 } } }', "'2' is no bool"],
    ['no float', 'node { attr { value { f: x } } }', "'x' is no float"],
    ['a list with no end', 'node { input: ["a" }', "line 1, column 20: there should be a ']', and is '}'"],
    ['an entry with something else', 'node { attr { name: "a" } }', "line 1, column 15: an entry of 'attr' has key and value alone"], // prettier-ignore
    ['depth without end', 'node { attr { value { '.concat('func { attr { value { '.repeat(80)), 'lie more than 100 deep in each other'], // prettier-ignore
  ])('%s is refused', (_, text, message) => {
    expect(() => parseGraphDef(text)).toThrow(tl.InvalidArgumentError);
    expect(() => parseGraphDef(text)).toThrow(message);
  });
});

describe('writing', () => {
  test.each([
    ['f: 0.1', 'f: 0.1'],
    ['f: 3', 'f: 3.0'],
    ['f: 1e-5', 'f: 1e-05'],
    ['f: 123456789', 'f: 123456790.0'],
    ['f: 1e16', 'f: 1e+16'],
    ['f: 3.4028235e38', 'f: 3.4028235e+38'],
    ['f: 0.00012', 'f: 0.00012'],
    ['f: -0.0', 'f: -0.0'],
    ['f: inf', 'f: inf'],
    ['f: nan', 'f: nan'],
    ['b: false', 'b: false'],
    ['i: -7', 'i: -7'],
    ['type: 107', 'type: DT_STRING_REF'],
    [String.raw`s: "\000a\"\'\\\377\n\r\t~"`, String.raw`s: "\000a\"\'\\\377\n\r\t~"`],
  ])('%s', (text, expected) => {
    expect(written(text)).toBe(expected);
  });

  test.each(['loop-and-choice', 'calls'])('what TensorFlow wrote comes out as it was: %s', (name) => {
    const text = readFileSync(new URL(`fixtures/${name}.pbtxt`, import.meta.url), 'utf8');
    const def = parseGraphDef(text);
    expect(formatGraphDef(def)).toBe(text);
    expect(formatGraphDef(decodeGraphDef(encodeGraphDef(def)))).toBe(text);
  });
});
