/** Complex arithmetic in float64: what scalar.ts rounds to the dtype. */
import type { Complex } from '../graph/elements.js';
import type { BinaryOp, UnaryOp } from './expr.js';

const complex = (re: number, im: number): Complex => ({ re, im });
const zero = complex(0, 0);

/** |z| without overflow or underflow on the way. */
export function magnitude(z: Complex): number {
  const [x, y] = [Math.abs(z.re), Math.abs(z.im)];
  if (x === Infinity || y === Infinity) return Infinity;
  const largest = Math.max(x, y);
  // Scaling by a power of two loses no bits, unlike Math.hypot's division.
  const scale = largest > 2 ** 500 ? 2 ** -600 : largest < 2 ** -450 ? 2 ** 600 : 1;
  return Math.sqrt(x * scale * (x * scale) + y * scale * (y * scale)) / scale;
}

const multiply = (a: Complex, b: Complex): Complex => complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);

/** Smith's division: scaled, so that |b|² is never formed. */
function divide(a: Complex, b: Complex): Complex {
  if (Math.abs(b.re) >= Math.abs(b.im)) {
    const ratio = b.im / b.re;
    const scale = b.re + b.im * ratio;
    return complex((a.re + a.im * ratio) / scale, (a.im - a.re * ratio) / scale);
  }
  const ratio = b.re / b.im;
  const scale = b.re * ratio + b.im;
  return complex((a.re * ratio + a.im) / scale, (a.im * ratio - a.re) / scale);
}

function exp(z: Complex): Complex {
  const scale = Math.exp(z.re);
  return z.im === 0 ? complex(scale, z.im) : complex(scale * Math.cos(z.im), scale * Math.sin(z.im));
}

/** e^z - 1 without cancellation near 0: the real part is expm1(x) cos(y) - 2 sin²(y/2). */
function expm1(z: Complex): Complex {
  const half = Math.sin(z.im / 2);
  return complex(Math.expm1(z.re) * Math.cos(z.im) - 2 * half * half, Math.exp(z.re) * Math.sin(z.im));
}

const log = (z: Complex): Complex => complex(Math.log(magnitude(z)), Math.atan2(z.im, z.re));

function log1p(z: Complex): Complex {
  if (Math.abs(z.re) > 0.5 || Math.abs(z.im) > 0.5) return log(complex(1 + z.re, z.im));
  return complex(0.5 * Math.log1p(z.re * (2 + z.re) + z.im * z.im), Math.atan2(z.im, 1 + z.re));
}

function sqrt(z: Complex): Complex {
  if (z.re === 0 && z.im === 0) return complex(0, z.im);
  if (Math.abs(z.im) === Infinity) return complex(Infinity, z.im);
  // Halving before the root keeps |z| + |re| from overflowing.
  const t = Math.sqrt(magnitude(complex(z.re / 4, z.im / 4)) / 2 + Math.abs(z.re) / 8) * 2;
  if (z.re >= 0) return complex(t, z.im === 0 ? z.im : z.im / t / 2);
  const sign = z.im < 0 || Object.is(z.im, -0) ? -1 : 1;
  return complex(Math.abs(z.im) / t / 2, sign * t);
}

/** tanh(x + iy) = (sinh 2x + i sin 2y) / (cosh 2x + cos 2y). */
function tanh(z: Complex): Complex {
  if (Math.abs(z.re) > 20) {
    const decay = Math.exp(-2 * Math.abs(z.re));
    return complex(Math.sign(z.re), 2 * decay === 0 ? 0 : 2 * Math.sin(2 * z.im) * decay);
  }
  // cosh 2x + cos 2y = 2 (sinh² x + cos² y) without cancellation.
  const sinh = Math.sinh(z.re);
  const cos = Math.cos(z.im);
  const scale = sinh * sinh + cos * cos;
  return complex((sinh * Math.cosh(z.re)) / scale, (Math.sin(z.im) * cos) / scale);
}

/** i·z and -i·z turn the circular functions into the hyperbolic ones. */
function tan(z: Complex): Complex {
  const w = tanh(complex(-z.im, z.re));
  return complex(w.im, -w.re);
}

function sin(z: Complex): Complex {
  return complex(Math.sin(z.re) * Math.cosh(z.im), Math.cos(z.re) * Math.sinh(z.im));
}

function cos(z: Complex): Complex {
  return complex(Math.cos(z.re) * Math.cosh(z.im), -Math.sin(z.re) * Math.sinh(z.im));
}

function sign(z: Complex): Complex {
  const r = magnitude(z);
  return r === 0 ? zero : complex(z.re / r, z.im / r);
}

function pow(a: Complex, b: Complex): Complex {
  if (b.re === 0 && b.im === 0) return complex(1, 0);
  if (a.re === 0 && a.im === 0) return b.re > 0 ? zero : complex(b.re < 0 ? Infinity : NaN, NaN);
  return exp(multiply(b, log(a)));
}

const equal = (a: Complex, b: Complex): boolean => a.re === b.re && a.im === b.im;

/** Complex to complex. */
export const complexUnary: { readonly [K in UnaryOp]?: (z: Complex) => Complex } = {
  neg: (z) => complex(-z.re, -z.im),
  conj: (z) => complex(z.re, -z.im),
  sign,
  sqrt,
  exp,
  expm1,
  log,
  log1p,
  sin,
  cos,
  tan,
  tanh,
};

/** Complex to real. */
export const complexParts: { readonly [K in UnaryOp]?: (z: Complex) => number } = {
  abs: magnitude,
  real: (z) => z.re,
  imag: (z) => z.im,
  isnan: (z) => (Number.isNaN(z.re) || Number.isNaN(z.im) ? 1 : 0),
};

export const complexBinary: { readonly [K in BinaryOp]?: (a: Complex, b: Complex) => Complex } = {
  add: (a, b) => complex(a.re + b.re, a.im + b.im),
  sub: (a, b) => complex(a.re - b.re, a.im - b.im),
  mul: multiply,
  div: divide,
  pow,
};

export const complexTests: { readonly [K in BinaryOp]?: (a: Complex, b: Complex) => number } = {
  eq: (a, b) => (equal(a, b) ? 1 : 0),
  ne: (a, b) => (equal(a, b) ? 0 : 1),
};
