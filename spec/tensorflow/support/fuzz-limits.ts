/** What TensorFlow's forward operations cannot do, and operations whose rules differ on purpose: random programs go without. */
import { isTrainable, type DType } from '../../../src/graph/dtype.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import type { NDArray } from '../../../src/graph/ndarray.js';
import { allSteps, type Program, type Step } from './fuzz-program.js';

/** Ops that no program may have, and why. */
export const excluded: Readonly<Record<string, string>> = {
  Const: 'constants are steps of their own',
  PreventGradient: 'its gradient is an error',
  Prod: 'its second derivative differs from TensorFlow on purpose',
  Cumprod: 'its gradient differs from TensorFlow on purpose',
  EuclideanNorm: 'its gradient differs from TensorFlow on purpose',
  SegmentMax: 'its gradient differs from TensorFlow on purpose',
  SegmentMin: 'its gradient differs from TensorFlow on purpose',
  // Their forward and backward nodes are held against TensorFlow one by one, on what it has kernels for.
  ...Object.fromEntries(
    ['Conv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter', 'DepthwiseConv2dNative']
      .concat(
        ['DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter', 'MaxPool', 'MaxPoolGrad'],
        ['MaxPoolGradGrad', 'AvgPool', 'AvgPoolGrad'],
      )
      .map((op) => [
        op,
        'on the CPU TensorFlow has kernels for some of its groups, dilations, layouts and paddings only',
      ]),
  ),
};

interface Given {
  readonly tensor: Tensor;
  readonly value: NDArray;
}

const realPart: Readonly<Partial<Record<DType, DType>>> = { complex64: 'float32', complex128: 'float64' };

/** Whether TensorFlow has a kernel for this: some of its ops promise more dtypes and shapes than they run. */
export function runsInTensorFlow(op: string, inputs: readonly Given[], outputs: readonly Tensor[]): boolean {
  const [first] = inputs;
  if (!first) return true;
  switch (op) {
    case 'Real':
    case 'Imag':
    case 'Angle':
    case 'ComplexAbs':
      return outputs[0]!.dtype === (realPart[first.tensor.dtype] ?? first.tensor.dtype);
    case 'RealDiv':
    case 'Reciprocal':
    case 'Round':
      return isTrainable(first.tensor.dtype);
    case 'SplitV':
      // An unknown axis is taken for the last one.
      return inputs[2]!.tensor.op.type === 'Const';
    case 'Pow':
      // Where the exponent is known to be 0.5 everywhere, its optimizer takes the root of the base, in the shape of the base alone.
      return first.value.shape.join() === outputs[0]!.shape?.join();
    case 'Complex':
      return realPart[outputs[0]!.dtype] === first.tensor.dtype;
    case 'ReciprocalGrad':
    case 'TanhGrad':
    case 'SigmoidGrad':
    case 'SoftplusGrad':
    case 'SqrtGrad':
    case 'RsqrtGrad':
    case 'ReluGrad':
    case 'Relu6Grad':
    case 'LeakyReluGrad':
    case 'EluGrad':
    case 'SeluGrad':
      return inputs.every(({ value }) => value.shape.join() === first.value.shape.join());
    default:
      return true;
  }
}

/** What makes slices dense: TensorFlow does so for each use in a rule, and in its place; we once, and where they come in. */
export const ofDensifying: ReadonlySet<string> = new Set(['Const', 'StridedSlice', 'UnsortedSegmentSum']);

/** Rules that hand slices on as the values of slices in TensorFlow. */
export const handingOn: readonly string[] = ['GatherNd', 'SparseSoftmaxCrossEntropyWithLogits'];

/** Ops whose gradients are slices. */
export const givingSlices: readonly string[] = ['GatherNd', 'GatherV2', 'ResourceGather'];

/** What is wrong where a gradient of TensorFlow's has another shape than its x. */
export const wrongShape = 'a branch that gives no gradient gives zeros of the shape of another tensor';

/** What TensorFlow does wrong. */
export interface Fault {
  /** How it says so. */
  readonly pattern: RegExp;
  readonly why: string;
  /** What has to be in a program for this to be the reason. */
  readonly kinds?: readonly Step['kind'][];
  readonly ops?: readonly string[];
}

const branchShapes =
  'what is known of the shape of a gradient in one branch is taken for granted in the others, and outside';

/** What TensorFlow itself cannot differentiate, and why. */
const faults: readonly Fault[] = [
  {
    pattern: /Input 'y' of 'FloorMod' Op has type int32 that does not match type int64 of argument 'x'/,
    why: "ConcatV2's rule mixes an int64 axis with an int32 rank",
  },
  {
    pattern:
      /passed to 'indices' of 'DynamicStitch' Op have types \[int64, int64\] that do not match expected type int32/,
    why: 'the rule of Max and Min mixes int64 axes with int32 positions',
  },
  {
    pattern: /unsupported operand type\(s\) for \S+ '[^']*' and '[^']*'/,
    why: 'rules compute with slices as if they were tensors',
  },
  {
    pattern: /No gradient defined for operation'[^']*' \(op type: (All|Any|IsFinite|IsNan|ListDiff|Unique|Where)\)/,
    why: 'ops without gradient that do not say so: All, Any, IsFinite, IsNan, ListDiff, Unique, Where',
  },
  ...[
    /^Incompatible shapes between op input and calculated input gradient/,
    /^Cannot reshape a tensor with \d+ elements to shape/,
    /^Shapes \([\w, ]*\) and \([\w, ]*\) are not compatible/,
    /^Dimensions? (\d+ in both shapes )?must be equal, but are \d+ and \d+/,
  ].map((pattern): Fault => ({ pattern, why: branchShapes, kinds: ['cond', 'case'] })),
  {
    pattern: /^setting an array element with a sequence/,
    why: "GatherNd's rule makes slices whose values are slices",
    ops: ['GatherNd'],
  },
  {
    pattern: /Tried to take gradients \(or similar\) of a variable without handle data/,
    why: 'an imported function in another one has forgotten what is behind its handles',
  },
  {
    pattern: /^true_fn and false_fn arguments to tf.cond must have the same number, type, and overall structure/,
    why: 'one branch gives slices and the other a tensor, or slices without their dense shape',
    kinds: ['cond', 'case'],
  },
  {
    pattern: /The given optional does not match the expected shape|ArithmeticOptimizer\/AddOpsRewrite_\S* of type AddN/,
    why: branchShapes,
    kinds: ['cond', 'case'],
  },
  {
    pattern: /Incompatible shapes: \[[\d,]*\] vs\. \[[\d,]*\][^]*\{\{node \S*BiasAdd\}\}/,
    why: 'the optimiser of function bodies makes BiasAdd of constants an addition, also where channels come first',
    kinds: ['call'],
  },
  {
    pattern: /Tensor conversion requested for IndexedSlices .*without dense_shape/,
    why: 'calls of functions make slices dense, even where they cannot',
    kinds: ['call'],
  },
];

/** What is wrong in TensorFlow where it refuses a program with these words; undefined where that is not known. */
export function faultOf(program: Program, message: string): string | undefined {
  const steps = allSteps(program.steps);
  const has = (words: readonly string[] | undefined): boolean =>
    words === undefined || steps.some((step) => words.includes(step.kind === 'op' ? step.op : step.kind));
  return faults.find(({ pattern, kinds, ops }) => pattern.test(message) && has(kinds) && has(ops))?.why;
}
