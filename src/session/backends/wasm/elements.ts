/** Emits the expressions of a kernel: each computed once, as far out as it can be, as one element or a vector of them. */
import type { DType } from '../../../graph/dtype.js';
import type { NDArray } from '../../../graph/ndarray.js';
import type { Expr, Variable } from '../../../ops/expr.js';
import { loadIn } from '../../../ops/evaluator/bounds.js';
import { Addresses, type Address } from './addresses.js';
import { factorOf, type Affine } from './affine.js';
import type { Code, FunctionRef, Local } from './assembler/code.js';
import { Frames, type Held } from './frames.js';
import type { Node, Value } from './program.js';
import { emitReduction } from './reductions.js';
import type { Resolver } from './resolve.js';
import {
  bytesOf,
  scalarBinary,
  scalarCast,
  scalarLiteral,
  scalarLoad,
  scalarStore,
  scalarType,
  scalarUnary,
  type Libraries,
} from './scalar-ops.js';
import {
  laneNumbers,
  splat,
  vectorBinary,
  vectorCast,
  vectorLoad,
  vectorSelect,
  vectorStore,
  vectorUnary,
  type Lanes,
} from './vector-ops.js';
import type { Shared } from './shared-sums.js';
import { isTotal } from './vectorize.js';

/** What expressions need of the module and the plan. */
export interface EmitContext {
  readonly libraries: Libraries;
  /** The byte at which a stored value or a constant begins. */
  readonly address: (of: Value | NDArray) => number;
  /** Reports one number of the position that an index was loaded from. */
  readonly place: FunctionRef;
  /** Reports an index out of range: the number of its check, and the index. */
  readonly fail: FunctionRef;
  /** Numbers a place that may fail: a check of an operation, or an integer division. */
  readonly site: (of: Value, bound: Node<'bound'> | null) => number;
}

export interface VectorMode {
  readonly variable: Variable;
  readonly lanes: Lanes;
  readonly depends: (expr: Expr) => boolean;
}

export class ElementEmitter {
  readonly frames = new Frames();
  readonly code: Code;
  readonly resolver: Resolver;
  readonly shared: Shared | null;
  readonly #context: EmitContext;
  readonly #addresses: Addresses;
  #vector: VectorMode | null = null;
  /** The value whose expression is being emitted. */
  #of: Value | null = null;

  constructor(code: Code, resolver: Resolver, context: EmitContext, shared: Shared | null) {
    this.code = code;
    this.resolver = resolver;
    this.shared = shared;
    this.#context = context;
    this.#addresses = new Addresses(this);
  }

  get libraries(): Libraries {
    return this.#context.libraries;
  }

  get vector(): VectorMode | null {
    return this.#vector;
  }

  /** Opens the frame of a loop over `variable`. */
  enter(variable: Variable): { readonly local: Local; readonly extent: number } {
    const level = this.frames.open();
    const local = this.code.local('i32');
    this.frames.remember(this.id(variable), { local, dtype: 'int32', level, wide: false });
    return { local, extent: variable.extent };
  }

  /** Opens a frame in the loop of `counter` for what is so far ahead in it. */
  ahead(variable: Variable, counter: Local, by: number): void {
    const level = this.frames.open();
    this.frames.remember(this.id(variable), { local: counter, dtype: 'int32', level, wide: false, ahead: by });
  }

  /** In `build`, the elements along a variable are computed several at a time. */
  vectorized<T>(mode: VectorMode | null, build: () => T): T {
    const before = this.#vector;
    this.#vector = mode;
    const result = build();
    this.#vector = before;
    return result;
  }

  /** The elements of a value, made by its operation. */
  of(value: Value, root: Expr): Held {
    const before = this.#of;
    this.#of = value;
    const held = this.value(root);
    this.#of = before;
    return held;
  }

  id(expr: Expr): number {
    return this.resolver.indices.table.id(expr);
  }

  /** Where the element at a position is, of those of so many bytes from `start` on. */
  addressOf(position: Affine, bytes: number, start: number): Address {
    return this.#addresses.of(position, bytes, start);
  }

  know(own: Expr, held: Held): void {
    this.frames.remember(this.id(own), held);
  }

  store(value: Value, own: Node<'load'>, held: Held): void {
    const { position } = this.resolver.place(own);
    const bytes = bytesOf(value.dtype);
    const vector = this.#vector;
    const { base, offset } = this.#addresses.of(position, bytes, this.#context.address(value));
    const wide = vector && this.#asVector(held);
    this.frames.push(() => {
      this.#pushBase(base);
      if (wide) {
        this.code.get(wide.local);
        vectorStore(this.code, value.dtype, vector.lanes, offset);
      } else {
        this.code.get(held.local);
        scalarStore(this.code, value.dtype, offset);
      }
    });
  }

  value(expr: Expr): Held {
    const id = this.id(expr);
    const known = this.frames.find(id);
    if (known) return this.#usable(expr, known);
    if (expr.kind === 'load') {
      const resolved = this.resolver.resolve(expr);
      const inlined = this.resolver.inlinedAt(expr);
      if (inlined && resolved.kind !== 'load') return this.of(inlined, resolved);
      if (resolved !== expr) return this.value(resolved);
    }
    return this.frames.used(this.#emit(expr, id));
  }

  /** A loop variable that vectors run along is a vector of numbers where its value is needed. */
  #usable(expr: Expr, held: Held): Held {
    const vector = this.#vector;
    if (!vector || expr !== vector.variable) return held;
    const { lanes } = vector;
    const key = `lanes ${this.id(expr)}`;
    const known = this.frames.find(key);
    if (known) return known;
    return this.placed(key, held.level, 'int32', true, (d) => {
      this.code.get(held.local);
      if (held.ahead) this.code.i32(held.ahead).op('i32.add');
      this.code.op('i32x4.splat');
      laneNumbers(this.code, lanes);
      this.code.op('i32x4.add').set(d);
    });
  }

  placed(key: number | string | null, level: number, dtype: DType, wide: boolean, emit: (d: Local) => void): Held {
    const local = this.code.local(wide ? 'v128' : scalarType(dtype));
    return this.frames.place(key, level, { local, dtype, wide }, () => emit(local));
  }

  #asVector(held: Held): Held {
    if (held.wide) return held;
    const { lanes } = this.#vector!;
    const key = `splat ${held.local.index} ${lanes}`;
    const known = this.frames.find(key);
    if (known) return known;
    return this.placed(key, held.level, held.dtype, true, (d) => {
      this.code.get(held.local);
      splat(this.code, held.dtype, lanes);
      this.code.set(d);
    });
  }

  #emit(expr: Expr, id: number): Held {
    const { code } = this;
    switch (expr.kind) {
      case 'literal':
        return this.placed(id, 0, expr.dtype, false, (d) => {
          scalarLiteral(code, expr.dtype, expr.value);
          code.set(d);
        });
      case 'variable':
        throw new Error('A lowering uses a loop variable outside its loop.');
      case 'load':
        return this.#load(expr, id);
      case 'unary': {
        const x = this.value(expr.x);
        const { libraries } = this;
        const lanes = this.#vector?.lanes;
        return this.placed(id, x.level, expr.dtype, x.wide, (d) => {
          if (x.wide) vectorUnary(code, libraries, expr.op, expr.x.dtype, lanes!, x.local);
          else scalarUnary(code, libraries, expr.op, expr.x.dtype, x.local);
          code.set(d);
        });
      }
      case 'cast': {
        const x = this.value(expr.x);
        const lanes = this.#vector?.lanes;
        return this.placed(id, x.level, expr.dtype, x.wide, (d) => {
          if (x.wide) vectorCast(code, expr.x.dtype, expr.dtype, lanes!, x.local);
          else scalarCast(code, expr.x.dtype, expr.dtype, x.local);
          code.set(d);
        });
      }
      case 'binary':
        return this.#binary(expr);
      case 'select':
        return this.#select(expr, id);
      case 'reduce':
        return emitReduction(this, expr, id);
      case 'bound':
        return this.#bound(expr, id);
    }
  }

  /** Down the left operands without recursion: sums of many terms are long that way. */
  #binary(expr: Node<'binary'>): Held {
    const spine = [expr];
    let left = expr.a;
    for (; left.kind === 'binary' && !this.frames.find(this.id(left)); left = left.a) spine.push(left);
    let a = this.value(left);
    for (let i = spine.length - 1; i >= 0; i--) {
      const node = spine[i]!;
      a = this.combine(node.op, node.a.dtype, node.dtype, a, this.value(node.b), this.id(node));
    }
    return a;
  }

  /** `a op b`, elements of `from` giving elements of `to`. */
  combine(op: Node<'binary'>['op'], from: DType, to: DType, a: Held, b: Held, key: number | string | null): Held {
    const wide = a.wide || b.wide;
    const level = Math.max(a.level, b.level);
    const { code, libraries } = this;
    if (!wide) {
      const site = to.startsWith('int') && op !== 'add' && op !== 'mul' ? this.#context.site(this.#of!, null) : 0;
      return this.placed(key, level, to, false, (d) => {
        scalarBinary(code, libraries, op, from, a.local, b.local, site);
        code.set(d);
      });
    }
    const { lanes } = this.#vector!;
    const [x, y] = [this.#asVector(a), this.#asVector(b)];
    return this.placed(key, level, to, true, (d) => {
      vectorBinary(code, libraries, op, from, lanes, x.local, y.local);
      code.set(d);
    });
  }

  #load(expr: Node<'load'>, id: number): Held {
    const { of, position } = this.resolver.place(expr);
    const { dtype } = expr;
    const bytes = bytesOf(dtype);
    const vector = this.#vector;
    const wide = vector !== null && factorOf(position, vector.variable, vector.depends) === 1;
    const { base, offset, level } = this.#addresses.of(position, bytes, this.#context.address(of));
    return this.placed(id, level, dtype, wide, (d) => {
      this.#pushBase(base);
      if (wide) vectorLoad(this.code, dtype, vector.lanes, offset);
      else scalarLoad(this.code, dtype, offset);
      this.code.set(d);
    });
  }

  #pushBase(base: Held | null): void {
    if (base) this.code.get(base.local);
    else this.code.i32(0);
  }

  #select(expr: Node<'select'>, id: number): Held {
    const { code } = this;
    const test = this.value(expr.test);
    if (!test.wide && !isTotal(expr, this.resolver)) return this.#choice(expr, id, test);
    const [yes, no] = [this.value(expr.yes), this.value(expr.no)];
    const level = Math.max(test.level, yes.level, no.level);
    if (!test.wide && !yes.wide && !no.wide) {
      return this.placed(id, level, expr.dtype, false, (d) => {
        code.get(yes.local).get(no.local).get(test.local).op('select').set(d);
      });
    }
    const { lanes } = this.#vector!;
    const [mask, a, b] = [test, yes, no].map((held) => this.#asVector(held)) as [Held, Held, Held];
    return this.placed(id, level, expr.dtype, true, (d) => {
      vectorSelect(code, expr.dtype, lanes, mask.local, a.local, b.local);
      code.set(d);
    });
  }

  /** Only the chosen branch is computed. */
  #choice(expr: Node<'select'>, id: number, test: Held): Held {
    const { code, frames } = this;
    const lanes = this.#vector?.lanes;
    const yes = frames.branch(() => this.value(expr.yes));
    const no = frames.branch(() => this.value(expr.no));
    const wide = yes.held.wide || no.held.wide;
    return this.placed(id, frames.level, expr.dtype, wide, (d) => {
      const run = ({ thunks, held }: typeof yes) => {
        for (const thunk of thunks) thunk();
        code.get(held.local);
        if (wide && !held.wide) splat(code, held.dtype, lanes!);
        code.set(d);
      };
      code.get(test.local).if(
        () => run(yes),
        () => run(no),
      );
    });
  }

  #bound(expr: Node<'bound'>, id: number): Held {
    const { code } = this;
    const { place, fail, site } = this.#context;
    const x = this.value(expr.index);
    // The place that the index was loaded from, if it was.
    const where = (loadIn(expr.index)?.index ?? []).map((i) => this.#addresses.counter(i));
    const level = Math.max(x.level, ...where.map((held) => held.level));
    const number = site(this.#of!, expr);
    const big = x.dtype === 'int64';
    return this.placed(id, level, expr.dtype, false, (d) => {
      code.get(x.local).tee(d);
      if (big) code.i64(BigInt(expr.size)).op('i64.ge_u');
      else code.i32(expr.size).op('i32.ge_u');
      code.if(() => {
        for (const held of where) code.get(held.local).call(place);
        code.i32(number).get(x.local);
        code.op(big ? 'f64.convert_i64_s' : 'f64.convert_i32_s').call(fail);
      });
    });
  }
}
