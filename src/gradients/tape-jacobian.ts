/** The Jacobians that a tape gives: those of `jacobian`, kept to what the tape recorded. */
import type { Tensor } from '../graph/tensor.js';
import { graphOf } from '../ops/call.js';
import { composedInScope } from '../ops/compose.js';
import type { Operand } from '../ops/types.js';
import { batchJacobianOf, jacobiansOf, type Backward, type JacobianOperand } from './jacobian.js';
import type { Recording } from './recording.js';
import type { SeedOptions } from './seed-rows.js';
import type { TapeJacobianOptions } from './tape.js';
import { gradientsOn } from './tape-gradients.js';

/** One Jacobian, or null, for each source. */
export function jacobiansOn(
  recording: Recording,
  fn: string,
  target: JacobianOperand,
  sources: readonly JacobianOperand[],
  options: TapeJacobianOptions,
): readonly (Tensor | null)[] {
  return within(fn, [target, ...sources], () =>
    jacobiansOf(target, sources, backwardOn(recording, fn, target, sources), options),
  );
}

/** The Jacobian of each row. */
export function batchJacobianOn(
  recording: Recording,
  fn: string,
  target: JacobianOperand,
  source: JacobianOperand,
  options: SeedOptions,
): Tensor {
  const settings = { ...options, unconnectedGradients: 'zero' } as const;
  const backward = backwardOn(recording, fn, target, [source]);
  return within(fn, [target, source], () => batchJacobianOf(target, source, backward, settings)!);
}

function within<T>(fn: string, operands: readonly JacobianOperand[], build: () => T): T {
  graphOf(fn, operands);
  return composedInScope('gradient_tape', undefined, operands as readonly Operand[], build);
}

function backwardOn(
  recording: Recording,
  fn: string,
  target: JacobianOperand,
  sources: readonly JacobianOperand[],
): Backward {
  return (_, seed) =>
    gradientsOn(recording, {
      fn,
      targets: [target],
      sources,
      outputGradients: [seed],
      unconnectedGradients: 'none',
    });
}
