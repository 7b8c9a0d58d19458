/** The lowering of ArgMax and ArgMin: where along an axis the extremum is. */
import { dtypeInfo } from '../graph/dtype.js';
import { sizeOf } from '../graph/shape.js';
import { bin, cast, int, lazy, literal, reduce, select, un, type Expr } from './expr.js';
import { numbers } from './indexing.js';
import type { Lowering } from './opdef.js';
import { argumentError, axisIn, without } from './shape-rules.js';

/** The first position of the extremum along the axis in input 1. NaN is passed over; all NaN gives 0. */
export function argExtremum(which: 'max' | 'min'): Lowering {
  const worst = which === 'max' ? -Infinity : Infinity;
  return (view) => {
    const { op, value } = view;
    const [x] = view.inputs;
    const axis = axisIn(op, numbers(value(1))[0]!, x.shape.length);
    const count = x.shape[axis]!;
    const shape = without(x.shape, axis);
    if (count === 0 && sizeOf(shape) > 0)
      throw argumentError(op, `axis ${axis} is empty in shape [${x.shape.join(', ')}]`);
    const { kind } = dtypeInfo(x.dtype);
    const along = (index: readonly Expr[], i: Expr): Expr => {
      const element = x.at([...index.slice(0, axis), i, ...index.slice(axis)]);
      return kind === 'bool' ? cast(element, 'int32') : element;
    };
    const comparable = (element: Expr): Expr =>
      kind === 'float' ? select(un('isnan', element), literal(worst, element.dtype), element) : element;
    const extremum = view.temp(
      lazy(kind === 'bool' ? 'int32' : x.dtype, shape, (index) =>
        reduce(which, [count], ([i]) => comparable(along(index, i!))),
      ),
    );
    const first = view.temp(
      lazy('int32', shape, (index) => {
        const found = extremum.at(index);
        return reduce('min', [count], ([i]) => select(bin('eq', along(index, i!), found), i!, int(count)));
      }),
    );
    return [
      lazy(op.outputs[0].dtype, shape, (index) => {
        const at = first.at(index);
        return cast(select(bin('lt', at, int(count)), at, int(0)), op.outputs[0].dtype);
      }),
    ];
  };
}
