/** Random steps with bodies: conditionals, loops and functions. */
import { isTrainable, type DType } from '../../../src/graph/dtype.js';
import { Graph } from '../../../src/graph/graph.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import type { Shape } from '../../../src/graph/shape.js';
import { commonShape } from '../../../src/ops/functional/branches.js';
import { handled, usable } from './fuzz-chance.js';
import { buildProgram } from './fuzz-build.js';
import { Grower, type Outside } from './fuzz-grow.js';
import { Unusable, type Item, type Run, type Values } from './fuzz-item.js';
import { arrayOf, type Body, type FlowStep, type Program, type Ref } from './fuzz-program.js';
import { Recorder } from './recorder.js';

/** How deep bodies may stand in bodies. */
const deepest = 2;

/** Grows `size` steps, some of them with bodies. */
export function growSteps(grower: Grower, size: number, flow: boolean): void {
  const { chance } = grower.manner;
  // Where the first one stands.
  const first = grower.depth === 0 ? chance.below(3) : -1;
  let has = false;
  for (let i = 0, tries = 0; i < size && tries < 60; tries++) {
    const wanted: boolean = flow && i >= first && ((!has && first >= 0) || chance.oneIn(5));
    if (wanted ? growFlow(grower) : grower.grow()) {
      has ||= wanted;
      i++;
    }
  }
}

/** Adds a step with bodies. */
function growFlow(grower: Grower): boolean {
  const { chance } = grower.manner;
  const before = grower.steps.length;
  const grow = chance.of([growCond, growCond, growCond, growCase, growLoop, growLoop, growLoop, growCall, growCall]);
  try {
    if (!grow(grower)) return false;
  } catch (error) {
    if (error instanceof Unusable) return false;
    throw error;
  }
  if (grower.depth > 0 || builds(grower)) return true;
  grower.truncate(before);
  return false;
}

/** Static knowledge may be too little for a loop. */
function builds({ steps }: Grower): boolean {
  const graph = new Graph();
  const program: Program = { seed: 0, steps, calls: [] };
  try {
    graph.asDefault(() => buildProgram(program, new Recorder(graph), 'p'));
    return true;
  } catch {
    return false;
  }
}

/** A body under construction, and what it gives. */
interface Grown {
  readonly grower: Grower;
  readonly results: readonly Item[];
}

function growCond(grower: Grower): boolean {
  // TensorFlow's runtime takes nothing but bools.
  const pred = predicate(grower);
  const [first, second] = growBranches(grower, 2) as [Grown, Grown];
  const choose = (value: NDArray): number => (Number(value.element(0)) === 0 ? 1 : 0);
  return addChoice(grower, { kind: 'cond', pred, bodies: [bodyOf(first), bodyOf(second)] }, pred, choose, [
    first,
    second,
  ]);
}

function growCase(grower: Grower): boolean {
  const { chance } = grower.manner;
  const count = 1 + chance.below(3);
  const index = scalar(grower, 'int32', [-1, count]);
  const grown = growBranches(grower, count);
  const choose = (value: NDArray): number => {
    const i = Number(value.element(0));
    return i >= 0 && i < count ? i : count - 1;
  };
  return addChoice(grower, { kind: 'case', index, bodies: grown.map(bodyOf) }, index, choose, grown);
}

/** Branches that give the same dtypes, mostly in the same shapes. */
function growBranches(grower: Grower, count: number): readonly Grown[] {
  const { chance } = grower.manner;
  const first = growBody(grower, [], false);
  const grown: Grown[] = [{ grower: first, results: someResults(first) }];
  while (grown.length < count) {
    const next = growBody(grower, [], false);
    const results = grown[0]!.results.map(({ tensor, value }) => {
      const { shape } = value;
      const other = chance.oneIn(8) && isTrainable(tensor.dtype) ? [...shape.map(() => 1 + chance.below(3))] : shape;
      return like(next, tensor.dtype, other);
    });
    grown.push({ grower: next, results });
  }
  return grown;
}

function addChoice(
  grower: Grower,
  step: FlowStep,
  selector: Ref,
  choose: (value: NDArray) => number,
  grown: readonly Grown[],
): boolean {
  const number = grower.next;
  const runs = grown.map((each) => runOf(each, number));
  const run: Run = (values) => runs[choose(values[selector[0]]![selector[1]]!)]!(values, []);
  const shapes = grown[0]!.results.map((_, i) => commonShape(grown.map(({ results }) => results[i]!.tensor.shape)));
  return add(grower, step, shapes, run);
}

function growLoop(grower: Grower): boolean {
  const { chance } = grower.manner;
  const trips = scalar(grower, 'int32', [0, 3]);
  const limit = chance.oneIn(3) ? (chance.oneIn(2) ? chance.below(4) : scalar(grower, 'int32', [0, 3])) : undefined;
  const vars = given(grower);
  const invariants = chance.oneIn(4) ? vars.map(({ value }) => looser(grower, value.shape)) : undefined;
  const shapes = vars.map(({ tensor }, i): Shape => (invariants ? invariants[i]! : tensor.shape));
  const number = grower.next;
  const args = [
    [grower.standIn('int32', []), zero] as const,
    ...vars.map(({ tensor, value }, i) => [grower.standIn(tensor.dtype, shapes[i]!), value] as const),
  ];
  const inner = growBody(grower, args, true);
  const results = vars.map(({ tensor, value }, i): Item => {
    const argument = inner.items.find(({ ref }) => ref[0] === number && ref[1] === i + 1)!;
    if (chance.oneIn(6)) return argument;
    const result = settled(inner, tensor.dtype, value.shape);
    // TensorFlow takes a variable that becomes another one for the same in every iteration.
    return result.ref[0] === number ? inner.one('Identity', [result.ref])! : result;
  });
  const grown = { grower: inner, results };
  const once = runOf(grown, number);
  const read = (values: Values, ref: Ref): number => Number(values[ref[0]]![ref[1]]!.element(0));
  const run: Run = (values) => {
    const most = limit === undefined ? Infinity : typeof limit === 'number' ? limit : read(values, limit);
    let now = vars.map(({ ref }) => values[ref[0]]![ref[1]]!);
    let count = 0;
    for (; count < read(values, trips) && count < most; count++) now = [...once(values, [int(count), ...now])];
    return [int(count), ...now];
  };
  const step: FlowStep = {
    kind: 'while',
    trips,
    ...(limit !== undefined && { limit }),
    vars: vars.map(({ ref }) => ref),
    ...(invariants && { invariants }),
    bodies: [bodyOf(grown)],
  };
  return add(grower, step, [[], ...shapes], run);
}

function growCall(grower: Grower): boolean {
  const { chance } = grower.manner;
  const args = given(grower);
  const number = grower.next;
  const fitting = ({ tensor, value }: Item): readonly Item[] =>
    grower.items.filter(
      (other) => other.tensor.dtype === tensor.dtype && other.value.shape.join() === value.shape.join(),
    );
  const again = chance.oneIn(3) ? args.map((arg) => chance.of(fitting(arg))) : undefined;
  const inner = growBody(
    grower,
    args.map(({ tensor, value }) => [grower.standIn(tensor.dtype, tensor.shape), value] as const),
    again !== undefined,
  );
  const grown = { grower: inner, results: someResults(inner) };
  const once = runOf(grown, number);
  const calls = [args, ...(again ? [again] : [])];
  const run: Run = (values) =>
    calls.flatMap((items) => [
      ...once(
        values,
        items.map(({ ref }) => values[ref[0]]![ref[1]]!),
      ),
    ]);
  const step: FlowStep = {
    kind: 'call',
    args: args.map(({ ref }) => ref),
    ...(again && { again: again.map(({ ref }) => ref) }),
    bodies: [bodyOf(grown)],
  };
  const shapes = calls.flatMap(() => grown.results.map(({ tensor }) => tensor.shape));
  return add(grower, step, shapes, run);
}

/** Adds the step, if all that it gives is of use. */
function add(grower: Grower, step: FlowStep, shapes: readonly Shape[], run: Run): boolean {
  const values = run(grower.values);
  if (!values.every(usable)) return false;
  grower.push(
    step,
    values.map((value, i) => [grower.standIn(value.dtype, shapes[i]!), value] as const),
    run,
  );
  return true;
}

const int = (x: number): NDArray => arrayOf({ dtype: 'int32', shape: [], data: [x] });
const zero = int(0);

function growBody(outer: Grower, args: Outside['args'], again: boolean): Grower {
  const inner = new Grower(outer.manner, { step: outer.next, grower: outer, args, again });
  growSteps(inner, 1 + outer.manner.chance.below(4), inner.depth < deepest);
  return inner;
}

function bodyOf({ grower, results }: Grown): Body {
  return { steps: grower.steps, results: results.map(({ ref }) => ref) };
}

/** A body of step `number` run with these arguments. */
function runOf({ grower, results }: Grown, number: number): (values: Values, args: readonly NDArray[]) => NDArray[] {
  return (outside, args) => {
    const values: Values = [...outside.slice(0, number), args];
    for (const run of grower.runs) values.push(run(values));
    return results.map(({ ref }) => values[ref[0]]![ref[1]]!);
  };
}

/** One to three results of what a body has: mostly what it made last. */
function someResults(grower: Grower): readonly Item[] {
  const { chance } = grower.manner;
  const own = grower.items.slice(grower.own);
  const from = own.length > 0 && !chance.oneIn(6) ? own.slice(-4) : grower.items;
  const fitting = from.filter(({ tensor }) => handled(tensor.dtype));
  const trainable = fitting.filter(({ tensor }) => isTrainable(tensor.dtype));
  const pool = trainable.length > 0 && !chance.oneIn(5) ? trainable : fitting;
  return Array.from({ length: 1 + chance.below(3) }, () => chance.of(pool));
}

/** Something of that dtype and shape. */
function like(grower: Grower, dtype: DType, shape: readonly number[]): Item {
  const { chance } = grower.manner;
  const own = grower.items
    .slice(grower.own)
    .filter(({ tensor, value }) => tensor.dtype === dtype && value.shape.join() === shape.join());
  if (own.length > 0 && !chance.oneIn(4)) return chance.of(own);
  const ref = isTrainable(dtype)
    ? grower.fit(dtype, shape, null)
    : grower.step({ kind: 'constant', value: chance.data(dtype, shape) });
  if (ref === null) throw new Unusable(`nothing fits ${dtype} [${shape}]`);
  return grower.item(ref);
}

/** The same with a static shape that a loop can count on. */
function settled(grower: Grower, dtype: DType, shape: readonly number[]): Item {
  const item = like(grower, dtype, shape);
  const sure = grower.manner.known && item.tensor.shape?.every((dim) => dim !== null);
  if (sure) return item;
  const target = grower.step({ kind: 'constant', value: { dtype: 'int32', shape: [shape.length], data: shape } });
  const reshaped = grower.one('Reshape', [item.ref, target]);
  if (!reshaped) throw new Unusable('it cannot be reshaped');
  return reshaped;
}

function given(grower: Grower): readonly Item[] {
  const { chance } = grower.manner;
  const fitting = grower.items.filter(({ tensor }) => handled(tensor.dtype));
  const trainable = fitting.filter(({ tensor }) => isTrainable(tensor.dtype));
  const late = trainable.length > 0 ? trainable.slice(-5) : fitting;
  if (late.length === 0) throw new Unusable('there is nothing to give');
  return Array.from({ length: 1 + chance.below(3) }, () => chance.of(chance.oneIn(5) ? fitting : late));
}

/** A shape that leaves open what may change. */
function looser({ manner: { chance } }: Grower, shape: readonly number[]): Shape {
  return chance.oneIn(3) ? null : shape.map((dim) => (chance.oneIn(2) ? null : dim));
}

/** A number in that range that decides something: fed or constant. */
function scalar(grower: Grower, dtype: 'int32' | 'bool', [low, high]: readonly [number, number]): Ref {
  const { chance } = grower.manner;
  const there = grower.items.filter(({ tensor, value }) => {
    if (tensor.dtype !== dtype || value.shape.length > 0) return false;
    const x = Number(value.element(0));
    return x >= low && x <= high;
  });
  if (there.length > 0 && !chance.oneIn(3)) return chance.of(there).ref;
  const value = { dtype, shape: [], data: [low + chance.below(high - low + 1)] };
  if (grower.depth > 0 || chance.oneIn(2)) return grower.step({ kind: 'constant', value });
  return grower.step({ kind: 'placeholder', value, known: [] });
}

/** A bool: one that is there, fed or constant, or whether an integer is even. */
function predicate(grower: Grower): Ref {
  const { chance } = grower.manner;
  const integers = grower.items.filter(({ tensor, value }) => tensor.dtype === 'int32' && value.shape.length === 0);
  if (integers.length > 0 && chance.oneIn(2)) {
    const constant = (x: number): Ref =>
      grower.step({ kind: 'constant', value: { dtype: 'int32', shape: [], data: [x] } });
    const rest = grower.one('FloorMod', [chance.of(integers).ref, constant(2)]);
    const even = rest && grower.one('Equal', [rest.ref, constant(0)]);
    if (even) return even.ref;
  }
  return scalar(grower, 'bool', [0, 1]);
}
