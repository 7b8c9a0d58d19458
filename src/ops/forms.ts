/** What nodes have in common of which nothing but the dtype of their inputs is left open: it is checked and made once. */
import type { Attrs } from '../graph/attr.js';
import type { DType } from '../graph/dtype.js';
import { Tensor } from '../graph/tensor.js';
import type { Signature } from './signature.js';

export interface NodeForm {
  readonly attrs: Attrs;
  readonly outputDTypes: readonly DType[];
}

/** Whether all that is left open of a node is the dtype of its inputs. */
export function isPlain({ inputs, attrs }: Signature): boolean {
  const [first] = inputs;
  if (!first || !('attr' in first.type)) return false;
  const { attr: open } = first.type;
  return (
    inputs.every(({ type, count }) => count === null && 'attr' in type && type.attr === open) &&
    attrs.every((attr) => attr.name === open || attr.default !== null)
  );
}

/** The dtype of operands that are tensors and have one in common; null where they are not or have not. */
export function commonDType(inputs: readonly unknown[]): DType | null {
  const [first] = inputs;
  if (!(first instanceof Tensor)) return null;
  for (let i = 1; i < inputs.length; i++) {
    const input = inputs[i];
    if (!(input instanceof Tensor) || input.dtype !== first.dtype) return null;
  }
  return first.dtype;
}
