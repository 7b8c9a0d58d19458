/** Kernels of hand-made lowerings, outside any registry. */
import type { DType } from '../../../src/graph/dtype.js';
import { Graph } from '../../../src/graph/graph.js';
import { NDArray, type TensorData } from '../../../src/graph/ndarray.js';
import { broadcastShapes } from '../../../src/graph/shape.js';
import { broadcastTo } from '../../../src/ops/elementwise.js';
import { Kernel } from '../../../src/ops/evaluate.js';
import { bin, lazy, reduce, type Expr, type ReduceOp } from '../../../src/ops/expr.js';
import type { Lowering, RegisteredOp, Resources } from '../../../src/ops/opdef.js';

export const resources: Resources = { variables: new Map(), counters: new Map() };

export function kernel(lower: RegisteredOp['lower'], outputs: readonly DType[] = ['float32']): Kernel {
  const graph = new Graph();
  const op = graph.add({
    name: graph.takeName('test'),
    type: 'Test',
    inputs: [],
    controlInputs: [],
    attrs: {},
    outputDTypes: outputs,
    infer: () => outputs.map(() => null),
  });
  return new Kernel({ lower, effect: 'pure' } as RegisteredOp, op);
}

export const run = (lower: Lowering, ...inputs: NDArray[]): NDArray => kernel(lower).run(inputs, resources)[0]!;
export const array = (data: TensorData, dtype: DType = 'float32', shape?: readonly number[]): NDArray =>
  NDArray.from(data, dtype, shape);
export const zip =
  (f: (a: Expr, b: Expr) => Expr): Lowering =>
  ({ inputs: [a, b] }) => {
    const shape = broadcastShapes(a.shape, b.shape) as readonly number[];
    const [x, y] = [broadcastTo(a, shape), broadcastTo(b, shape)];
    return [lazy(a.dtype, shape, (i) => f(x.at(i), y.at(i)))];
  };
export const add = zip((a, b) => bin('add', a, b));
export const reducing =
  (op: ReduceOp): Lowering =>
  ({ inputs: [x] }) => [lazy(x.dtype, [], () => reduce(op, x.shape, (i) => x.at(i)))];
export const f32 = (n: number, f: (i: number) => number): NDArray =>
  array(Float32Array.from({ length: n }, (_, i) => f(i)));
