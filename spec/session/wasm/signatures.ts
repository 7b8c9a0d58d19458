/** What instructions take and give, by their names' own rules: nothing of the assembler's table is used. */
import type { FunctionType } from '../../../src/session/backends/wasm/assembler/code.js';
import type { ValueType } from '../../../src/session/backends/wasm/assembler/instructions.js';

const type = (params: readonly ValueType[], ...results: readonly ValueType[]): FunctionType => ({ params, results });

const irregular: Readonly<Record<string, FunctionType>> = {
  unreachable: type([]),
  nop: type([]),
  return: type([]),
  drop: type(['i32']),
  select: type(['f64', 'f64', 'i32'], 'f64'),
  'memory.size': type([], 'i32'),
  'memory.grow': type(['i32'], 'i32'),
  'memory.copy': type(['i32', 'i32', 'i32']),
  'memory.fill': type(['i32', 'i32', 'i32']),
  'memory.atomic.notify': type(['i32', 'i32'], 'i32'),
  'memory.atomic.wait32': type(['i32', 'i32', 'i64'], 'i32'),
  'memory.atomic.wait64': type(['i32', 'i64', 'i64'], 'i32'),
  'v128.not': type(['v128'], 'v128'),
  'v128.bitselect': type(['v128', 'v128', 'v128'], 'v128'),
  'v128.any_true': type(['v128'], 'i32'),
};

const lanes: Readonly<Record<string, ValueType>> = {
  i8x16: 'i32',
  i16x8: 'i32',
  i32x4: 'i32',
  i64x2: 'i64',
  f32x4: 'f32',
  f64x2: 'f64',
};

const unary = /^(clz|ctz|popcnt|abs|neg|ceil|floor|trunc|nearest|sqrt|extend\d+_s)$/;
const comparison = /^(eq|ne|lt|gt|le|ge)(_[su])?$/;

function memory(of: ValueType, op: string): FunctionType {
  if (op.endsWith('_lane')) return op.startsWith('load') ? type(['i32', 'v128'], 'v128') : type(['i32', 'v128']);
  if (op.includes('rmw')) return type(['i32', of], of);
  return op.includes('load') ? type(['i32'], of) : type(['i32', of]);
}

function scalar(of: ValueType, op: string): FunctionType {
  const from = /_([if](?:32|64))(_[su])?$/.exec(op);
  if (from) return type([from[1] as ValueType], of);
  if (op === 'eqz') return type([of], 'i32');
  if (comparison.test(op)) return type([of, of], 'i32');
  return unary.test(op) ? type([of], of) : type([of, of], of);
}

function vector(lane: ValueType, op: string): FunctionType {
  if (op === 'splat') return type([lane], 'v128');
  if (op.startsWith('extract_lane')) return type(['v128'], lane);
  if (op === 'replace_lane') return type(['v128', lane], 'v128');
  if (op === 'all_true' || op === 'bitmask') return type(['v128'], 'i32');
  if (/^sh[lr]/.test(op)) return type(['v128', 'i32'], 'v128');
  if (op.startsWith('relaxed_')) return type(['v128', 'v128', 'v128'], 'v128');
  const converts = /^(extend|convert|trunc_sat|demote|promote)_/.test(op);
  return type(unary.test(op) || converts ? ['v128'] : ['v128', 'v128'], 'v128');
}

export function signature(name: string): FunctionType {
  const found = irregular[name];
  if (found) return found;
  const [prefix, op] = [name.slice(0, name.indexOf('.')), name.slice(name.indexOf('.') + 1)];
  if (/^(atomic\.)?(load|store|rmw)/.test(op)) return memory(prefix as ValueType, op);
  if (prefix === 'v128') return type(['v128', 'v128'], 'v128');
  const lane = lanes[prefix];
  return lane ? vector(lane, op) : scalar(prefix as ValueType, op);
}
