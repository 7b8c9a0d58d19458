/** The byte assembler: numbers, locals, control, modules. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Bytes } from '../../../src/session/backends/wasm/assembler/bytes.js';
import { Code, type Local } from '../../../src/session/backends/wasm/assembler/code.js';
import type { ValueType } from '../../../src/session/backends/wasm/assembler/instructions.js';
import { ModuleBuilder } from '../../../src/session/backends/wasm/assembler/module.js';
import { disassembled, moduleOf, run } from './disassembly.js';
import { engine, instantiate } from './support.js';

describe('numbers', () => {
  /** Reads a LEB128 number back, of any size. */
  function decoded(bytes: Uint8Array, signed: boolean): bigint {
    let value = 0n;
    bytes.forEach((byte, i) => {
      expect(byte > 127).toBe(i < bytes.length - 1);
      value |= BigInt(byte & 127) << BigInt(7 * i);
    });
    return signed ? BigInt.asIntN(7 * bytes.length, value) : value;
  }
  /** Bytes that a value of `bits` bits, with its sign where there is one, needs. */
  const needed = (bits: number): number => Math.max(1, Math.ceil(bits / 7));
  const magnitude = (value: bigint): number => (value < 0n ? -value - 1n : value).toString(2).replace(/^0$/, '').length;

  test('unsigned', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(200)), (value) => {
        const bytes = new Bytes().u32(value).view();
        expect(decoded(bytes, false)).toBe(BigInt(value));
        expect(bytes.length).toBe(needed(magnitude(BigInt(value))));
      }),
    );
  });

  test('signed', () => {
    const numbers = fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 }));
    fc.assert(
      fc.property(
        numbers,
        fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.bigInt(-200n, 200n)),
        (small, large) => {
          for (const [bytes, value] of [
            [new Bytes().s32(small).view(), BigInt(small)],
            [new Bytes().s64(large).view(), large],
          ] as const) {
            expect(decoded(bytes, true)).toBe(value);
            expect(bytes.length).toBe(needed(magnitude(value) + 1));
          }
        },
      ),
    );
  });

  test('constants come out of the engine as they went in', () => {
    const constant = (type: ValueType, build: (code: Code) => unknown): unknown =>
      run({ params: [], results: [type] }, build);
    fc.assert(
      fc.property(
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.float(),
        fc.double(),
        (i, big, f, d) => {
          expect(constant('i32', (code) => code.i32(i))).toBe(i);
          expect(constant('i64', (code) => code.i64(big))).toBe(big);
          expect(constant('f32', (code) => code.f32(f))).toBe(f);
          expect(constant('f64', (code) => code.f64(d))).toBe(d);
        },
      ),
    );
    expect(constant('i32', (code) => code.i32(2 ** 32 - 1))).toBe(-1);
  });

  test('bytes grow, and keep their order', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 8 }), (parts) => {
        const all = new Bytes();
        for (const part of parts) all.bytes(part).byte(7);
        expect([...all.view()]).toEqual(parts.flatMap((part) => [...part, 7]));
        expect([...new Bytes().sized(all).view()]).toEqual([...new Bytes().u32(all.length).bytes(all.view()).view()]);
      }),
    );
    expect([...new Bytes().text('é').view()]).toEqual([2, 0xc3, 0xa9]);
  });
});

describe('functions', () => {
  test('a local that was given back is taken again for its type alone', () => {
    const code = new Code({ params: ['i32'], results: [] });
    const [a, b] = [code.local('f32'), code.local('i32')];
    expect([a.index, b.index]).toEqual([1, 2]);
    code.free(a);
    expect(code.local('v128').index).toBe(3);
    expect(code.local('f32')).toEqual(a);
    expect(code.local('f32').index).toBe(4);
    expect(code.localCount).toBe(5);
  });

  test('locals of many types keep their indices', () => {
    const order: readonly ValueType[] = ['i64', 'i64', 'f32', 'v128', 'i64', 'f64', 'f64', 'i32'];
    const sum = run(
      { params: ['i64'], results: ['i64'] },
      (code) => {
        const locals = order.map((type) => code.local(type));
        const longs = locals.filter(({ type }) => type === 'i64');
        longs.forEach((local, i) => code.get(code.params[0]!).i64(BigInt(i)).op('i64.add').set(local));
        code.i64(0n);
        for (const local of longs) code.get(local).op('i64.add');
      },
      10n,
    );
    expect(sum).toBe(33n);
  });

  test('branches reach their block or loop through others', () => {
    // Counts pairs i < j < n with i + j = n, leaving the inner loop early and the outer one when there are enough.
    const type = { params: ['i32', 'i32'], results: ['i32'] } as const;
    const count = (n: number, most: number): unknown =>
      run(
        type,
        (code) => {
          const [size, limit] = code.params as readonly [Local, Local];
          const [i, j, found] = [code.local('i32'), code.local('i32'), code.local('i32')];
          const next = (local: Local): Code => code.get(local).i32(1).op('i32.add').set(local);
          code.block((done) => {
            code.loop((outer) => {
              code.get(i).set(j);
              code.block((over) => {
                code.loop((inner) => {
                  next(j);
                  code.get(j).get(size).op('i32.ge_s').brIf(over);
                  code.get(i).get(j).op('i32.add').get(size).op('i32.eq');
                  code.if(() => {
                    next(found);
                    code
                      .get(found)
                      .get(limit)
                      .op('i32.ge_s')
                      .if(
                        () => code.br(done),
                        () => code.br(over),
                      );
                  });
                  code.br(inner);
                });
              });
              next(i);
              code.get(i).get(size).op('i32.lt_s').brIf(outer);
            });
          });
          code.get(found);
        },
        n,
        most,
      );
    const expected = (n: number, most: number): number => Math.min(most, Math.ceil(n / 2) - 1);
    for (const [n, most] of [
      [2, 9],
      [9, 9],
      [10, 9],
      [40, 7],
    ] as const)
      expect(count(n, most)).toBe(expected(n, most));
  });

  test('an if with a type leaves the value of its branch', () => {
    const choose = instantiate(
      moduleOf({ params: ['i32'], results: ['f64'] }, (code) =>
        code.get(code.params[0]!).if(
          () => code.f64(1.5),
          () => code.f64(-2),
          'f64',
        ),
      ),
    )['f']!;
    expect([choose(1), choose(0)]).toEqual([1.5, -2]);
  });

  test('tee keeps the value, and size counts bytes', () => {
    const twice = run(
      { params: ['i32'], results: ['i32'] },
      (code) => {
        const local = code.local('i32');
        expect(code.size).toBe(0);
        code.get(code.params[0]!).tee(local).get(local).op('i32.mul');
        expect(code.size).toBe(7);
      },
      9,
    );
    expect(twice).toBe(81);
  });
});

describe('modules', () => {
  test('imports, exports and a shared memory', () => {
    const module = new ModuleBuilder().importMemory('env', 'heap', { initial: 1, maximum: 4, shared: true });
    const log = module.importFunction('host', 'log', { params: ['i32', 'f64'], results: [] });
    const now = module.importFunction('host', 'now', { params: [], results: ['f64'] });
    const f = module.define('tell', { params: ['i32'], results: ['i32'] }, (code) => {
      code.get(code.params[0]!).call(now).call(log);
      code.get(code.params[0]!).i32(5).memory('i32.atomic.rmw.add').op('memory.size', 'i32.add');
    });
    module.export(f).export(f, 'again');
    const said: unknown[] = [];
    const memory = new engine.Memory({ initial: 2, maximum: 4, shared: true });
    const exports = instantiate(module, {
      env: { heap: memory },
      host: { log: (...args: unknown[]) => said.push(args), now: () => 0.5 },
    });
    expect([exports['tell']!(8), exports['again']!(8)]).toEqual([2, 7]);
    expect(said).toEqual([
      [8, 0.5],
      [8, 0.5],
    ]);
    expect(new Int32Array(memory.buffer)[2]).toBe(10);
    expect(disassembled(module)).toContain('(memory (;0;) 1 4 shared)');
  });

  test('a memory that may grow', () => {
    const module = new ModuleBuilder().importMemory('env', 'memory', { initial: 1 });
    module.export(
      module.define('grow', { params: ['i32'], results: ['i32'] }, (code) =>
        code.get(code.params[0]!).op('memory.grow'),
      ),
    );
    const memory = new engine.Memory({ initial: 1 });
    expect(instantiate(module, { env: { memory } })['grow']!(2)).toBe(1);
    expect(memory.buffer.byteLength).toBe(3 * 65536);
    expect(disassembled(module)).toContain('(memory (;0;) 1)');
  });

  test('a memory of its own, and what it holds at first', () => {
    const module = new ModuleBuilder().exportMemory('heap', { initial: 2 });
    module.data(100, Uint8Array.of(1, 2, 3)).data(70_000, new Uint8Array(300).fill(9));
    module.export(module.define('size', { params: [], results: ['i32'] }, (code) => code.op('memory.size')));
    const exports = instantiate(module);
    const bytes = new Uint8Array((exports['heap'] as unknown as { readonly buffer: ArrayBuffer }).buffer);
    expect([exports['size']!(), bytes.length]).toEqual([2, 2 * 65536]);
    expect([...bytes.subarray(99, 104)]).toEqual([0, 1, 2, 3, 0]);
    expect([bytes[69_999], bytes[70_000], bytes[70_299], bytes[70_300]]).toEqual([0, 9, 9, 0]);
    const text = disassembled(module);
    expect(text).toContain('(export "heap" (memory 0))');
    expect(text).toContain('(data (;0;) (i32.const 100) "\\01\\02\\03")');
  });

  test('functions that define others while they are defined, of many results, and that call themselves', () => {
    const module = new ModuleBuilder();
    const type = { params: ['i32'], results: ['i32'] } as const;
    const outer = module.define('outer', type, (code) => {
      const pair = module.define('pair', { params: ['i32'], results: ['i32', 'i32'] }, (inner) => {
        const one = module.define('one', { params: [], results: ['i32'] }, (innermost) => innermost.i32(1));
        inner.get(inner.params[0]!).get(inner.params[0]!).call(one).op('i32.add');
      });
      code.get(code.params[0]!).call(pair).op('i32.mul');
    });
    const factorial = { index: outer.index + 3, type, name: 'factorial' };
    const defined = module.define('factorial', type, (code) => {
      const n = code.params[0]!;
      code.get(n).if(
        () => code.get(n).get(n).i32(1).op('i32.sub').call(factorial).op('i32.mul'),
        () => code.i32(1),
        'i32',
      );
    });
    expect(defined).toEqual(factorial);
    const exports = instantiate(module.export(outer).export(defined));
    expect([exports['outer']!(6), exports['factorial']!(6)]).toEqual([42, 720]);
  });

  test('names only when asked for', () => {
    const module = new ModuleBuilder();
    const at = module.importFunction('m', 'ext', { params: [], results: [] });
    module.define('päper', { params: [], results: [] }, (code) => code.call(at));
    const text = (names: boolean): string => Buffer.from(module.finish({ names })).toString('utf8');
    expect(text(true)).toContain('päper');
    expect(text(false)).not.toContain('päper');
    expect(disassembled(module)).toContain('call $ext');
  });

  test('equal types are written once, and finishing twice gives the same bytes', () => {
    const module = new ModuleBuilder();
    for (const name of ['a', 'b']) module.define(name, { params: ['f32', 'v128'], results: [] }, () => undefined);
    expect(module.finish()).toEqual(module.finish());
    expect(disassembled(module).match(/\(type /g)!.length).toBe(3);
  });

  test('a function imported after the first definition is refused', () => {
    const module = new ModuleBuilder();
    module.define('a', { params: [], results: [] }, () => undefined);
    expect(() => module.importFunction('m', 'f', { params: [], results: [] })).toThrow("'f' must be imported before");
  });

  test('a module of nothing is valid', () => {
    expect(disassembled(new ModuleBuilder())).toContain('(module');
  });
});
