/** The functions of float64. */
import { erf, erfc } from './error-function64.js';
import { exp, expm1, tanh } from './exponential64.js';
import type { Definition, MathFunction } from './library.js';
import { log, log1p } from './logarithm.js';
import { pow } from './power64.js';
import { floormod64 as floormod } from './remainder.js';
import { cos, sin, tan } from './trigonometry64.js';

export const float64: Readonly<Record<MathFunction, Definition>> = {
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
