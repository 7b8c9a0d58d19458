/** Random expressions, compiled, against a walk over the expression tree for every element. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Graph } from '../../src/graph/graph.js';
import { NDArray } from '../../src/graph/ndarray.js';
import { sizeOf, stridesOf } from '../../src/graph/shape.js';
import { Kernel } from '../../src/ops/evaluate.js';
import {
  bin,
  bound,
  cast,
  int,
  lazy,
  literal,
  reduce,
  select,
  un,
  type Expr,
  type Lazy,
  type Variable,
} from '../../src/ops/expr.js';
import type { RegisteredOp } from '../../src/ops/opdef.js';
import { binary, conversion, identityOf, unary } from '../../src/ops/scalar.js';

type Env = ReadonlyMap<Variable, number>;

function naive(e: Expr, env: Env, inputs: readonly NDArray[]): number {
  const at = (x: Expr) => naive(x, env, inputs);
  switch (e.kind) {
    case 'literal':
      return e.value as number;
    case 'variable':
      return env.get(e)!;
    case 'load': {
      const strides = stridesOf(e.shape);
      const source = e.source as { readonly position: number };
      return inputs[source.position]!.element(e.index.reduce((sum, i, k) => sum + at(i) * strides[k]!, 0)) as number;
    }
    case 'unary':
      return unary(e.op, e.x.dtype)(at(e.x)) as number;
    case 'binary':
      return binary(e.op, e.a.dtype)(at(e.a), at(e.b)) as number;
    case 'cast':
      return conversion(e.x.dtype, e.dtype)(at(e.x)) as number;
    case 'select':
      return at(e.test) !== 0 ? at(e.yes) : at(e.no);
    case 'bound':
      return at(e.index);
    case 'reduce': {
      // So few terms are one leaf, taken in sequence.
      let result = identityOf(e.op, e.dtype) as number;
      const extents = e.over.map((v) => v.extent);
      const strides = stridesOf(extents);
      for (let k = 0; k < sizeOf(extents); k++) {
        const inner = new Map(env);
        e.over.forEach((v, axis) => inner.set(v, Math.floor(k / strides[axis]!) % v.extent));
        result = binary(e.op, e.dtype)(result, naive(e.body, inner, inputs)) as number;
      }
      return result;
    }
  }
}

/** Draws an expression; `pool` holds earlier ones that are valid in the same scope, so that nodes are shared. */
function draw(pick: (n: number) => number, x: Lazy, y: Lazy, index: readonly Expr[]): Expr {
  const float = (depth: number, scope: readonly Expr[], pool: Expr[]): Expr => {
    if (pool.length > 0 && pick(4) === 0) return pool[pick(pool.length)]!;
    const deeper = () => float(depth - 1, scope, pool);
    const result = depth === 0 ? leaf(scope) : inner(depth, scope, pool, deeper);
    pool.push(result);
    return result;
  };
  const position = (size: number, scope: readonly Expr[]): Expr => {
    const v = scope[pick(scope.length)] ?? int(0);
    const shifted = bin('floormod', bin('add', bin('mul', v, int(pick(3))), int(pick(4))), int(size));
    return pick(2) === 0 ? shifted : bound(shifted, size, 'i');
  };
  const leaf = (scope: readonly Expr[]): Expr => {
    switch (pick(4)) {
      case 0:
        return literal(pick(7) - 3, 'float32');
      case 1:
        return x.at(index);
      case 2:
        return x.at(x.shape.map((size) => position(size, scope)));
      default:
        return y.at([position(y.shape[0]!, scope)]);
    }
  };
  const inner = (depth: number, scope: readonly Expr[], pool: Expr[], deeper: () => Expr): Expr => {
    switch (pick(6)) {
      case 0:
        return un('neg', deeper());
      case 1:
        return bin('add', deeper(), deeper());
      case 2:
        return bin('max', deeper(), cast(scope[pick(scope.length)] ?? int(1), 'float32'));
      case 3:
        return select(
          bin('lt', deeper(), deeper()),
          float(depth - 1, scope, [...pool]),
          float(depth - 1, scope, [...pool]),
        );
      case 4:
        return reduce(pick(2) === 0 ? 'max' : 'add', pick(2) === 0 ? [3] : [2, 1], (vars) =>
          float(depth - 1, [...scope, ...vars], [...pool]),
        );
      default:
        return bin('mul', deeper(), deeper());
    }
  };
  return float(4, index, []);
}

test('compiled programs compute what the tree says', () => {
  const graph = new Graph();
  const op = graph.add({
    name: graph.takeName('test'),
    type: 'Test',
    inputs: [],
    controlInputs: [],
    attrs: {},
    outputDTypes: ['float32'],
    infer: () => [null],
  });
  fc.assert(
    fc.property(
      fc.constantFrom<readonly number[]>([], [3], [2, 3], [2, 1, 3]),
      fc.infiniteStream(fc.nat(1000)),
      (shape, stream) => {
        const x = NDArray.from(
          Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7) % 5),
          'float32',
          shape,
        );
        const y = NDArray.from([3, -1, 4, 1, -5], 'float32');
        const draws: number[] = [];
        let element: Expr;
        let index: readonly Expr[] = [];
        const lower: RegisteredOp['lower'] = ({ inputs }) => [
          lazy('float32', shape, (at) => {
            index = at;
            const pick = (n: number) => {
              draws.push(stream.next().value as number);
              return n === 0 ? 0 : draws[draws.length - 1]! % n;
            };
            return (element = draw(pick, inputs[0], inputs[1], at));
          }),
        ];
        const [result] = new Kernel({ lower, effect: 'pure' } as RegisteredOp, op).run([x, y], {
          variables: new Map(),
          counters: new Map(),
        });
        const strides = stridesOf(shape);
        for (let k = 0; k < sizeOf(shape); k++) {
          const env = new Map<Variable, number>();
          index.forEach((v, axis) => v.kind === 'variable' && env.set(v, Math.floor(k / strides[axis]!) % v.extent));
          expect(result!.element(k)).toBe(naive(element!, env, [x, y]));
        }
      },
    ),
    { numRuns: 500, seed: 7 },
  );
});
