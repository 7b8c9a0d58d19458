/** The text of modules: wabt assembles it to the same bytes, and it reads as wabt's own. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Code } from '../../../src/session/backends/wasm/assembler/code.js';
import { disassemble } from '../../../src/session/backends/wasm/assembler/disassemble.js';
import { instructions, type ValueType } from '../../../src/session/backends/wasm/assembler/instructions.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { defineMatMul } from '../../../src/session/backends/wasm/matmul/matmul.js';
import { assembled, disassembled, moduleOf } from './disassembly.js';
import { signature } from './signatures.js';

const textOf = (module: ModuleBuilder): string => disassemble(module.finish({ names: true }));

/** What wabt makes of the text of a module with exports is what it was made of. */
function expectRoundTrip(module: ModuleBuilder): void {
  const text = textOf(module);
  expect(Buffer.from(assembled(text)).equals(Buffer.from(module.finish()))).toBe(true);
}

/** Instructions alone, without what wabt writes otherwise: names, indices, numbers as comments. */
function instructionsOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.replace(/\(;.*?;\)|;;.*/g, '').trim());
  const code = lines.filter((line) => line !== '' && !line.startsWith('('));
  return code.map((line) => line.replace(/\)+$/, '').split(' ')[0]!).filter((name) => name !== '');
}

function emit(code: Code, name: string): void {
  for (const param of code.params) code.get(param);
  const { immediate } = instructions.get(name)!;
  if (immediate === 'memory') code.memory(name, 40);
  else if (immediate === 'memory-lane') code.memoryLane(name, 1, 40);
  else if (immediate === 'lane') code.lane(name, 1);
  else code.op(name);
}

test('every instruction', () => {
  const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1, maximum: 1, shared: true });
  for (const name of instructions.keys())
    module.export(module.define(name, signature(name), (code) => emit(code, name)));
  expectRoundTrip(module);
  expect(instructionsOf(textOf(module))).toEqual(instructionsOf(disassembled(module)));
});

test('loads and stores that are less aligned than they might be', () => {
  const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
  const f = module.define('f', { params: ['i32'], results: ['v128'] }, (code) =>
    code.get(code.params[0]!).memory('v128.load', 0, 2),
  );
  module.export(f);
  expect(textOf(module)).toContain('v128.load align=4\n');
  expectRoundTrip(module);
});

describe('constants keep every bit', () => {
  const constant = (type: ValueType, build: (code: Code) => unknown): ModuleBuilder =>
    moduleOf({ params: [], results: [type] }, build);
  const bits = fc.oneof(
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.tuple(fc.float(), fc.double()).map(([f, d]) => {
      const view = new DataView(new ArrayBuffer(16));
      view.setFloat32(0, f, true);
      view.setFloat64(8, d, true);
      return new Uint8Array(view.buffer);
    }),
    fc
      .uint8Array({ minLength: 4, maxLength: 4 })
      .map((word) => Uint8Array.from({ length: 16 }, (_, i) => word[i % 4]!)),
    fc.double().map((d) => new Uint8Array(new Float64Array([d, d]).buffer)),
  );

  test('of all types', () => {
    fc.assert(
      fc.property(bits, (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
        expectRoundTrip(constant('v128', (code) => code.v128(bytes)));
        expectRoundTrip(constant('i32', (code) => code.i32(view.getInt32(0, true))));
        expectRoundTrip(constant('i64', (code) => code.i64(view.getBigInt64(0, true))));
        expectRoundTrip(constant('f32', (code) => code.f32(view.getFloat32(0, true))));
        expectRoundTrip(constant('f64', (code) => code.f64(view.getFloat64(8, true))));
      }),
      { numRuns: 60 },
    );
  });

  test('that are special', () => {
    for (const value of [0, -0, Infinity, -Infinity, NaN, 5e-324, 1e300, 0.1, -1.5, 3e38, 1e-45]) {
      expectRoundTrip(constant('f32', (code) => code.f32(value)));
      expectRoundTrip(constant('f64', (code) => code.f64(value)));
    }
    expect(textOf(constant('f32', (code) => code.f32(0.1)))).toContain('f32.const 0.1\n');
    const tenth = new Uint8Array(new Float32Array(4).fill(0.1).buffer);
    expect(textOf(constant('v128', (code) => code.v128(tenth)))).toContain('v128.const f32x4 0.1 0.1 0.1 0.1\n');
  });
});

test('blocks are indented, with labels that branches name', () => {
  const module = moduleOf({ params: ['i32'], results: ['i32'] }, (code) => {
    const n = code.params[0]!;
    const count = code.local('i32');
    code.block((done) => {
      code.loop((again) => {
        code.get(n).op('i32.eqz').brIf(done);
        code
          .get(count)
          .get(n)
          .if(
            () => code.i32(1),
            () => code.i32(2),
            'i32',
          )
          .op('i32.add')
          .set(count);
        code.br(again);
      });
    });
    code.get(count);
  });
  expectRoundTrip(module);
  expect(textOf(module)).toBe(
    `(module
  (type $t0 (func (param i32) (result i32)))
  (func $f (type $t0) (param $p0 i32) (result i32)
    (local $i1 i32)
    block $block0
      loop $loop1
        local.get $p0
        i32.eqz
        br_if $block0
        local.get $i1
        local.get $p0
        if $if2 (result i32)
          i32.const 1
        else
          i32.const 2
        end $if2
        i32.add
        local.set $i1
        br $loop1
      end $loop1
    end $block0
    local.get $i1
  )
  (export "f" (func $f))
)`,
  );
});

test('functions of one name, and of names that are no identifiers', () => {
  const module = new ModuleBuilder();
  const type = { params: [], results: [] } as const;
  const log = module.importFunction('host', 'a "log"', type);
  for (const [i, name] of ['same', 'same', 'with space'].entries())
    module.export(
      module.define(name, type, (code) => code.call(log)),
      `${i}`,
    );
  expectRoundTrip(module);
  expect(textOf(module).match(/func \$\S+ /g)).toEqual([
    'func $a__log_ ',
    'func $same ',
    'func $same.1 ',
    'func $with_space ',
  ]);
});

test('a module of nothing, and one without names', () => {
  expect(disassemble(new ModuleBuilder().finish())).toBe('(module\n)');
  expect(disassemble(moduleOf({ params: [], results: [] }, () => undefined).finish())).toContain('(func $f0 ');
});

test('products', () => {
  const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
  const common = { transposeA: false, transposeB: true, relaxed: true } as const;
  defineMatMul(module, { dtype: 'float32', m: 20, k: 30, n: 40, ...common });
  defineMatMul(module, { dtype: 'int32', m: 1, k: 7, n: 5, ...common });
  module.export(defineMatMul(module, { dtype: 'float64', m: 9, k: 3, n: 2, ...common }).fn);
  expectRoundTrip(module);
  expect(instructionsOf(textOf(module))).toEqual(instructionsOf(disassembled(module)));
});

test('what is no module, or has instructions that the assembler does not know', () => {
  expect(() => disassemble(new Uint8Array(8))).toThrow('no WebAssembly module');
  const bytes = moduleOf({ params: [], results: [] }, (code) => code.op('nop', 'nop', 'nop')).finish();
  const at = bytes.findIndex((byte, i) => byte === 1 && bytes[i + 1] === 1 && bytes[i + 2] === 1);
  // ref.is_null
  bytes[at] = 0xd1;
  expect(() => disassemble(bytes)).toThrow('knows no instruction 209');
  expect(() => disassemble(bytes.subarray(0, bytes.length - 2))).toThrow('The bytes end at');
});

test('a memory of its own, and what it holds at first', () => {
  const module = new ModuleBuilder().exportMemory('memory', { initial: 2 }).data(64, new Uint8Array(5));
  module.export(module.define('f', { params: [], results: [] }, () => undefined));
  const text = textOf(module);
  expect(text).toContain('  (memory 2)\n');
  expect(text).toContain('  (export "memory" (memory 0))\n');
  expect(text).toContain('  ;; data: 5 bytes from 64 on\n');
  expect(() => assembled(text)).not.toThrow();
});
