/** What a gradient check found: its report, and the error that tells of a gradient that is wrong. */
import { TapelessError, type ErrorDetails } from '../graph/errors.js';

/** One input compared at one order. */
export interface InputReport {
  /** The tensor or variable, or, beyond order 1, the gradient fed to a y: `gradYs[0]`. */
  readonly input: string;
  readonly order: number;
  /** How many real numbers were compared one by one; 0 where one random direction agreed. */
  readonly elements: number;
  /** The largest error, relative to the size of the derivative, beyond what rounding explains. */
  readonly maxError: number;
  readonly tolerance: number;
  /** The step of the central differences, for numbers of size 1 or less. */
  readonly step: number;
}

/** What a check that succeeded compared. */
export interface GradientReport {
  readonly order: number;
  /** Repeats the same random directions. */
  readonly seed: number;
  readonly maxError: number;
  readonly inputs: readonly InputReport[];
}

/** A derivative that differs from its finite difference. */
export interface Mismatch {
  readonly input: string;
  readonly order: number;
  /** The element of the input, such as `[1, 2]`, or null for a difference along a random direction. */
  readonly element: string | null;
  /** The central difference. */
  readonly expected: number;
  /** What the gradient gave. */
  readonly got: number;
  readonly step: number;
  readonly relativeError: number;
  readonly tolerance: number;
  readonly note: string | null;
}

/** A gradient disagrees with finite differences. The message is a report; the fields are those of its worst number. */
export class GradientCheckError extends TapelessError {
  readonly code = 'GRADIENT_CHECK';
  /** The worst number of each input that fails. */
  readonly mismatches: readonly Mismatch[];
  readonly input: string;
  readonly order: number;
  readonly element: string | null;
  readonly expected: number;
  readonly got: number;
  readonly step: number;
  readonly relativeError: number;

  constructor(what: string, mismatches: readonly Mismatch[], seed: number, details: ErrorDetails) {
    super(describe(what, mismatches, seed, details), details);
    const worst = mismatches[0]!;
    this.mismatches = mismatches;
    this.input = worst.input;
    this.order = worst.order;
    this.element = worst.element;
    this.expected = worst.expected;
    this.got = worst.got;
    this.step = worst.step;
    this.relativeError = worst.relativeError;
  }
}

function describe(
  what: string,
  mismatches: readonly Mismatch[],
  seed: number,
  { op, createdAt }: ErrorDetails,
): string {
  const [worst, ...others] = mismatches as readonly [Mismatch, ...Mismatch[]];
  const site = op === undefined ? '' : ` (${op}, created at ${createdAt ?? '?'})`;
  const lines = [
    `The gradient of ${what} with respect to ${worst.input} disagrees with finite differences (order ${worst.order}).`,
    `  input     ${worst.input}${site}`,
    `  element   ${worst.element === null ? 'none: a random direction' : worst.element || 'the scalar'}`,
    `  expected  ${number(worst.expected)}  (central difference, step ${short(worst.step)})`,
    `  got       ${number(worst.got)}  (gradient)`,
    `  error     ${short(worst.relativeError)} relative, ${short(worst.tolerance)} allowed; seed ${seed}`,
  ];
  if (worst.note) lines.push(`  note      ${worst.note}`);
  for (const { input, element, expected, got } of others) {
    lines.push(
      `  also      ${input}${element ?? ' along a random direction'}: expected ${number(expected)}, got ${number(got)}`,
    );
  }
  return lines.join('\n');
}

function number(value: number): string {
  return String(Number(value.toPrecision(9)));
}

function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : String(value);
}
