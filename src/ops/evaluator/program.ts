/** Compiles what a tensor is, element by element, into a loop nest over instructions. */
import { dtypeInfo, type DType } from '../../graph/dtype.js';
import type { Element } from '../../graph/elements.js';
import { InvalidArgumentError } from '../../graph/errors.js';
import { sizeOf, stridesOf } from '../../graph/shape.js';
import { cast, int, variable, type Expr, type Lazy, type Source, type Variable } from '../expr.js';
import { identityOf, literalValue } from '../scalar.js';
import { boundCheck, loadIn } from './bounds.js';
import { direct } from './direct.js';
import {
  addressStart,
  addressStep,
  binaryInstruction,
  branch,
  castInstruction,
  choose,
  constant,
  load,
  loop,
  move,
  pick,
  reserve,
  sequence,
  store,
  unaryInstruction,
  type Box,
  type Case,
  type Instruction,
} from './instructions.js';
import { reduction } from './reduction.js';

/** Where a value is, and in which frame it was computed: it holds as long as that frame's loop does not move on. */
interface Value {
  readonly slot: number;
  readonly level: number;
}

/** A straight piece of code: before all loops, inside one, or a branch of a select. */
interface Frame {
  readonly code: Instruction[];
  readonly memo: Map<Expr, Value>;
}

interface Loop {
  readonly slot: number;
  readonly extent: number;
  readonly code: Instruction[];
}

/** Code kept apart from the code around it, and where its value is. */
interface Branch {
  readonly code: Instruction[];
  readonly value: Value;
}

type Node<K extends Expr['kind']> = Extract<Expr, { readonly kind: K }>;

/** Instructions that write every element of `tensor` to `out`. `boxOf` tells where a source's storage will be. */
export function compile(tensor: Lazy, out: Box, boxOf: (source: Source) => Box): Instruction {
  return new Compiler(boxOf).tensor(tensor, out);
}

class Compiler {
  readonly #boxOf: (source: Source) => Box;
  readonly #frames: Frame[] = [frame()];
  readonly #variables = new Map<Variable, Value>();
  #slots = 0;
  /** The innermost branch: its code must not move out of it. */
  #barrier = 0;
  #outputShape: readonly number[] = [];
  #outputIndex: readonly Expr[] = [];
  /** Holds the row-major position in the output. */
  #counter: Value = { slot: 0, level: 0 };
  #usesIndex = false;
  /** The reductions under way: where their own frames start, and the innermost frame outside that they depend on. */
  readonly #reductions: { readonly outside: number; depends: number }[] = [];

  constructor(boxOf: (source: Source) => Box) {
    this.#boxOf = boxOf;
  }

  tensor({ dtype, shape, at }: Lazy, out: Box): Instruction {
    const index = shape.map((extent) => (extent === 1 ? int(0) : variable(extent)));
    this.#outputShape = shape;
    this.#outputIndex = index;
    const element = at(index);
    const whole =
      shape.length > 0 ? direct(element, sizeOf(shape), out, this.#boxOf, (load) => this.#isLinear(load)) : null;
    if (whole) return whole;
    const counter = this.#slot();
    const loops: Loop[] = [];
    for (const variable of index) if (variable.kind === 'variable') loops.push(this.#enter(variable));
    this.#counter = { slot: counter, level: loops.length };
    const outer = loops.length;
    const { slot } = this.#value(element);
    this.#top().code.push(store(dtype, out, counter, slot));
    const [{ code: start }] = this.#frames as [Frame];
    start.unshift(constant('float64', counter, 0));
    reserve(this.#slots);
    if (outer === 0) return sequence(start);
    if (this.#usesIndex) return sequence([...start, nest(loops)]);
    return sequence([...start, loop(counter, sizeOf(shape), loops[outer - 1]!.code)]);
  }

  #slot = (): number => this.#slots++;

  #top(): Frame {
    return this.#frames[this.#frames.length - 1]!;
  }

  /** Opens the frame of a loop over `variable`. */
  #enter(variable: Variable): Loop {
    const opened = frame();
    const slot = this.#slot();
    this.#frames.push(opened);
    this.#variables.set(variable, { slot, level: this.#frames.length - 1 });
    return { slot, extent: variable.extent, code: opened.code };
  }

  /** Adds an instruction in the outermost loop where its operands are there, which is on `level` or inside. */
  #place(expr: Expr | null, level: number, slot: number, instruction: Instruction): Value {
    const value = { slot, level: Math.max(level, this.#barrier) };
    const { code, memo } = this.#frames[value.level]!;
    code.push(instruction);
    if (expr) memo.set(expr, value);
    return value;
  }

  #remembered(expr: Expr): Value | undefined {
    for (let level = this.#frames.length - 1; level >= 0; level--) {
      const value = this.#frames[level]!.memo.get(expr);
      if (value) return value;
    }
    return undefined;
  }

  #value(expr: Expr): Value {
    const value = expr.kind === 'variable' ? this.#variable(expr) : (this.#remembered(expr) ?? this.#compiled(expr));
    return this.#used(value);
  }

  #used(value: Value): Value {
    for (const reduction of this.#reductions) {
      if (value.level < reduction.outside && value.level > reduction.depends) reduction.depends = value.level;
    }
    return value;
  }

  #compiled(expr: Exclude<Expr, Variable>): Value {
    switch (expr.kind) {
      case 'literal':
        return this.#constant(expr, expr.dtype, literalValue(expr.value, expr.dtype));
      case 'load':
        return this.#load(expr);
      case 'unary': {
        const x = this.#value(expr.x);
        const d = this.#slot();
        return this.#place(expr, x.level, d, unaryInstruction(expr.op, expr.x.dtype, expr.dtype, d, x.slot));
      }
      case 'cast': {
        const x = this.#value(expr.x);
        const d = this.#slot();
        return this.#place(expr, x.level, d, castInstruction(expr.x.dtype, expr.dtype, d, x.slot));
      }
      case 'binary':
        return this.#binary(expr);
      case 'select':
        return this.#select(expr);
      case 'reduce':
        return this.#reduce(expr);
      case 'bound':
        return this.#bound(expr);
    }
  }

  #variable(expr: Variable): Value {
    const value = this.#variables.get(expr);
    if (!value) throw new InvalidArgumentError('A lowering uses a loop variable outside its loop.');
    if (value.level > 0 && value.level <= this.#counter.level) this.#usesIndex = true;
    return value;
  }

  /** A constant holds everywhere, so its register is filled before all loops. */
  #constant(expr: Expr | null, dtype: DType, value: Element): Value {
    const slot = this.#slot();
    const { code, memo } = this.#frames[0]!;
    code.push(constant(dtype, slot, value));
    const constantValue = { slot, level: 0 };
    if (expr) memo.set(expr, constantValue);
    return constantValue;
  }

  /** Down the left operands without recursion: sums of many terms are long that way. */
  #binary(expr: Node<'binary'>): Value {
    const spine = [expr];
    let left = expr.a;
    for (; left.kind === 'binary' && !this.#remembered(left); left = left.a) spine.push(left);
    let a = this.#value(left);
    for (let i = spine.length - 1; i >= 0; i--) {
      const node = spine[i]!;
      const b = this.#value(node.b);
      const d = this.#slot();
      const instruction = binaryInstruction(node.op, node.a.dtype, d, a.slot, b.slot);
      a = this.#place(node, Math.max(a.level, b.level), d, instruction);
    }
    return a;
  }

  #load(expr: Node<'load'>): Value {
    const address = this.#isLinear(expr) ? this.#used(this.#counter) : this.#address(expr);
    const d = this.#slot();
    return this.#place(expr, address.level, d, load(expr.dtype, this.#boxOf(expr.source), d, address.slot));
  }

  /** Whether the index is the output's own, over an equal shape: the address then is the output's position. */
  #isLinear({ shape, index }: Node<'load'>): boolean {
    if (shape.length !== this.#outputShape.length) return false;
    for (let axis = 0; axis < shape.length; axis++) {
      if (shape[axis] !== this.#outputShape[axis]) return false;
      const [i, own] = [index[axis]!, this.#outputIndex[axis]!];
      if (i !== own && !(own.kind === 'literal' && i.kind === 'literal' && i.value === 0)) return false;
    }
    return true;
  }

  /** The row-major position of an index, each part of it worked out in the outermost loop where that is possible. */
  #address({ shape, index }: Node<'load'>): Value {
    const strides = stridesOf(shape);
    let start = 0;
    const terms: { value: Value; stride: number }[] = [];
    for (let axis = 0; axis < shape.length; axis++) {
      const i = index[axis]!;
      if (i.kind === 'literal') start += Number(i.value) * strides[axis]!;
      else terms.push({ value: this.#value(dtypeInfo(i.dtype).big ? cast(i, 'float64') : i), stride: strides[axis]! });
    }
    if (terms.length === 0) return this.#constant(null, 'float64', start);
    if (terms.length > 1) terms.sort((a, b) => a.value.level - b.value.level);
    let sum: Value | null = null;
    for (const { value, stride } of terms) {
      if (!sum && start === 0 && stride === 1) {
        sum = value;
        continue;
      }
      const d = this.#slot();
      sum = sum
        ? this.#place(null, Math.max(sum.level, value.level), d, addressStep(d, sum.slot, value.slot, stride))
        : this.#place(null, value.level, d, addressStart(d, start, value.slot, stride));
    }
    return sum!;
  }

  /** A chain of selects in the last branch is one choice of many, without recursion. */
  #select(expr: Node<'select'>): Value {
    const d = this.#slot();
    const test = this.#value(expr.test);
    const yes = this.#branch(expr.yes);
    const cases: Case[] = [];
    let rest = expr.no;
    for (; rest.kind === 'select' && !this.#remembered(rest); rest = rest.no) {
      const { code, value } = this.#branch(rest.test);
      cases.push({ test: sequence(code), t: value.slot, yes: moved(rest, d, this.#branch(rest.yes)) });
    }
    const no = this.#branch(rest);
    if (cases.length + yes.code.length + no.code.length === 0) {
      const level = Math.max(test.level, yes.value.level, no.value.level);
      return this.#place(expr, level, d, pick(expr.dtype, d, test.slot, yes.value.slot, no.value.slot));
    }
    const last = cases.length === 0 ? moved(expr, d, no) : choose(cases, moved(expr, d, no));
    return this.#place(expr, this.#frames.length - 1, d, branch(test.slot, moved(expr, d, yes), last));
  }

  #branch(expr: Expr): Branch {
    const barrier = this.#barrier;
    const opened = frame();
    this.#barrier = this.#frames.push(opened) - 1;
    const value = this.#value(expr);
    this.#frames.pop();
    this.#barrier = barrier;
    return { code: opened.code, value };
  }

  #reduce(expr: Node<'reduce'>): Value {
    const { op, dtype, over, body } = expr;
    const total = sizeOf(over.map((variable) => variable.extent));
    if (total === 0) return this.#constant(expr, dtype, identityOf(op, dtype));
    const outside = this.#frames.length;
    const reach = { outside, depends: 0 };
    this.#reductions.push(reach);
    const loops: Loop[] = [];
    for (const variable of over) {
      if (variable.extent > 1) loops.push(this.#enter(variable));
      else this.#variables.set(variable, this.#constant(null, 'int32', 0));
    }
    const term = this.#value(body);
    const d = this.#slot();
    const { begin, step, end } = reduction(op, dtype, total, term.slot, d, this.#slot);
    this.#frames.length = outside;
    this.#reductions.pop();
    const code = [begin];
    if (loops.length === 0) code.push(step);
    else {
      loops[loops.length - 1]!.code.push(step);
      code.push(nest(loops));
    }
    if (end) code.push(end);
    return this.#place(expr, reach.depends, d, sequence(code));
  }

  #bound(expr: Node<'bound'>): Value {
    const { index, size, what, dtype } = expr;
    const x = this.#value(index);
    let level = x.level;
    const place = (loadIn(index)?.index ?? []).map((i) => {
      const value = this.#value(i);
      level = Math.max(level, value.level);
      return { dtype: i.dtype, slot: value.slot };
    });
    return this.#place(expr, level, x.slot, boundCheck(what, size, dtype, x.slot, place));
  }
}

function frame(): Frame {
  return { code: [], memo: new Map() };
}

/** The branch's code, with its value moved to register `d`. */
function moved({ dtype }: Expr, d: number, { code, value }: Branch): Instruction {
  return sequence([...code, move(dtype, d, value.slot)]);
}

/** Loops inside each other: the code of each ends with the next one. */
function nest(loops: readonly Loop[]): Instruction {
  return loops.reduceRight<Instruction | null>(
    (inner, { slot, extent, code }) => loop(slot, extent, inner ? [...code, inner] : code),
    null,
  )!;
}
