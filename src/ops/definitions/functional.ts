/** The ops that call functions of the library: conditionals, loops and plain calls. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { FunctionGraph } from '../../graph/function-graph.js';
import { NDArray } from '../../graph/ndarray.js';
import { allocate } from '../../graph/dtype.js';
import { sizeOf, type Shape } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchOnce } from '../batching/operands.js';
import { branchesForRows, batchCall, batchLoop } from '../batching/bodies.js';
import { one } from '../call.js';
import { bin, int, type Expr } from '../expr.js';
import { branchGradient } from '../functional/branch-gradient.js';
import type { Choice } from '../functional/branches.js';
import { loopGradient } from '../functional/loop-gradient.js';
import { defineOp, type Effect, type OpView, type RoutineContext } from '../opdef.js';
import { zeroOf } from '../shape-rules.js';
import { bodyOf } from '../trace.js';

/** Static output shapes, which the call records. */
function recordedShapes(op: OpView): readonly Shape[] {
  const attr = op.def.attr['output_shapes'];
  const shapes = attr?.kind === 'list' && attr.of === 'shape' ? attr.value : [];
  return op.outputs.map((_, i) => shapes[i] ?? null);
}

/** Runs a branch: the outputs nobody wants are nothing. */
function runBranch({ op, inputs, wanted, functions }: RoutineContext, body: FunctionGraph, first: number): NDArray[] {
  const results = functions.run(body, inputs.slice(first, op.inputs.length), wanted);
  return results as NDArray[];
}

/** Whether a predicate holds, which may be of any dtype: a number unless it is 0, a string or list unless it is empty. */
function holds(value: NDArray): boolean {
  if (value.shape.length > 0) return value.size > 0;
  const element = value.element(0);
  return element !== 0 && element !== 0n && element !== '' && element !== false;
}

/** The same of a scalar in compiled code. */
function isTrue(predicate: Expr): Expr {
  return predicate.dtype === 'bool' ? predicate : bin('ne', predicate, zeroOf(predicate.dtype));
}

/** The same of a number of predicates, which are scalars: a bool each. */
function truth(predicates: Tensor): Tensor {
  if (predicates.dtype === 'bool') return predicates;
  return one('NotEqual', [predicates, predicates.dtype === 'string' ? '' : 0]);
}

/** Branch indices, of which those out of range are that of the last branch. */
function inRange(index: Tensor, count: number): Tensor {
  const inside = one('LogicalAnd', [one('GreaterEqual', [index, 0]), one('Less', [index, count])]);
  return one('SelectV2', [inside, index, count - 1]);
}

/** Whether a branch has no such value, but only what stands for it. */
const isStandIn = ({ op }: Tensor): boolean => op.type === 'FakeParam';

/** The bodies of a Case, in order. */
function branchesOf(op: OpView): readonly FunctionGraph[] {
  const attr = op.attrValue('branches');
  const functions = attr.kind === 'list' && attr.of === 'func' ? attr.value : [];
  return functions.map(({ name }) => op.graph.root.function(name).body as FunctionGraph);
}

const bodiesOfIf = (op: OpView): readonly FunctionGraph[] => [bodyOf(op, 'then_branch'), bodyOf(op, 'else_branch')];

/** How a call made by these ops chooses, on `operands`. */
export const choices = {
  if: (pred: Tensor): Choice => ({
    types: ['StatelessIf', 'If'],
    operands: [pred],
    attrs: ([thenBranch, elseBranch]) => ({ then_branch: thenBranch!, else_branch: elseBranch! }) as never,
    recordsShapes: true,
  }),
  case: (index: Tensor): Choice => ({
    types: ['StatelessCase', 'Case'],
    operands: [index],
    attrs: (branches) => ({ branches }) as never,
    recordsShapes: true,
  }),
  call: (): Choice => ({
    types: ['PartitionedCall', 'StatefulPartitionedCall'],
    operands: [],
    attrs: ([f]) => ({ f: f! }) as never,
    recordsShapes: false,
  }),
};

for (const [name, effect] of [
  ['If', 'write'],
  ['StatelessIf', 'pure'],
] as readonly (readonly [string, Effect])[]) {
  defineOp({
    name,
    signature:
      'cond: Tcond, input: Tin -> output: Tout | Tcond: type, Tin: list(type) >= 0, Tout: list(type) >= 0, then_branch: func, else_branch: func, output_shapes: list(shape) = []',
    infer: recordedShapes,
    lower: {
      routine: 'if',
      run: (context) => runBranch(context, bodiesOfIf(context.op)[holds(context.inputs[0]) ? 0 : 1]!, 1),
      flow: (op) => ({ kind: 'choice', bodies: bodiesOfIf(op), test: isTrue }),
    },
    grad: (op, dys, calculus) => branchGradient(op, dys, calculus, bodiesOfIf, choices.if(op.inputs[0])),
    batch: branchesForRows((op) => ({
      bodies: bodiesOfIf(op),
      choice: choices.if,
      chosen: (cond) => one('Cast', [one('LogicalNot', [truth(cond)])], { DstT: 'int32' }),
      isStandIn,
    })),
    effect,
    samples: [],
  });
}

for (const [name, effect] of [
  ['Case', 'write'],
  ['StatelessCase', 'pure'],
] as readonly (readonly [string, Effect])[]) {
  defineOp({
    name,
    signature:
      'branch_index: int32, input: Tin -> output: Tout | Tin: list(type) >= 0, Tout: list(type) >= 0, branches: list(func) >= 1, output_shapes: list(shape) = []',
    infer: recordedShapes,
    lower: {
      routine: 'case',
      run: (context) => {
        const branches = branchesOf(context.op);
        const index = Number(context.inputs[0].element(0));
        // As in TensorFlow, the last branch stands for every index that is out of range.
        const chosen = index >= 0 && index < branches.length ? index : branches.length - 1;
        return runBranch(context, branches[chosen]!, 1);
      },
      flow: (op) => ({ kind: 'choice', bodies: branchesOf(op), test: (index, i) => bin('eq', index, int(i)) }),
    },
    grad: (op, dys, calculus) => branchGradient(op, dys, calculus, branchesOf, choices.case(op.inputs[0])),
    batch: branchesForRows((op) => {
      const bodies = branchesOf(op);
      return { bodies, choice: choices.case, chosen: (index) => inRange(index, bodies.length), isStandIn };
    }),
    effect,
    samples: [],
  });
}

for (const [name, effect] of [
  ['StatefulPartitionedCall', 'write'],
  ['PartitionedCall', 'pure'],
] as readonly (readonly [string, Effect])[]) {
  defineOp({
    name,
    signature:
      "args: Tin -> output: Tout | Tin: list(type) >= 0, Tout: list(type) >= 0, f: func, config: string = '', config_proto: string = '', executor_type: string = ''",
    infer: (op) => bodyOf(op, 'f').outputs.map(({ shape }) => shape),
    lower: {
      routine: 'call',
      run: (context) => runBranch(context, bodyOf(context.op, 'f'), 0),
      flow: (op) => ({ kind: 'call', body: bodyOf(op, 'f') }),
    },
    grad: (op, dys, calculus) => branchGradient(op, dys, calculus, (call) => [bodyOf(call, 'f')], choices.call()),
    batch: batchCall,
    effect,
    samples: [],
  });
}

for (const [name, effect] of [
  ['While', 'write'],
  ['StatelessWhile', 'pure'],
] as readonly (readonly [string, Effect])[]) {
  defineOp({
    name,
    signature:
      'input: T -> output: T | T: list(type) >= 0, cond: func, body: func, output_shapes: list(shape) = [], parallel_iterations: int = 10',
    infer: recordedShapes,
    lower: {
      routine: 'while',
      run: runLoop,
      flow: (op) => ({ kind: 'loop', cond: bodyOf(op, 'cond'), body: bodyOf(op, 'body') }),
    },
    grad: loopGradient,
    batch: batchLoop,
    effect,
    samples: [],
  });
}

/** Runs a loop with only those of its variables that a wanted output or the condition depends on. */
function runLoop({ op, inputs, wanted, functions }: RoutineContext): readonly NDArray[] {
  const [cond, body] = [bodyOf(op, 'cond'), bodyOf(op, 'body')];
  const live = liveVariables(cond, body, wanted, functions);
  let values: readonly (NDArray | null)[] = inputs
    .slice(0, op.inputs.length)
    .map((value, i) => (live[i] ? value : null));
  for (;;) {
    const [test] = functions.run(cond, values, [true]);
    if (!holds(test!)) return values as readonly NDArray[];
    values = functions.run(body, values, live);
  }
}

const liveSets = new WeakMap<FunctionGraph, Map<string, readonly boolean[]>>();

function liveVariables(
  cond: FunctionGraph,
  body: FunctionGraph,
  wanted: readonly boolean[],
  functions: RoutineContext['functions'],
): readonly boolean[] {
  let known = liveSets.get(body);
  if (!known) liveSets.set(body, (known = new Map<string, readonly boolean[]>()));
  const key = wanted.join();
  const found = known.get(key);
  if (found) return found;
  const tested = functions.needs(cond, [true]);
  let live = wanted.map((want, i) => want || tested[i]!);
  for (;;) {
    const needed = functions.needs(body, live);
    const more = live.map((is, i) => is || needed[i]!);
    if (more.every((is, i) => is === live[i])) break;
    live = more;
  }
  known.set(key, live);
  return live;
}

defineOp({
  name: 'FakeParam',
  signature: '-> output: dtype | dtype: type, shape: shape',
  infer: (op) => [op.shapeAttr('shape')],
  // Nothing reads it: it stands in a branch for what only the other branches have.
  lower: {
    routine: 'fakeParam',
    run: ({ op }) => {
      const shape = (op.shapeAttr('shape') ?? []).map((dim) => dim ?? 0);
      const dtype = op.typeAttr('dtype');
      if (dtype === 'variant' || dtype === 'resource') {
        throw new InvalidArgumentError(`FakeParam '${op.name}' cannot stand for a ${dtype}.`, op.details());
      }
      return [new NDArray(dtype, shape, allocate(dtype, sizeOf(shape)))];
    },
    standsIn: true,
  },
  grad: 'none',
  batch: batchOnce,
  effect: 'pure',
  samples: [],
});
