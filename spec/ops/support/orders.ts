/** To which order each op can be differentiated: found by differentiating, and by finite differences of what comes out. */
import { Graph } from '../../../src/graph/graph.js';
import { isTrainable } from '../../../src/graph/dtype.js';
import { functionsOf } from '../../../src/graph/print/functions.js';
import type { Tensor } from '../../../src/graph/tensor.js';
import * as tl from '../../../src/index.js';
import { one } from '../../../src/ops/call.js';
import { emptyList } from '../../../src/ops/definitions/tensor-list.js';
import type { RegisteredOp } from '../../../src/ops/opdef.js';
import { checkGradients, GradientCheckError } from '../../../src/testing/index.js';
import { buildSample } from '../../tensorflow/support/ops.js';
import { sampleCase, sampleCases } from './samples.js';

/** The highest order anybody asks for. */
export const orders = 3;

interface PartialCheck {
  /** What is left out, and why. */
  readonly without: string;
  readonly parts: readonly { sample: number; outputs: number[]; inputs: number[]; order: number }[];
}

/** What is checked of ops whose rules hold for some outputs and inputs only, sample by sample. */
export const partialChecks: Readonly<Record<string, PartialCheck>> = {
  PadV2: {
    without: 'the padding value, which has no gradient, as in TensorFlow',
    parts: [{ sample: 0, outputs: [0], inputs: [0], order: 3 }],
  },
  SoftmaxCrossEntropyWithLogits: {
    without: 'the labels beyond order 1: they must add up to 1, and the gradient leaves them out, as in TensorFlow',
    parts: [
      { sample: 1, outputs: [0], inputs: [0, 1], order: 1 },
      { sample: 1, outputs: [0], inputs: [0], order: 3 },
    ],
  },
};

type Program = (x: Tensor, v: tl.Variable) => Tensor;

const flag = (): Tensor => tl.constant(true);
const int = (value: number): Tensor => tl.constant(value, { dtype: 'int32' });
const list = (x: Tensor): Tensor => one('TensorListFromTensor', [x, new Int32Array(0)], { element_dtype: 'float64' });
const item = (handle: Tensor, i: number): Tensor =>
  one('TensorListGetItem', [handle, i, new Int32Array(0)], { element_dtype: 'float64' });
const stack = (handle: Tensor): Tensor =>
  one('TensorListStack', [handle, new Int32Array(0)], { element_dtype: 'float64' });
const cubes = (x: Tensor): Tensor => x.multiply(x).multiply(x);
const loop = (x: Tensor, body: (a: Tensor) => Tensor): Tensor =>
  tl.whileLoop(
    (i) => i.less(2),
    (i, a) => [i.add(1), body(a)],
    [int(0), x],
  )[1];

/** Programs of a vector of two numbers, and a variable of its shape, for ops that no sample can drive. */
export const programs: Readonly<Record<string, Program>> = {
  StatelessIf: (x) =>
    tl.cond(
      flag(),
      () => cubes(x),
      () => x,
    ),
  If: (x, v) =>
    tl.cond(
      flag(),
      () => cubes(x).multiply(v),
      () => x,
    ),
  StatelessCase: (x) => tl.switchCase(int(1) as Tensor<'int32'>, [() => x, () => cubes(x)]),
  Case: (x, v) => tl.switchCase(int(1) as Tensor<'int32'>, [() => x, () => cubes(x).multiply(v)]),
  StatelessWhile: (x) => loop(x, (a) => a.multiply(x)),
  While: (x, v) => loop(x, (a) => a.multiply(x).multiply(v)),
  PartitionedCall: (x) => tl.function(cubes)(x),
  StatefulPartitionedCall: (x, v) => tl.function((a: Tensor) => cubes(a).multiply(v))(x),
  ReadVariableOp: (_, v) => cubes(v.value()),
  ResourceGather: (_, v) => cubes(v.sparseRead([1, 0, 1])),
  TensorListFromTensor: (x) => cubes(stack(list(x))),
  TensorListStack: (x) => cubes(stack(list(x))),
  TensorListGetItem: (x) => cubes(item(list(x), 1)),
  TensorListSetItem: (x) => cubes(stack(one('TensorListSetItem', [list(x), 0, item(list(x), 1)]))),
  TensorListPushBack: (x) =>
    cubes(stack(one('TensorListPushBack', [emptyList(item(list(x), 0), int(-1)), item(list(x), 0)]))),
  TensorListPopBack: (x) => {
    const { outputs } = one('TensorListPopBack', [list(x), new Int32Array(0)], { element_dtype: 'float64' }).op;
    return cubes(outputs[1]!.multiply(stack(outputs[0]!)));
  },
  TensorListResize: (x) => cubes(stack(one('TensorListResize', [list(x), 3]))),
};

/** The order up to which every applicable sample, or the program, of an op stands; null where there is none to check. */
export async function checkedOrder(def: RegisteredOp): Promise<number | null> {
  for (let order = orders; order > 0; order--) {
    try {
      return (await checkOrder(def, order)) > 0 ? order : null;
    } catch (error) {
      if (!(error instanceof GradientCheckError) && !(error instanceof tl.LookupError)) throw error;
    }
  }
  return 0;
}

/**
 * Checks the derivatives of an op up to an order.
 * @returns how many samples were checked
 * @throws GradientCheckError where one is wrong
 */
export async function checkOrder(def: RegisteredOp, order: number): Promise<number> {
  const program = programs[def.name];
  if (program) return checkProgram(def, program, order);
  let checked = 0;
  for (const part of partialChecks[def.name]?.parts ?? []) {
    const built = new Graph().asDefault(() =>
      buildSample(sampleCase(def, part.sample, { wide: true }), 'static shapes'),
    );
    await checkGradients(
      part.outputs.map((i) => built.op.outputs[i]!),
      part.inputs.map((i) => built.xs[i]!),
      { feeds: built.feeds, order: Math.min(order, part.order) },
    );
    checked++;
  }
  if (def.name in partialChecks) return checked;
  for (const sample of sampleCases(def, { wide: true })) {
    if (sample.sample.notDifferentiable !== undefined) continue;
    const { op, xs, feeds } = new Graph().asDefault(() => buildSample(sample, 'static shapes'));
    const ys = op.outputs.filter((y) => isTrainable(y.dtype));
    const inputs = xs.filter((x) => isTrainable(x.dtype));
    if (ys.length === 0 || inputs.length === 0) continue;
    await checkGradients(ys, inputs, { feeds, order });
    checked++;
  }
  return checked;
}

async function checkProgram(def: RegisteredOp, program: Program, order: number): Promise<number> {
  const graph = new Graph();
  return graph.asDefault(async () => {
    const x = tl.placeholder('float64', [2], { name: 'x' }) as Tensor;
    const v = tl.variable([0.7, -1.2], { dtype: 'float64', name: 'v' });
    const y = program(x, v);
    const bodies = functionsOf(graph, graph.operations()).flatMap(({ body }) => body.operations());
    if (![...graph.operations(), ...bodies].some((op) => op.type === def.name))
      throw new Error(`The program for ${def.name} has no such operation.`);
    const session = new tl.Session({ graph });
    session.runSync(tl.globalVariablesInitializer());
    await checkGradients(y, [x, v], { feeds: new Map([[x, [1.3, 0.4]]]), order });
    return 1;
  });
}
