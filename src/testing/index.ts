/** tapeless/testing: gradients against finite differences. The public names and nothing else. */
export { checkGradients, type CheckGradientsOptions } from './check-gradients.js';
export { computeGradient, type Jacobians } from './compute-gradient.js';
export { gradientMatchers, type GradientMatchers } from './matchers.js';
export type { Checkable, ComputeGradientOptions } from './operands.js';
export { GradientCheckError, type GradientReport, type InputReport, type Mismatch } from './report.js';
