/** Masks under random programs: the gradient is that of the program in which only the chosen branches exist. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as tl from '../../src/index.js';
import type { GradientOptions, Tensor } from '../../src/index.js';
import { inGraph } from './support.js';

const unary = {
  log: tl.log,
  sqrt: tl.sqrt,
  rsqrt: tl.rsqrt,
  reciprocal: tl.reciprocal,
  log1p: tl.log1p,
  atanh: tl.atanh,
  square: tl.square,
  abs: tl.abs,
  tanh: tl.tanh,
  negative: tl.negative,
  half: (x: Tensor) => tl.multiply(x, 0.5),
  root: (x: Tensor) => tl.pow(x, 0.5),
  identity: tl.identity,
} as unknown as Record<string, (x: Tensor) => Tensor>;

const binary = {
  add: tl.add,
  subtract: tl.subtract,
  multiply: tl.multiply,
  divide: tl.divide,
  xlogy: tl.xlogy,
  maximum: tl.maximum,
} as unknown as Record<string, (x: Tensor, y: Tensor) => Tensor>;

/** Operands count back from the newest value; the oldest two are a vector and a scalar. */
type Step =
  | { readonly kind: 'unary'; readonly f: string; readonly a: number }
  | { readonly kind: 'binary'; readonly f: string; readonly a: number; readonly b: number }
  | { readonly kind: 'where'; readonly mask: readonly boolean[]; readonly a: number; readonly b: number };

const size = 4;
const operand = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(6));
const stepOf = (functions: readonly string[]): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.record({ kind: fc.constant('unary' as const), f: fc.constantFrom(...Object.keys(unary)), a: operand }),
    fc.record({
      kind: fc.constant('binary' as const),
      f: fc.constantFrom(...functions),
      a: operand,
      b: operand,
    }),
    fc.record({
      kind: fc.constant('where' as const),
      mask: fc.array(fc.boolean(), { minLength: size, maxLength: size }),
      a: operand,
      b: operand,
    }),
  );
const programOf = (functions: readonly string[]) => fc.array(stepOf(functions), { minLength: 2, maxLength: 7 });
const program = programOf(Object.keys(binary));
/** The gradient of a maximum is itself a choice, which masks what the gradient of that has on the other side. */
const plainProgram = programOf(Object.keys(binary).filter((name) => name !== 'maximum'));

const singular = fc.constantFrom(0, 1, -1, 0.5, 2, 3, -2);
const regular = fc.constantFrom(0.25, 0.375, 0.5, 0.625);
const vectorOf = (points: fc.Arbitrary<number>) => fc.array(points, { minLength: size, maxLength: size });

/** The newest value of the program; `choose` makes what a where gives. */
function build(
  steps: readonly Step[],
  x: Tensor,
  s: Tensor,
  choose: (mask: readonly boolean[], a: Tensor, b: Tensor) => Tensor,
) {
  const values = [s, x];
  for (const step of steps) {
    const at = (back: number): Tensor => values[Math.max(0, values.length - 1 - back)]!;
    if (step.kind === 'unary') values.push(unary[step.f]!(at(step.a)));
    else if (step.kind === 'binary') values.push(binary[step.f]!(at(step.a), at(step.b)));
    else values.push(choose(step.mask, at(step.a), at(step.b)));
  }
  return values.at(-1)!;
}

type Derivatives = readonly (readonly number[])[];

/** dy/dx, dy/ds, d²y/dx², d²y/dxds, with zeros where there is no path. */
function derivatives(y: Tensor, x: Tensor, s: Tensor, one: GradientOptions, two: GradientOptions): Derivatives {
  const [dx, ds] = tl.gradients(y, [x, s], { ...one, unconnectedGradients: 'zero' }) as Tensor[];
  const second = tl.gradients(dx!, [x, s], { ...two, unconnectedGradients: 'zero' }) as Tensor[];
  const values = new tl.Session({ graph: x.graph, backend: 'interpret' }).runSync([dx!, ds!, ...second]);
  return values.map((value) => [value.toArray()].flat() as number[]);
}

const tensorflow = { maskedNaN: 'tensorflow' } as const;

function withMasks(
  steps: readonly Step[],
  xs: readonly number[],
  s: number,
  one: GradientOptions,
  two = one,
): Derivatives {
  return inGraph(() => {
    const [x, scalar] = [tl.constant([...xs], { dtype: 'float64' }), tl.constant(s, { dtype: 'float64' })];
    const y = build(steps, x, scalar, (mask, a, b) => tl.where(mask, a as never, b as never));
    return derivatives(tl.broadcastTo(y, [size]), x, scalar, one, two);
  });
}

/** The same of the program that each element chose, by TensorFlow's rules. */
function resolved(steps: readonly Step[], xs: readonly number[], s: number): Derivatives {
  const perElement = xs.map((value, i) =>
    inGraph(() => {
      const [x, scalar] = [tl.constant(value, { dtype: 'float64' }), tl.constant(s, { dtype: 'float64' })];
      const y = build(steps, x, scalar, (mask, a, b) => (mask[i] ? a : b));
      return derivatives(tl.identity(y), x, scalar, tensorflow, tensorflow).map(([number]) => number!);
    }),
  );
  const total = (k: number) => perElement.reduce((sum, values) => sum + values[k]!, 0);
  return [perElement.map(([dx]) => dx!), [total(1)], perElement.map((values) => values[2]!), [total(3)]];
}

function close(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a), Math.abs(b));
}

function closeOrNotFinite(a: number, b: number): boolean {
  return Number.isFinite(a) ? close(a, b) : !Number.isFinite(b);
}

const parameters = { numRuns: 300, seed: 20240607 };

test('singular or not: what is chosen, and nothing else', () => {
  let rescued = 0;
  fc.assert(
    fc.property(plainProgram, vectorOf(singular), singular, (steps, xs, s) => {
      const [ours, expected] = [withMasks(steps, xs, s, {}), resolved(steps, xs, s)];
      // Where what is chosen has no first derivative, the second one passes sums that end masks.
      const orders = [...expected[0]!, ...expected[1]!].every(Number.isFinite) ? 4 : 2;
      // A scalar collects the gradients of all elements before it multiplies them by ∞: which kind of not finite is left open.
      const agree = (k: number) => (k % 2 === 0 ? close : closeOrNotFinite);
      const agrees = expected.map(
        (values, k) => k >= orders || values.every((value, i) => agree(k)(value, ours[k]![i]!)),
      );
      expect({ agrees, ours, expected }).toEqual({ agrees: [true, true, true, true], ours, expected });
      const theirs = withMasks(steps, xs, s, tensorflow);
      if (theirs.flat().some((value, i) => Number.isNaN(value) && Number.isFinite(ours.flat()[i]))) rescued++;
    }),
    parameters,
  );
  // The programs are such that it matters.
  expect(rescued).toBeGreaterThan(parameters.numRuns / 20);
});

describe('a gradient that TensorFlow gives finite stays what it is, to the last bit', () => {
  test.each([
    ['singular', singular],
    ['regular', regular],
  ])('%s points', (_, points) => {
    fc.assert(
      fc.property(program, vectorOf(points), points, (steps, xs, s) => {
        // Of order 2: the same first gradient, so that sums are in the same order.
        const [safe, theirs] = [withMasks(steps, xs, s, {}, {}), withMasks(steps, xs, s, tensorflow, tensorflow)];
        const safeOfTheirs = withMasks(steps, xs, s, tensorflow, {});
        theirs.forEach((values, k) =>
          values.forEach((value, i) => {
            if (!Number.isFinite(value)) return;
            if (k < 2) expect(safe[k]![i]! + 0).toBe(value + 0);
            else expect(safeOfTheirs[k]![i]! + 0).toBe(value + 0);
            expect(close(safe[k]![i]!, value)).toBe(true);
          }),
        );
      }),
      parameters,
    );
  });
});
