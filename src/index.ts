/** tapeless: graph-mode symbolic differentiation. The public names, and the targets that register themselves. */
import './interop/cluster/register.js';

export type { Appended } from './graph/appended.js';
export type { AttrValue, NodeDef } from './graph/attr.js';
export type { DType, TypedArray } from './graph/dtype.js';
export type { Complex } from './graph/elements.js';
export {
  AbortedError,
  CancelledError,
  DeadlineExceededError,
  DTypeError,
  FailedPreconditionError,
  GraphFinalizedError,
  InternalError,
  InvalidArgumentError,
  LookupError,
  NotFoundError,
  OutOfMemoryError,
  PermissionDeniedError,
  ShapeError,
  TapelessError,
  UnavailableError,
  UnimplementedError,
} from './graph/errors.js';
export type { GraphDef } from './graph/graph-def/messages.js';
export { getDefaultGraph, Graph, resetDefaultGraph } from './graph/graph.js';
export { NDArray, type TensorData } from './graph/ndarray.js';
export { Operation } from './graph/operation.js';
export { appendedFromJSON } from './graph/read-appended.js';
export { printGraph, type PrintFormat, type PrintOptions } from './graph/print/print.js';
export { colocateWith, controlDependencies, device, gradientOverrideMap, nameScope } from './graph/scopes.js';
export type { Shape } from './graph/shape.js';
export type { GraphState } from './graph/state.js';
export { Tensor } from './graph/tensor.js';
export { graphView } from './graph/view.js';
export {
  customGradient,
  gradPassThrough,
  type GradientFunction,
  type GradientNest,
  type GradientVariables,
} from './gradients/custom-gradient.js';
export { explainGradient, type Explanation, type NullCause } from './gradients/explain.js';
export { gradients, type GradientOptions } from './gradients/gradients.js';
export { hessianVectorProduct, type HessianVectorProductOptions } from './gradients/hessian-vector-product.js';
export { hessians, type HessianOptions } from './gradients/hessians.js';
export {
  batchJacobian,
  jacobian,
  type JacobianOperand,
  type JacobianOptions,
  type Jacobians,
} from './gradients/jacobian.js';
export { jvp, type JvpOptions } from './gradients/jvp.js';
export { recomputeGrad } from './gradients/recompute.js';
export { noGradient, registerGradient } from './gradients/registry.js';
export {
  GradientTape,
  type TapeGradientOptions,
  type TapeGradients,
  type TapeJacobianOptions,
  type TapeOptions,
} from './gradients/tape.js';
export { importGraphDef, type ImportOptions } from './interop/import/import-graph-def.js';
export { applyAppended } from './ops/apply-appended.js';
export { convertToTensor } from './ops/call.js';
export * from './ops/definitions/index.js';
export * as nn from './ops/definitions/nn.js';
export * as random from './ops/definitions/random.js';
export { setRandomSeed } from './ops/random-seed.js';
export { IndexedSlices } from './ops/indexed-slices.js';
export type { Operand, OpOptions, TensorLike } from './ops/types.js';
export type { Feeds } from './session/feeds.js';
export type { Fetched, Fetches, IndexedSlicesValue } from './session/fetches.js';
export { RunMetadata, type StepStats } from './session/run-metadata.js';
export {
  Session,
  type Callable,
  type PartialRunOptions,
  type ResetOptions,
  type RunOptions,
  type SessionOptions,
} from './session/session.js';
export type {
  ChannelSettings,
  ClusterSpec,
  DeviceAttributes,
  GraphOptions,
  OptimizerOptions,
  RewriterConfig,
  RewriterToggle,
  SessionConfig,
} from './session/targets/cluster-options.js';
export * as train from './training/index.js';
