/** All op families: importing this registers every op and gives every public function outside the namespaces. */
export {
  constant,
  identity,
  noOp,
  placeholder,
  placeholderWithDefault,
  preventGradient,
  stopGradient,
} from './constant.js';
export { group, tuple } from './control.js';
export { identityN } from './identity-n.js';
export * from './array-broadcast.js';
export * from './array-fill.js';
export * from './array-gather-nd.js';
export * from './array-gather.js';
export * from './array-join.js';
export * from './array-pad.js';
export * from './array-range.js';
export * from './array-reshape.js';
export * from './array-scan.js';
export * from './array-segment.js';
export * from './array-segment-sorted.js';
export * from './array-shape.js';
export * from './array-slice.js';
export * from './array-split.js';
export * from './array-stitch.js';
export * from './array-transpose.js';
export * from './array-unique.js';
export * from './cond.js';
export { graphFunction as function } from './function.js';
export * from './linalg.js';
export * from './map-scan.js';
export * from './math-arithmetic.js';
export * from './math-broadcast.js';
export * from './math-cast.js';
export * from './math-compare.js';
export * from './math-complex.js';
export * from './math-division.js';
export * from './math-error-function.js';
export * from './math-exponential.js';
export * from './math-guarded.js';
export * from './math-neighbour.js';
export * from './math-power.js';
export * from './math-rounding.js';
export * from './math-select.js';
export * from './math-trigonometry.js';
export * from './reduce-norm.js';
export * from './reduce-arg.js';
export * from './reduce-order.js';
export * from './reduce.js';
import './training.js';
import './variable-scatter.js';
export { vectorizedMap, type VectorizedMapOptions } from './vectorized-map.js';
export * from './while-loop.js';
export {
  globalVariables,
  globalVariablesInitializer,
  trainableVariables,
  Variable,
  variable,
  variablesInitializer,
  type VariableOptions,
} from './variable.js';
