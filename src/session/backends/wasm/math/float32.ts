/** The functions of float32. */
import { erf, erfc } from './error-function32.js';
import { exp, expm1, tanh } from './exponential32.js';
import type { Definition, MathFunction } from './library.js';
import { log, log1p } from './logarithm.js';
import { pow } from './power32.js';
import { floormod32 as floormod } from './remainder.js';
import { cos, sin, tan } from './trigonometry32.js';

export const float32: Readonly<Record<MathFunction, Definition>> = {
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  tanh,
  erf,
  erfc,
  pow,
  floormod,
};
