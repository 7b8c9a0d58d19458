/** The variables a function of tensors uses besides its arguments: those it reads, and those its results depend on. */
import type { Operation } from '../graph/operation.js';
import { startRecorder, stopRecorder } from '../graph/recorders.js';
import type { Tensor } from '../graph/tensor.js';
import { variableBehind, type Variable } from '../ops/definitions/variable.js';
import { opDef } from '../ops/opdef.js';
import { sourcesOf } from './paths.js';
import { isDifferentiableType } from './registry.js';

/** Runs `fn` and notes the trainable variables that it reads, in function bodies too. */
export function watchingReads<T>(fn: () => T): { readonly result: T; readonly variables: ReadonlySet<Variable> } {
  const variables = new Set<Variable>();
  const recorder = {
    created(op: Operation): void {
      const [handle] = op.inputs;
      const { effect, grad } = opDef(op.type);
      // Its shape, or whether it has a value, can be read without gradient.
      if (handle?.dtype !== 'resource' || effect !== 'read' || typeof grad !== 'function') return;
      const variable = variableBehind(handle);
      if (variable?.trainable) variables.add(variable);
    },
  };
  startRecorder(recorder);
  try {
    return { result: fn(), variables };
  } finally {
    stopRecorder(recorder);
  }
}

/**
 * The trainable variables that `outputs` depend on by differentiable operations otherwise than through `inputs` (TensorFlow
 * `custom_gradient._get_dependent_variables`).
 */
export function variablesBetween(inputs: readonly Tensor[], outputs: readonly Tensor[]): ReadonlySet<Variable> {
  const known = new Set(inputs);
  const found = new Set<Variable>();
  const seen = new Set<Operation>();
  const visit = (tensor: Tensor): void => {
    if (known.has(tensor)) return;
    const variable = tensor.dtype === 'resource' ? variableBehind(tensor) : undefined;
    if (variable?.trainable) found.add(variable);
    seen.add(tensor.op);
  };
  outputs.forEach(visit);
  for (const op of seen) {
    const sources = sourcesOf(op);
    if (sources !== op.inputs || isDifferentiableType(op.type)) sources.forEach(visit);
  }
  return found;
}

/** Variables by name, as TensorFlow hands them to a gradient function. */
export function byName(variables: Iterable<Variable>): readonly Variable[] {
  return [...variables].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
