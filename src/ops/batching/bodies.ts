/** Batching rules of the ops that call function bodies: the same call of bodies that compute all rows at once. */
import type { FunctionGraph } from '../../graph/function-graph.js';
import { getDefaultGraph } from '../../graph/graph.js';
import { takingBack } from '../../graph/rollback.js';
import type { Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { dtypeInfo, type DType } from '../../graph/dtype.js';
import type { TensorData } from '../../graph/ndarray.js';
import { rangeOf } from '../axes.js';
import { convertToTensor, one } from '../call.js';
import { captured } from '../capture.js';
import { callBranches, type Choice } from '../functional/branches.js';
import { callLoop } from '../functional/loops.js';
import { originalOutputs } from '../functional/results-of-call.js';
import type { Batched, BatchRule, OpView, Rows, Surroundings } from '../opdef.js';
import { constantBeside, plus } from '../rules.js';
import { argumentFor, bodyOf, trace } from '../trace.js';
import { stacked } from './operands.js';
import { rowNumbers } from './shapes.js';

/** The outputs of a call that anything uses: its result, and of what it gives for its gradient's sake what that takes. */
function usedOutputs(op: OpView, { isUsed }: Surroundings): readonly number[] {
  const originals = originalOutputs(op);
  return op.outputs.flatMap((output, i) => (i < originals || isUsed(output) ? [i] : []));
}

/** `results` in the places `used` of all outputs of `op`. */
function placed(op: OpView, used: readonly number[], results: readonly Batched[]): (Batched | null)[] {
  const all = op.outputs.map((): Batched | null => null);
  used.forEach((i, k) => (all[i] = results[k]!));
  return all;
}

/** A plain call: the operations of its body take its place. */
export const batchCall: BatchRule = (op, inputs, rows, surroundings) => {
  const body = bodyOf(op, 'f');
  const used = usedOutputs(op, surroundings);
  const wanted = used.map((i) => body.outputs[i]!);
  return placed(op, used, rows.inline(body, inputs, wanted));
};

export interface Branching {
  readonly bodies: readonly FunctionGraph[];
  readonly choice: (selector: Tensor) => Choice;
  /** Of a selector for each row, the number of the branch it chooses: int32. */
  readonly chosen: (selector: Tensor) => Tensor;
  /** Whether a tensor only stands for what another branch has. */
  readonly isStandIn: (tensor: Tensor) => boolean;
}

/** A choice for all rows is made among bodies for all rows; one for each row divides them among the branches. */
export function branchesForRows(branchingOf: (op: OpView) => Branching): BatchRule {
  return (op, inputs, rows, surroundings) => {
    const [selector, ...operands] = inputs.slice(0, op.inputs.length) as [Batched, ...Batched[]];
    const used = usedOutputs(op, surroundings);
    const branching = branchingOf(op);
    return selector.stacked
      ? divided(op, branching, selector.tensor, operands, rows, used)
      : undivided(op, branching, selector.tensor, operands, rows, used);
  };
}

/** The same branch for all rows, whichever it is. */
function undivided(
  op: OpView,
  branching: Branching,
  selector: Tensor,
  operands: readonly Batched[],
  rows: Rows,
  used: readonly number[],
): readonly (Batched | null)[] {
  const graph = getDefaultGraph();
  const traced = branching.bodies.map((body) =>
    trace(body.name, graph, [], () =>
      rows.inline(
        body,
        operands,
        used.map((i) => body.outputs[i]!),
      ),
    ),
  );
  const isStacked = used.map((_, k) => traced.some(({ result }) => result[k]!.stacked));
  for (const { body, result } of traced) {
    const outputs = body.asDefault(() =>
      result.map((value, k) => captured(body, isStacked[k] ? rows.stack(value) : value.tensor)),
    );
    body.setOutputs(outputs);
  }
  const bodies = traced.map(({ body }) => body);
  const outputs = callBranches(branching.choice(selector), bodies, used.length, []);
  return placed(
    op,
    used,
    outputs.map((tensor, k) => ({ tensor, stacked: isStacked[k]! })),
  );
}

/** Each branch computes the rows that choose it; the results are put back in order. */
function divided(
  op: OpView,
  { bodies, chosen, isStandIn }: Branching,
  selector: Tensor,
  operands: readonly Batched[],
  rows: Rows,
  used: readonly number[],
): readonly (Batched | null)[] | null {
  if (used.some((i) => op.outputs[i]!.dtype === 'variant') || operands.some(isStackedList)) return null;
  const branch = chosen(selector);
  const members = bodies.map((_, j) => positionsWhere(one('Equal', [branch, j])));
  const parts = bodies.map((body, j) => {
    const few = rows.resized(one('Size', [members[j]!]));
    const wanted = used.map((i) => body.outputs[i]!);
    const results = few.inline(body, taken(operands, members[j]!), wanted);
    return { few, wanted, results };
  });
  const order = one('InvertPermutation', [one('ConcatV2', [members, 0], {}, { name: 'concat' })]);
  const results = used.map((_, k) => {
    const real = parts.find(({ wanted }) => !isStandIn(wanted[k]!))!;
    const like = real.few.stack(real.results[k]!);
    const pieces = parts.map(({ few, wanted, results }) =>
      isStandIn(wanted[k]!) ? blank(like, few.size) : few.stack(results[k]!),
    );
    return one('GatherV2', [one('ConcatV2', [pieces, 0], {}, { name: 'concat' }), order, 0]);
  });
  return placed(op, used, stacked(results));
}

const isStackedList = ({ tensor, stacked: is }: Batched): boolean => is && tensor.dtype === 'variant';

/** The positions of a vector where it is true: int32. */
function positionsWhere(condition: Tensor): Tensor {
  return one('Cast', [one('Reshape', [one('Where', [condition]), [-1]])], { DstT: 'int32' });
}

/** Operands for some of the rows only. */
function taken(operands: readonly Batched[], members: Tensor): readonly Batched[] {
  return operands.map((operand) =>
    operand.stacked ? { tensor: one('GatherV2', [operand.tensor, members, 0]), stacked: true } : operand,
  );
}

/** Some number of rows like those of `like`, which nobody will look at. */
function blank(like: Tensor, size: Tensor): Tensor {
  const row = one('Slice', [one('Shape', [like]), [1], [-1]]);
  const shape = one('ConcatV2', [[one('Reshape', [size, [1]]), row], 0], {}, { name: 'concat' });
  return one('Fill', [shape, constantBeside(like, zeroFor(like.dtype), like.dtype)]);
}

function zeroFor(dtype: DType): TensorData {
  const { kind } = dtypeInfo(dtype);
  return kind === 'string' ? '' : kind === 'bool' ? false : 0;
}

/** A loop, and how its variables are had for all rows. */
interface BatchedLoop {
  readonly op: OpView;
  readonly cond: FunctionGraph;
  readonly body: FunctionGraph;
  readonly inputs: readonly Batched[];
  readonly rows: Rows;
  /** The positions of the variables; what is not among them is the same in every iteration, or used by nothing. */
  readonly variables: readonly number[];
  readonly invariant: readonly boolean[];
}

/** A loop that all rows leave at once has variables for all rows; where each row has its own end, those still in it go on. */
export const batchLoop: BatchRule = (op, given, rows, surroundings) => {
  const [cond, body] = [bodyOf(op, 'cond'), bodyOf(op, 'body')];
  const inputs = given.slice(0, op.inputs.length);
  const used = new Set(usedOutputs(op, surroundings));
  const invariant = body.outputs.map((output, i) => i > 1 && output === body.inputs[i]);
  const variables = inputs.flatMap((_, i) => (!invariant[i] && (used.has(i) || i < 2) ? [i] : []));
  const loop: BatchedLoop = { op, cond, body, inputs, rows, variables, invariant };
  const isStacked = settled(loop);
  return isStacked ? together(loop, isStacked) : oneByOne(loop);
};

/** Which variables are stacked in the end; null where the rows do not leave the loop together. */
function settled(loop: BatchedLoop): readonly boolean[] | null {
  const { cond, body, inputs, rows, variables } = loop;
  let isStacked = variables.map((i) => inputs[i]!.stacked);
  for (;;) {
    const tried = takingBack(getDefaultGraph(), () => {
      const specs = specsOf(loop, isStacked);
      return trace(`${body.name}_try`, getDefaultGraph(), specs, (args) => {
        const operands = operandsOf(loop, args, isStacked);
        const [test] = rows.inline(cond, operands, cond.outputs);
        const next = rows.inline(
          body,
          operands,
          variables.map((i) => body.outputs[i]!),
        );
        return { test: test!.stacked, next: next.map((value) => value.stacked) };
      }).result;
    });
    if (tried.test) return null;
    const more = isStacked.map((is, k) => is || tried.next[k]!);
    if (more.every((is, k) => is === isStacked[k])) return more[0] || more[1] ? null : more;
    isStacked = more;
  }
}

/** The static shapes of the variables in every iteration. */
function shapesOf({ op, variables, rows }: BatchedLoop, isStacked: readonly boolean[]): readonly Shape[] {
  return variables.map((i, k) => {
    const { shape, dtype } = op.outputs[i]!;
    return isStacked[k] && dtype !== 'variant' ? shape && [rows.count, ...shape] : shape;
  });
}

function specsOf(loop: BatchedLoop, isStacked: readonly boolean[], start?: readonly Tensor[]) {
  const shapes = shapesOf(loop, isStacked);
  return loop.variables.map((i, k) =>
    argumentFor(start?.[k] ?? loop.inputs[i]!.tensor, loop.body.inputs[i]!.op.name, shapes[k]),
  );
}

/** What stands for the arguments of the bodies, where `args` are the variables. */
function operandsOf(loop: BatchedLoop, args: readonly Tensor[], isStacked: readonly boolean[]): readonly Batched[] {
  const operands = [...loop.inputs];
  loop.variables.forEach((i, k) => (operands[i] = { tensor: args[k]!, stacked: isStacked[k]! }));
  return operands;
}

function together(loop: BatchedLoop, isStacked: readonly boolean[]): readonly (Batched | null)[] {
  const { op, cond, body, inputs, rows, variables } = loop;
  const graph = getDefaultGraph();
  const fit = (value: Batched, k: number): Tensor => (isStacked[k] ? rows.stack(value) : value.tensor);
  const start = variables.map((i, k) => fit(inputs[i]!, k));
  const specs = specsOf(loop, isStacked, start);
  const { body: test } = trace(cond.name, graph, specs, (args, self) => {
    const [result] = rows.inline(cond, operandsOf(loop, args, isStacked), cond.outputs);
    self.setOutputs([captured(self, result!.tensor)]);
  });
  const { body: step } = trace(body.name, graph, specs, (args, self) => {
    const wanted = variables.map((i) => body.outputs[i]!);
    const next = rows.inline(body, operandsOf(loop, args, isStacked), wanted);
    self.setOutputs(next.map((value, k) => captured(self, fit(value, k))));
  });
  const outputs = callLoop({
    cond: test,
    body: step,
    inputs: start,
    shapes: shapesOf(loop, isStacked),
    parallelIterations: op.intAttr('parallel_iterations'),
    backProp: true,
  });
  return resultsOf(
    loop,
    outputs.map((tensor, k) => ({ tensor, stacked: isStacked[k]! })),
  );
}

/** The outputs of the loop, from the last values of its variables. */
function resultsOf({ op, inputs, variables, invariant }: BatchedLoop, values: readonly Batched[]) {
  const results = placed(op, variables, values);
  return results.map((result, i) => result ?? (invariant[i] ? inputs[i]! : null));
}

/** A loop whose iterations compute those rows only that are still in it. */
function oneByOne(loop: BatchedLoop): readonly (Batched | null)[] | null {
  const { op, cond, body, rows, inputs, variables } = loop;
  if (variables.some((i) => inputs[i]!.tensor.dtype === 'variant') || inputs.some(isStackedList)) return null;
  const graph = getDefaultGraph();
  const all = variables.map(() => true);
  const start = variables.map((i) => rows.stack(inputs[i]!));
  const [first] = rows.inline(cond, operandsOf(loop, start, all), cond.outputs);
  const active = positionsWhere(rows.stack(first!));
  const counters = [0, -1].map((value) => convertToTensor(value, 'int32'));
  const shapes = [[], [], [null], ...shapesOf(loop, all)];
  const specs = [...counters, active, ...start].map((tensor, k) => argumentFor(tensor, undefined, shapes[k]));
  const { body: test } = trace(cond.name, graph, specs, ([, , left], self) => {
    self.setOutputs([one('Greater', [one('Size', [left!]), 0])]);
  });
  const { body: step } = trace(body.name, graph, specs, ([count, limit, left, ...values], self) => {
    const few = rows.resized(one('Size', [left!]));
    const operands = taken(operandsOf(loop, values, all), left!);
    const wanted = variables.map((i) => body.outputs[i]!);
    const next = few.inline(body, operands, wanted).map((value) => few.stack(value));
    const [again] = few.inline(cond, after(loop, operands, next), cond.outputs);
    const still = one('GatherV2', [left!, positionsWhere(few.stack(again!)), 0]);
    const sources = newest(rows, left!);
    const merged = values.map((value, k) => {
      const both = one('ConcatV2', [[value, next[k]!], 0], {}, { name: 'concat' });
      const result = one('GatherV2', [both, sources, 0]);
      self.refineShape(result, shapes[3 + k]!);
      return result;
    });
    self.setOutputs([one('AddV2', [count!, 1], {}, { name: 'add' }), limit!, still, ...merged]);
  });
  const [, , , ...outputs] = callLoop({
    cond: test,
    body: step,
    inputs: [...counters, active, ...start],
    shapes,
    parallelIterations: op.intAttr('parallel_iterations'),
    backProp: true,
  });
  return resultsOf(loop, stacked(outputs));
}

/**
 * Where the value of each row stands when those of the rows `left` come after those of all rows. Numbers are stitched, not values: the
 * gradient of DynamicStitch goes to what has been overwritten as well.
 */
function newest(rows: Rows, left: Tensor): Tensor {
  const [all, few] = [rowNumbers(rows, 'int32'), rangeOf(0, one('Size', [left]))];
  return one('DynamicStitch', [
    [all, left],
    [all, plus(few, rows.size)],
  ]);
}

/** The operands of the next iteration. */
function after(loop: BatchedLoop, operands: readonly Batched[], next: readonly Tensor[]): readonly Batched[] {
  const result = [...operands];
  loop.variables.forEach((i, k) => (result[i] = { tensor: next[k]!, stacked: true }));
  return result;
}
