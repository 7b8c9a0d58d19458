/** The byte assembler: every instruction as wabt disassembles it. */
import { describe, expect, test } from '@jest/globals';
import { Code } from '../../../src/session/backends/wasm/assembler/code.js';
import { instructions } from '../../../src/session/backends/wasm/assembler/instructions.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { disassembled, run } from './disassembly.js';
import { signature } from './signatures.js';

const offset = 40;
const lane = 1;

/** Emits an instruction and gives the line that shows it. */
function emit(code: Code, name: string): string {
  switch (instructions.get(name)!.immediate) {
    case 'memory':
      code.memory(name, offset);
      return `${name} offset=${offset}`;
    case 'memory-lane':
      code.memoryLane(name, lane, offset);
      return `${name} offset=${offset} ${lane}`;
    case 'lane':
      code.lane(name, lane);
      return `${name} ${lane}`;
    case 'none':
    case 'zero':
    case 'zero-zero':
      code.op(name);
      return name;
  }
}

const families = new Map<string, string[]>();
for (const name of instructions.keys()) {
  const family = /^[^.]+(\.atomic|\.(load|store|relaxed))?/.exec(name)![0];
  families.set(family, [...(families.get(family) ?? []), name]);
}

describe('every instruction, as wabt disassembles it', () => {
  test.each([...families])('%s', (_, names) => {
    const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1, maximum: 1, shared: true });
    const expected = names.map((name) => {
      const type = signature(name);
      let line = '';
      module.define(name, type, (code) => {
        for (const param of code.params) code.get(param);
        line = emit(code, name);
      });
      return [name, [...type.params.map((__, i) => `local.get ${i}`), line]];
    });
    const bodies = disassembled(module).split('(func $').slice(1);
    const found = bodies.map((text) => {
      const [head, ...lines] = text.split('\n').map((line) => line.trim());
      return [
        head!.split(' ')[0],
        lines
          .map((line) => line.replace(/\)+$/, ''))
          .filter((line) => line !== '' && !/^\((type|import|export)/.test(line)),
      ];
    });
    expect(found).toEqual(expected);
  });

  test('no two names have the same bytes, and natural alignment is a power of two up to 16', () => {
    const bytes = [...instructions.values()].map((info) => info.bytes.join());
    expect(new Set(bytes).size).toBe(instructions.size);
    for (const { align } of instructions.values()) expect([0, 1, 2, 3, 4]).toContain(align);
  });

  test('an alignment is written when asked for, never above the natural one', () => {
    const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
    module.define('f', { params: ['i32'], results: [] }, (code) => {
      for (const align of [0, 2, 7]) code.get(code.params[0]!).memory('v128.load', 0, align).op('drop');
    });
    const loads = disassembled(module).match(/v128\.load.*/g);
    expect(loads).toEqual(['v128.load align=1', 'v128.load align=4', 'v128.load']);
  });

  test('an instruction that does not exist is refused by name', () => {
    expect(() => new Code({ params: [], results: [] }).op('f32.fma')).toThrow("'f32.fma' is not an instruction");
  });

  test('fused multiply-add in the engine', () => {
    for (const [shape, scalar] of [
      ['f32x4', 'f32'],
      ['f64x2', 'f64'],
    ] as const) {
      const type = { params: [scalar, scalar, scalar], results: [scalar] } as const;
      const of = (name: string): unknown =>
        run(
          type,
          (code) => {
            for (const param of code.params) code.get(param).op(`${shape}.splat`);
            return code.op(`${shape}.${name}`).lane(`${shape}.extract_lane`, 0);
          },
          3,
          5,
          100,
        );
      expect([of('relaxed_madd'), of('relaxed_nmadd')]).toEqual([115, 85]);
    }
  });

  test('shuffles, vector constants and bulk memory', () => {
    const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
    const order = [31, 30, 29, 28, 16, 17, 18, 19, 0, 1, 2, 3, 4, 5, 6, 15];
    module.define('f', { params: ['v128'], results: ['v128'] }, (code) => {
      code.i32(1).i32(2).i32(3).memoryCopy().i32(4).i32(5).i32(6).memoryFill();
      code
        .get(code.params[0]!)
        .v128(Uint8Array.from({ length: 16 }, (_, i) => i))
        .shuffle(order);
    });
    const text = disassembled(module);
    expect(text).toContain('v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 0x0f0e0d0c');
    expect(text).toContain(`i8x16.shuffle ${order.join(' ')}`);
    expect(text).toContain('memory.copy');
    expect(text).toContain('memory.fill');
  });
});
