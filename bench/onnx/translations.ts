/** What each TensorFlow op that the workloads need is in ONNX. */
import type * as tl from '../../src/index.js';
import { convolution, convolutionFilter, convolutionImage, pool, poolGradient } from './images.js';
import type { ModelWriter } from './writer.js';

type Translation = (model: ModelWriter, op: tl.Operation) => void;

export const translations = new Map<string, Translation>();

const shapeOf = (tensor: tl.Tensor): readonly number[] => tensor.shape as readonly number[];

/** An op of one result, made of the names of its inputs. */
function translate(
  type: string,
  result: (model: ModelWriter, inputs: readonly string[], op: tl.Operation) => string,
): void {
  translations.set(type, (model, op) => {
    const inputs = op.inputs.map((input) => model.value(input));
    model.define(op.outputs[0]!, result(model, inputs, op));
  });
}

/** Like `translate`, where only the first input is data and the others are constants. */
function translateFirst(type: string, result: (model: ModelWriter, x: string, op: tl.Operation) => string): void {
  translations.set(type, (model, op) => {
    model.define(op.outputs[0]!, result(model, model.value(op.inputs[0]!), op));
  });
}

const same: Readonly<Record<string, string>> = {
  AddN: 'Sum',
  AddV2: 'Add',
  Cos: 'Cos',
  Exp: 'Exp',
  Identity: 'Identity',
  Log: 'Log',
  Maximum: 'Max',
  Mul: 'Mul',
  Neg: 'Neg',
  RealDiv: 'Div',
  Reciprocal: 'Reciprocal',
  Relu: 'Relu',
  SelectV2: 'Where',
  Sin: 'Sin',
  Sqrt: 'Sqrt',
  StopGradient: 'Identity',
  Sub: 'Sub',
  Tanh: 'Tanh',
};
for (const [type, onnx] of Object.entries(same)) translate(type, (model, inputs) => model.node(onnx, inputs));

translate('Square', (model, [x]) => model.node('Mul', [x!, x!]));
translate('Softmax', (model, inputs) => model.node('Softmax', inputs, { axis: -1 }));
translate('LogSoftmax', (model, inputs) => model.node('LogSoftmax', inputs, { axis: -1 }));

translate('ReluGrad', (model, [dy, x], op) => {
  const zero = model.scalar(0, op.inputs[0]!);
  return model.node('Where', [model.node('Greater', [x!, zero]), dy!, zero]);
});
translate('TanhGrad', (model, [y, dy], op) => {
  const slope = model.node('Sub', [model.scalar(1, op.inputs[0]!), model.node('Mul', [y!, y!])]);
  return model.node('Mul', [dy!, slope]);
});
translate('SqrtGrad', (model, [y, dy], op) => {
  const half = model.node('Mul', [dy!, model.scalar(0.5, op.inputs[0]!)]);
  return model.node('Div', [half, y!]);
});
translate('IsFinite', (model, [x]) => {
  const infinite = model.node('Or', [model.node('IsInf', [x!]), model.node('IsNaN', [x!])]);
  return model.node('Not', [infinite]);
});
translate('ZerosLike', (model, [x], op) => model.node('Mul', [x!, model.scalar(0, op.inputs[0]!)]));

translate('Conv2D', convolution);
translate('Conv2DBackpropInput', convolutionImage);
translate('Conv2DBackpropFilter', convolutionFilter);
translate('MaxPool', pool);
translate('MaxPoolGrad', poolGradient);

translations.set('SoftmaxCrossEntropyWithLogits', (model, op) => {
  const [logits, labels] = op.inputs.map((input) => model.value(input)) as [string, string];
  const terms = model.node('Mul', [labels, model.node('LogSoftmax', [logits], { axis: -1 })]);
  model.define(
    op.outputs[0]!,
    model.node('Neg', [model.node('ReduceSum', [terms, model.int64s([-1])], { keepdims: 0 })]),
  );
  model.define(op.outputs[1]!, model.node('Sub', [model.node('Softmax', [logits], { axis: -1 }), labels]));
});

/** Products: transposed operands of matrices go into Gemm, those of batches into a Transpose that ONNX Runtime fuses. */
translate('MatMul', (model, inputs, op) => {
  const [transA, transB] = [op.attr('transpose_a'), op.attr('transpose_b')].map((value) => (isTrue(value) ? 1 : 0)) as [
    number,
    number,
  ];
  return transA || transB ? model.node('Gemm', inputs, { transA, transB }) : model.node('MatMul', inputs);
});
translate('BatchMatMulV2', (model, inputs, op) => {
  const operands = inputs.map((name, i) => {
    if (!isTrue(op.attr(i === 0 ? 'adj_x' : 'adj_y'))) return name;
    const axes = shapeOf(op.inputs[i]!).map((_, axis) => axis);
    return model.node('Transpose', [name], { perm: [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!] });
  });
  return model.node('MatMul', operands);
});

function isTrue(value: unknown): boolean {
  return value === true || (typeof value === 'object' && value !== null && 'value' in value && value.value === true);
}

const reshaped: Parameters<typeof translateFirst>[1] = (model, x, op) =>
  model.node('Reshape', [x, model.int64s(shapeOf(op.outputs[0]!))]);
for (const type of ['Reshape', 'ExpandDims', 'Squeeze']) translateFirst(type, reshaped);

translateFirst('BroadcastTo', (model, x, op) => model.node('Expand', [x, model.int64s(shapeOf(op.outputs[0]!))]));
translateFirst('Tile', (model, x, op) => model.node('Tile', [x, model.int64s(model.integers(op.inputs[1]!))]));
translateFirst('Transpose', (model, x, op) => model.node('Transpose', [x], { perm: model.integers(op.inputs[1]!) }));
translateFirst('Slice', (model, x, op) => {
  const begin = model.integers(op.inputs[1]!);
  const end = begin.map((start, axis) => start + shapeOf(op.outputs[0]!)[axis]!);
  return model.node('Slice', [x, model.int64s(begin), model.int64s(end)]);
});
translateFirst('Pad', (model, x, op) => {
  const pairs = model.integers(op.inputs[1]!);
  const side = (which: number) => pairs.filter((_, i) => i % 2 === which);
  return model.node('Pad', [x, model.int64s([...side(0), ...side(1)])]);
});

/** Reductions: axes are an input of ReduceSum, and an attribute of the others in this version of the op set. */
const keepDims = (op: tl.Operation): number => (isTrue(op.attr('keep_dims')) ? 1 : 0);
const axesOf = (model: ModelWriter, op: tl.Operation): number[] => model.integers(op.inputs[1]!);
translateFirst('Sum', (model, x, op) => {
  const axes = axesOf(model, op);
  if (axes.length === 0) return x;
  return model.node('ReduceSum', [x, model.int64s(axes)], { keepdims: keepDims(op) });
});
for (const [type, onnx] of [
  ['Mean', 'ReduceMean'],
  ['Max', 'ReduceMax'],
] as const)
  translateFirst(type, (model, x, op) => model.node(onnx, [x], { axes: axesOf(model, op), keepdims: keepDims(op) }));
