/** Random programs on vectors of three, with every kind of thing that a walk has to go through. */
import fc from 'fast-check';
import * as tl from '../../src/index.js';

const plainKinds = ['tanh', 'multiply', 'add', 'where', 'sqrt', 'matmul', 'gather', 'variable', 'leaf'] as const;
export const functionKinds = ['cond', 'while', 'call', 'custom'] as const;

type FunctionKind = (typeof functionKinds)[number];
type Kind = (typeof plainKinds)[number] | FunctionKind;

/** What is made next, and of which of the tensors made before. */
export interface Step {
  readonly kind: Kind;
  readonly a: number;
  readonly b: number;
}

const step = (kinds: readonly Kind[]): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constantFrom(...kinds), a: fc.nat(1000), b: fc.nat(1000) });

/** Programs without function bodies. */
export const plainPrograms = fc.array(step(plainKinds), { minLength: 1, maxLength: 6 });

/** Programs with a function body of that kind. */
export const programsWith = (kind: FunctionKind): fc.Arbitrary<Step[]> =>
  fc
    .tuple(fc.array(step(plainKinds), { maxLength: 2 }), step([kind]), fc.array(step(plainKinds), { maxLength: 1 }))
    .map(([before, inner, after]) => [...before, inner, ...after]);

export interface Built {
  readonly g: tl.Graph;
  readonly x: tl.Tensor;
  readonly w: tl.Variable;
  readonly y: tl.Tensor;
}

/** A graph of its own with that program; the same for the same steps. */
export function build(steps: readonly Step[]): Built {
  const g = new tl.Graph();
  return g.asDefault(() => {
    const x = tl.placeholder('float32', [3], { name: 'x' });
    const w = tl.variable([1, 2, 3], { name: 'w' });
    const tensors: tl.Tensor[] = [x];
    for (const { kind, a, b } of steps) {
      // The newest is likelier, so that most of a program leads to its end.
      const pick = (n: number) => tensors[tensors.length - 1 - (n % 2 === 0 ? 0 : n % tensors.length)]!;
      tensors.push(make(kind, pick(a), pick(b), w));
    }
    const y = tl.addN([tensors.at(-1)!, tl.multiply(x, 2)], { name: 'y' });
    return { g, x, w, y };
  });
}

function make(kind: Kind, x: tl.Tensor, y: tl.Tensor, w: tl.Variable): tl.Tensor {
  const zero = tl.constant(0, { dtype: 'int32' });
  switch (kind) {
    case 'tanh':
      return tl.tanh(x);
    case 'multiply':
      return tl.multiply(x, y);
    case 'add':
      return tl.add(x, y);
    case 'where':
      return tl.where(tl.greater(x, 0.5), tl.log(y), x);
    case 'sqrt':
      return tl.sqrt(tl.abs(x));
    case 'matmul':
      return tl.reshape(tl.matmul(tl.reshape(x, [1, 3]), tl.reshape(tl.tile(y, [3]), [3, 3])), [3]);
    case 'gather':
      return tl.gather(y, [2, 0, 0]);
    case 'variable':
      return tl.multiply(tl.gather(w, [0, 0, 1]), x);
    case 'leaf':
      return tl.multiply(x, [1, 2, 3]);
    case 'cond':
      return tl.cond(
        tl.greater(tl.reduceSum(x), 0),
        () => tl.multiply(x, w),
        () => tl.sin(y),
      );
    case 'while':
      return tl.whileLoop(
        (i) => tl.less(i, 3),
        (i, z) => [tl.add(i, 1), tl.multiply(z, y)],
        [zero, x],
      )[1];
    case 'call':
      return tl.function((z: tl.Tensor) => tl.multiply(z, y))(x);
    case 'custom':
      return tl.customGradient((z: tl.Tensor) => [tl.exp(z), (dy: tl.Tensor) => tl.multiply(dy, 2)])(x);
  }
}
