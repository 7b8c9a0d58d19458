/**
 * WebAssembly instructions by name: their bytes, operands and results, as the specification's appendix lists them (core 2.0 with
 * vectors and bulk memory, the threads proposal's atomics, and relaxed fused multiply-add). Families are listed as consecutive opcodes.
 */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** What follows the opcode. */
export type Immediate = 'none' | 'memory' | 'lane' | 'memory-lane' | 'zero' | 'zero-zero';

export interface InstructionInfo {
  readonly bytes: readonly number[];
  readonly immediate: Immediate;
  /** Log2 of the bytes of memory it touches, where it does. */
  readonly align: number;
}

const table = new Map<string, InstructionInfo>();

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);

interface Family {
  readonly prefix?: number;
  readonly immediate?: Immediate;
  /** Log2 of the bytes touched, one for each name. */
  readonly aligns?: readonly number[];
}

/** Names of consecutive opcodes from `first` on; `-` leaves one out. */
function family(first: number, names: string, { prefix, immediate = 'none', aligns = [] }: Family = {}): void {
  names
    .trim()
    .split(/\s+/)
    .forEach((name, i) => {
      if (name === '-') return;
      const bytes = prefix === undefined ? [first + i] : [prefix, ...leb(first + i)];
      table.set(name, Object.freeze({ bytes, immediate, align: aligns[i] ?? 0 }));
    });
}

const each = (type: string, names: string): string =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => (name === '-' ? name : `${type}.${name}`))
    .join(' ');

const bulk = 0xfc;
const simd = 0xfd;
const atomic = 0xfe;

family(0x00, 'unreachable nop');
family(0x0f, 'return');
family(0x1a, 'drop select');
family(0x28, 'i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s i32.load16_u', {
  immediate: 'memory',
  aligns: [2, 3, 2, 3, 0, 0, 1, 1],
});
family(0x36, 'i32.store i64.store f32.store f64.store i32.store8 i32.store16', {
  immediate: 'memory',
  aligns: [2, 3, 2, 3, 0, 1],
});
family(0x3f, 'memory.size memory.grow', { immediate: 'zero' });
const intTests = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
const floatTests = 'eq ne lt gt le ge';
const intMath = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr';
const floatMath = 'abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign';
family(0x45, each('i32', intTests));
family(0x50, each('i64', intTests));
family(0x5b, each('f32', floatTests));
family(0x61, each('f64', floatTests));
family(0x67, each('i32', intMath));
family(0x79, each('i64', intMath));
family(0x8b, each('f32', floatMath));
family(0x99, each('f64', floatMath));
family(0xa7, each('i32', 'wrap_i64 trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u'));
family(0xac, each('i64', 'extend_i32_s extend_i32_u trunc_f32_s trunc_f32_u trunc_f64_s trunc_f64_u'));
family(0xb2, each('f32', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u demote_f64'));
family(0xb7, each('f64', 'convert_i32_s convert_i32_u convert_i64_s convert_i64_u promote_f32'));
family(0xbc, 'i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64');
family(0xc0, 'i32.extend8_s i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s');
family(
  0x00,
  `${each('i32', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')}
  ${each('i64', 'trunc_sat_f32_s trunc_sat_f32_u trunc_sat_f64_s trunc_sat_f64_u')}`,
  { prefix: bulk },
);
family(0x0a, 'memory.copy', { prefix: bulk, immediate: 'zero-zero' });
family(0x0b, 'memory.fill', { prefix: bulk, immediate: 'zero' });

const vectorMemory = { prefix: simd, immediate: 'memory' } as const;
family(
  0x00,
  each(
    'v128',
    `load load8x8_s load8x8_u load16x4_s load16x4_u load32x2_s load32x2_u
    load8_splat load16_splat load32_splat load64_splat store`,
  ),
  { ...vectorMemory, aligns: [4, 3, 3, 3, 3, 3, 3, 0, 1, 2, 3, 4] },
);
family(0x5c, each('v128', 'load32_zero load64_zero'), { ...vectorMemory, aligns: [2, 3] });
family(
  0x54,
  each('v128', 'load8_lane load16_lane load32_lane load64_lane store8_lane store16_lane store32_lane store64_lane'),
  { prefix: simd, immediate: 'memory-lane', aligns: [0, 1, 2, 3, 0, 1, 2, 3] },
);
family(0x0e, 'i8x16.swizzle', { prefix: simd });
family(0x0f, 'i8x16.splat i16x8.splat i32x4.splat i64x2.splat f32x4.splat f64x2.splat', { prefix: simd });
family(
  0x15,
  `i8x16.extract_lane_s i8x16.extract_lane_u i8x16.replace_lane i16x8.extract_lane_s i16x8.extract_lane_u i16x8.replace_lane
  i32x4.extract_lane i32x4.replace_lane i64x2.extract_lane i64x2.replace_lane
  f32x4.extract_lane f32x4.replace_lane f64x2.extract_lane f64x2.replace_lane`,
  { prefix: simd, immediate: 'lane' },
);
const laneTests = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u';
family(0x23, each('i8x16', laneTests), { prefix: simd });
family(0x2d, each('i16x8', laneTests), { prefix: simd });
family(0x37, each('i32x4', laneTests), { prefix: simd });
family(0x41, each('f32x4', floatTests), { prefix: simd });
family(0x47, each('f64x2', floatTests), { prefix: simd });
family(0x4d, each('v128', 'not and andnot or xor bitselect any_true'), { prefix: simd });
family(0x5e, 'f32x4.demote_f64x2_zero f64x2.promote_low_f32x4', { prefix: simd });
family(0x65, each('i8x16', 'narrow_i16x8_s narrow_i16x8_u'), { prefix: simd });
family(0x67, each('f32x4', 'ceil floor trunc nearest'), { prefix: simd });
family(0x74, each('f64x2', 'ceil floor'), { prefix: simd });
family(0x7a, each('f64x2', 'trunc'), { prefix: simd });
family(0x85, each('i16x8', 'narrow_i32x4_s narrow_i32x4_u extend_low_i8x16_s - extend_low_i8x16_u'), { prefix: simd });
family(0x94, each('f64x2', 'nearest'), { prefix: simd });
family(0xa0, each('i32x4', 'abs neg - all_true bitmask'), { prefix: simd });
family(
  0xa7,
  each(
    'i32x4',
    `extend_low_i16x8_s extend_high_i16x8_s extend_low_i16x8_u extend_high_i16x8_u
    shl shr_s shr_u add - - sub - - - mul min_s min_u max_s max_u`,
  ),
  { prefix: simd },
);
family(0xc0, each('i64x2', 'abs neg - all_true bitmask'), { prefix: simd });
family(
  0xc7,
  each(
    'i64x2',
    `extend_low_i32x4_s extend_high_i32x4_s extend_low_i32x4_u extend_high_i32x4_u
    shl shr_s shr_u add - - sub - - - mul eq ne lt_s gt_s le_s ge_s`,
  ),
  { prefix: simd },
);
const laneMath = 'abs neg - sqrt add sub mul div min max pmin pmax';
family(0xe0, each('f32x4', laneMath), { prefix: simd });
family(0xec, each('f64x2', laneMath), { prefix: simd });
family(
  0xf8,
  `i32x4.trunc_sat_f32x4_s i32x4.trunc_sat_f32x4_u f32x4.convert_i32x4_s f32x4.convert_i32x4_u
  i32x4.trunc_sat_f64x2_s_zero i32x4.trunc_sat_f64x2_u_zero f64x2.convert_low_i32x4_s f64x2.convert_low_i32x4_u`,
  { prefix: simd },
);
family(0x105, 'f32x4.relaxed_madd f32x4.relaxed_nmadd f64x2.relaxed_madd f64x2.relaxed_nmadd', { prefix: simd });

family(0x00, 'memory.atomic.notify memory.atomic.wait32 memory.atomic.wait64', {
  prefix: atomic,
  immediate: 'memory',
  aligns: [2, 2, 3],
});
family(0x10, 'i32.atomic.load i64.atomic.load', { prefix: atomic, immediate: 'memory', aligns: [2, 3] });
family(0x17, 'i32.atomic.store i64.atomic.store', { prefix: atomic, immediate: 'memory', aligns: [2, 3] });
family(0x1e, 'i32.atomic.rmw.add', { prefix: atomic, immediate: 'memory', aligns: [2] });

/** All instructions that the assembler knows, without the structured ones and constants. */
export const instructions: ReadonlyMap<string, InstructionInfo> = table;
