/** Gradients of variable reads, dense and by rows, and slices made dense. */
import { describe, expect, test } from '@jest/globals';
import * as tl from '../../src/index.js';

function inGraph<T>(build: () => T): { graph: tl.Graph; parts: T; session: tl.Session } {
  const graph = new tl.Graph();
  return { graph, parts: graph.asDefault(build), session: new tl.Session({ graph }) };
}
const nodes = (graph: tl.Graph): string[] =>
  graph.operations().map(({ def }) => `${def.op} ${def.name}(${def.input.join(', ')})`);

describe('gradients', () => {
  test('of reads flow to the handle', () => {
    const { graph, parts, session } = inGraph(() => {
      const v = tl.variable([1, 2], { name: 'v' });
      const [dv] = tl.gradients(v.multiply(v), v);
      const [again] = tl.gradients(v.multiply(3), [v.handle]);
      return { v, dv: dv as tl.Tensor, again: again as tl.Tensor, unread: tl.gradients(v.multiply(2), v.value()) };
    });
    session.runSync(parts.v.initializer);
    expect(session.runSync([parts.dv, parts.again]).map((value) => value.toArray())).toEqual([
      [2, 4],
      [3, 3],
    ]);
    expect(parts.unread).toEqual([null]);
    expect(graph.operations().some(({ type }) => type === 'AddN')).toBe(true);
  });

  test('of gathered rows are slices, built as in TensorFlow', () => {
    const { graph, parts, session } = inGraph(() => {
      const v = tl.variable(
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
        { name: 'v' },
      );
      const rows = v.sparseRead([1, 1]);
      const [dv] = tl.gradients(rows, v);
      return { v, dv, dense: tl.convertToTensor(dv as never) };
    });
    expect(parts.dv).toBeInstanceOf(tl.IndexedSlices);
    expect(nodes(graph).filter((node) => node.includes('gradients/Gather_grad') || node.includes('Unsorted'))).toEqual([
      'Const gradients/Gather_grad/Const()',
      'Const gradients/Gather_grad/Size()',
      'Const gradients/Gather_grad/ExpandDims/dim()',
      'ExpandDims gradients/Gather_grad/ExpandDims(gradients/Gather_grad/Size, gradients/Gather_grad/ExpandDims/dim)',
      'Const gradients/Gather_grad/strided_slice/stack()',
      'Const gradients/Gather_grad/strided_slice/stack_1()',
      'Const gradients/Gather_grad/strided_slice/stack_2()',
      'StridedSlice gradients/Gather_grad/strided_slice(gradients/Gather_grad/Const, gradients/Gather_grad/strided_slice/stack, ' +
        'gradients/Gather_grad/strided_slice/stack_1, gradients/Gather_grad/strided_slice/stack_2)',
      'Const gradients/Gather_grad/concat/axis()',
      'ConcatV2 gradients/Gather_grad/concat(gradients/Gather_grad/ExpandDims, gradients/Gather_grad/strided_slice, gradients/Gather_grad/concat/axis)',
      'Reshape gradients/Gather_grad/Reshape(gradients/grad_ys_0, gradients/Gather_grad/concat)',
      'Reshape gradients/Gather_grad/Reshape_1(Gather/indices, gradients/Gather_grad/ExpandDims)',
      'StridedSlice strided_slice(gradients/Gather_grad/Const, strided_slice/stack, strided_slice/stack_1, strided_slice/stack_2)',
      'UnsortedSegmentSum UnsortedSegmentSum(gradients/Gather_grad/Reshape, gradients/Gather_grad/Reshape_1, strided_slice)',
    ]);
    session.runSync(parts.v.initializer);
    expect(session.runSync(parts.dense).toArray()).toEqual([
      [0, 0, 0],
      [2, 2, 2],
    ]);
  });

  test('slices without denseShape cannot become dense', () => {
    const { parts } = inGraph(() => new tl.IndexedSlices(tl.constant([[1, 2]]), tl.constant([0], { dtype: 'int32' })));
    expect(parts.shape).toEqual([null, 2]);
    expect(() => parts.toTensor()).toThrow(tl.InvalidArgumentError);
    expect(() => parts.toTensor()).toThrow(/have no denseShape/);
  });
});
