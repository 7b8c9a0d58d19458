/** WebAssembly text of modules that the assembler wrote: an instruction a line, blocks indented, functions and labels by name. */
import { typeByte, type FunctionType } from './code.js';
import { instructions, type Immediate, type ValueType } from './instructions.js';
import { f32Text, f64Text, v128Text } from './literals.js';
import { Reader } from './reader.js';

const valueTypes: ReadonlyMap<number, ValueType> = new Map(
  (['i32', 'i64', 'f32', 'f64', 'v128'] as const).map((type) => [typeByte(type), type]),
);

/** What locals of a type are called, before their number. */
const letters: Readonly<Record<ValueType, string>> = { i32: 'i', i64: 'l', f32: 'f', f64: 'd', v128: 'v' };
const localsInLine = 8;

interface Named {
  readonly name: string;
  readonly immediate: Immediate;
  readonly align: number;
}

/** By first byte; those behind a prefix by both numbers. */
const byOpcode = new Map<string, Named>();
for (const [name, { bytes, immediate, align }] of instructions) {
  const [first, ...rest] = bytes;
  const key = rest.length === 0 ? String(first) : `${first} ${new Reader(Uint8Array.from(rest)).u32()}`;
  byOpcode.set(key, { name, immediate, align });
}

/** The text of a module, which assembles to the same module. Data is left out. @throws RangeError for what the assembler does not write */
export function disassemble(module: Uint8Array): string {
  return new Disassembler(module).text();
}

class Disassembler {
  /** Bodies of sections by number; what is custom has its name first. */
  readonly #sections = new Map<number, Reader>();
  #types: readonly FunctionType[] = [];
  /** The number of the type of each function, imported ones first. */
  readonly #functions: number[] = [];
  #names: ReadonlyMap<number, string> = new Map();
  readonly #lines: string[] = [];

  constructor(module: Uint8Array) {
    const reader = new Reader(module);
    if (reader.bytes(8).join() !== '0,97,115,109,1,0,0,0') throw new RangeError('This is no WebAssembly module.');
    while (!reader.isAtEnd) this.#sections.set(reader.byte(), reader.sized());
  }

  text(): string {
    this.#readNames();
    this.#each(1, (section, i) => this.#type(section, i));
    this.#each(2, (section) => this.#import(section));
    const first = this.#functions.length;
    this.#each(3, (section) => void this.#functions.push(section.u32()));
    this.#each(5, (section) => this.#line(1, `(memory ${limits(section)})`));
    // Their place is after the functions, for readers.
    const exports: string[] = [];
    this.#each(7, (section) => exports.push(this.#export(section)));
    this.#each(10, (section, i) => this.#function(first + i, section.sized()));
    for (const line of exports) this.#line(1, line);
    this.#each(11, (section) => this.#data(section));
    return ['(module', ...this.#lines, ')'].join('\n');
  }

  #line(depth: number, text: string): void {
    this.#lines.push(`${'  '.repeat(depth)}${text}`);
  }

  /** Reads the items of a section, where there is one. */
  #each(id: number, read: (section: Reader, index: number) => void): void {
    const section = this.#sections.get(id);
    if (section) section.vector((i) => read(section, i));
  }

  #readNames(): void {
    const section = this.#sections.get(0);
    if (section?.text() !== 'name' || section.byte() !== 1) return;
    const names = section.sized();
    const seen = new Map<string, number>();
    const all = names.vector(() => {
      const [index, name] = [names.u32(), names.text().replace(/[^\w!#$%&'*+\-./:<=>?@\\^`|~]/g, '_')];
      const before = seen.get(name) ?? 0;
      seen.set(name, before + 1);
      return [index, before === 0 ? `$${name}` : `$${name}.${before}`] as const;
    });
    this.#names = new Map(all);
  }

  #nameOf(fn: number): string {
    return this.#names.get(fn) ?? `$f${fn}`;
  }

  #type(section: Reader, i: number): void {
    if (section.byte() !== 0x60) throw new RangeError(`Type ${i} is not that of a function.`);
    const types = (): ValueType[] => section.vector(() => valueType(section.byte()));
    const type = { params: types(), results: types() };
    this.#types = [...this.#types, type];
    const params = type.params.length > 0 ? ` (param ${type.params.join(' ')})` : '';
    this.#line(1, `(type $t${i} (func${params}${resultsOf(type)}))`);
  }

  #import(section: Reader): void {
    const from = `(import ${quoted(section.text())} ${quoted(section.text())}`;
    if (section.byte() === 2) return this.#line(1, `${from} (memory ${limits(section)}))`);
    const type = section.u32();
    const index = this.#functions.push(type) - 1;
    this.#line(1, `${from} (func ${this.#nameOf(index)} (type $t${type})))`);
  }

  #export(section: Reader): string {
    const name = quoted(section.text());
    const [kind, index] = [section.byte(), section.u32()];
    return kind === 2 ? `(export ${name} (memory ${index}))` : `(export ${name} (func ${this.#nameOf(index)}))`;
  }

  #data(section: Reader): void {
    section.bytes(2);
    const address = section.signed();
    section.byte();
    this.#line(1, `;; data: ${section.sized().length} bytes from ${address} on`);
  }

  #function(index: number, body: Reader): void {
    const number = this.#functions[index]!;
    const type = this.#types[number]!;
    const params = type.params.map((param, i) => ({ type: param, name: `$p${i}` }));
    const declared = body.vector(() => ({ count: body.u32(), type: valueType(body.byte()) }));
    const locals = declared
      .flatMap(({ count, type: local }) => new Array<ValueType>(count).fill(local))
      .map((local, i) => ({ type: local, name: `$${letters[local]}${params.length + i}` }));
    const heads = params.map((param) => ` (param ${param.name} ${param.type})`).join('');
    this.#line(1, `(func ${this.#nameOf(index)} (type $t${number})${heads}${resultsOf(type)}`);
    for (let i = 0; i < locals.length; i += localsInLine) {
      const some = locals.slice(i, i + localsInLine);
      this.#line(2, some.map((local) => `(local ${local.name} ${local.type})`).join(' '));
    }
    const names = [...params, ...locals].map(({ name }) => name);
    new BodyText(
      body,
      names,
      (fn) => this.#nameOf(fn),
      (depth, text) => this.#line(2 + depth, text),
    ).run();
    this.#line(1, ')');
  }
}

/** The instructions of one function. */
class BodyText {
  readonly #body: Reader;
  readonly #locals: readonly string[];
  readonly #functionName: (index: number) => string;
  readonly #line: (depth: number, text: string) => void;
  /** Labels of the blocks that are open. */
  readonly #open: string[] = [];
  #labels = 0;

  constructor(
    body: Reader,
    locals: readonly string[],
    functionName: (index: number) => string,
    line: (depth: number, text: string) => void,
  ) {
    this.#body = body;
    this.#locals = locals;
    this.#functionName = functionName;
    this.#line = line;
  }

  run(): void {
    for (;;) {
      const opcode = this.#body.byte();
      if (opcode === 0x0b && this.#open.length === 0) return;
      if (opcode === 0x0b || opcode === 0x05) {
        const label = opcode === 0x0b ? this.#open.pop()! : this.#open.at(-1)!;
        this.#line(this.#open.length - (opcode === 0x05 ? 1 : 0), opcode === 0x0b ? `end ${label}` : 'else');
      } else if (opcode >= 0x02 && opcode <= 0x04) this.#block(['block', 'loop', 'if'][opcode - 2]!);
      else this.#line(this.#open.length, this.#plain(opcode));
    }
  }

  #block(name: string): void {
    const type = this.#body.byte();
    const label = `$${name === 'loop' ? 'loop' : name === 'if' ? 'if' : 'block'}${this.#labels++}`;
    this.#line(this.#open.length, `${name} ${label}${type === 0x40 ? '' : ` (result ${valueType(type)})`}`);
    this.#open.push(label);
  }

  #plain(opcode: number): string {
    const body = this.#body;
    const local = (): string => this.#locals[body.u32()]!;
    switch (opcode) {
      case 0x0c:
        return `br ${this.#open.at(-1 - body.u32())}`;
      case 0x0d:
        return `br_if ${this.#open.at(-1 - body.u32())}`;
      case 0x10:
        return `call ${this.#functionName(body.u32())}`;
      case 0x20:
        return `local.get ${local()}`;
      case 0x21:
        return `local.set ${local()}`;
      case 0x22:
        return `local.tee ${local()}`;
      case 0x41:
        return `i32.const ${body.signed()}`;
      case 0x42:
        return `i64.const ${body.signed()}`;
      case 0x43:
        return `f32.const ${f32Text(body.view(4))}`;
      case 0x44:
        return `f64.const ${f64Text(body.view(8))}`;
      default:
        return this.#fromTable(opcode);
    }
  }

  #fromTable(opcode: number): string {
    const body = this.#body;
    const second = opcode >= 0xfc ? body.u32() : null;
    if (opcode === 0xfd && second === 0x0c) return `v128.const ${v128Text(body.view(16))}`;
    if (opcode === 0xfd && second === 0x0d) return `i8x16.shuffle ${body.bytes(16).join(' ')}`;
    const found = byOpcode.get(second === null ? String(opcode) : `${opcode} ${second}`);
    if (!found)
      throw new RangeError(`The assembler knows no instruction ${opcode}${second === null ? '' : ` ${second}`}.`);
    const { name, immediate, align } = found;
    switch (immediate) {
      case 'none':
        return name;
      case 'zero':
      case 'zero-zero':
        body.bytes(immediate === 'zero' ? 1 : 2);
        return name;
      case 'lane':
        return `${name} ${body.byte()}`;
      case 'memory':
        return `${name}${memoryText(body, align)}`;
      case 'memory-lane':
        return `${name}${memoryText(body, align)} ${body.byte()}`;
    }
  }
}

function memoryText(body: Reader, natural: number): string {
  const [align, offset] = [body.u32(), body.u32()];
  return `${offset === 0 ? '' : ` offset=${offset}`}${align === natural ? '' : ` align=${2 ** align}`}`;
}

function valueType(byte: number): ValueType {
  const type = valueTypes.get(byte);
  if (!type) throw new RangeError(`There is no type of values ${byte}.`);
  return type;
}

function resultsOf({ results }: FunctionType): string {
  return results.length > 0 ? ` (result ${results.join(' ')})` : '';
}

function limits(section: Reader): string {
  const flags = section.byte();
  const pages = [section.u32(), ...(flags & 1 ? [section.u32()] : [])];
  return `${pages.join(' ')}${flags & 2 ? ' shared' : ''}`;
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
