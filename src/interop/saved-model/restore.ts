/** Values of variables from a checkpoint, into a session. */
import { DTypeError, InvalidArgumentError, NotFoundError, ShapeError } from '../../graph/errors.js';
import { dtypeInfo } from '../../graph/dtype.js';
import { NDArray } from '../../graph/ndarray.js';
import { formatShape, isCompatible, sizeOf } from '../../graph/shape.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Session } from '../../session/session.js';
import type { Checkpoint } from '../checkpoint/checkpoint.js';
import type { Stored } from './restored.js';
import type { SavedVariable } from './variables.js';

/** So many bytes of values are read and assigned at a time. */
const batchBytes = 1 << 26;

type Kept = SavedVariable & { readonly stored: Stored };

/** Assigns to `variables` what the checkpoint has of them. @throws before anything is assigned, where something does not fit */
export async function restoreVariables(
  session: Session,
  variables: readonly SavedVariable[],
  checkpoint: Checkpoint,
): Promise<void> {
  const kept = variables.filter((saved): saved is Kept => saved.stored !== null);
  for (const saved of kept) check(saved, checkpoint);
  for (let i = 0; i < kept.length;) {
    const feeds = new Map<Tensor, NDArray>();
    const first = i;
    for (let bytes = 0; i < kept.length && bytes < batchBytes; i++) {
      const { variable, stored } = kept[i]!;
      const value = sliced(await checkpoint.tensor(stored.key), stored.slice);
      feeds.set(variable.initialValue, value);
      bytes += value.size * (dtypeInfo(value.dtype).bytes || 16);
    }
    await session.run(
      kept.slice(first, i).map(({ variable }) => variable.initializer),
      feeds,
    );
  }
}

function check({ variable, stored }: Kept, checkpoint: Checkpoint): void {
  const { key, slice } = stored;
  const entry = checkpoint.entries.get(key);
  const what = `The variable '${variable.handle.op.name}'`;
  if (!entry) throw new NotFoundError(`${what} is not in the checkpoint ${checkpoint.prefix}: it has no '${key}'.`);
  const shape = slice === '' ? entry.shape : partOf(slice).map(({ length }, axis) => length ?? entry.shape[axis]!);
  const has = `and the checkpoint ${checkpoint.prefix} has ${entry.dtype} ${formatShape(shape)} under '${key}'.`;
  if (entry.dtype !== variable.dtype) throw new DTypeError(`${what} holds ${variable.dtype}, ${has}`);
  if (!isCompatible(variable.shape, shape))
    throw new ShapeError(`${what} has the shape ${formatShape(variable.shape)}, ${has}`);
}

interface Part {
  readonly start: number;
  /** null for all of the dimension. */
  readonly length: number | null;
}

/** `4 3 0,2:-`: of a tensor of shape [4, 3] the first two rows. */
function partOf(slice: string): readonly Part[] {
  return slice
    .split(' ')
    .at(-1)!
    .split(':')
    .map((extent) => {
      if (extent === '-') return { start: 0, length: null };
      const [start, length] = extent.split(',').map(Number);
      if (!Number.isInteger(start) || !Number.isInteger(length))
        throw new InvalidArgumentError(`'${slice}' does not say which part of a tensor a variable is.`);
      return { start: start!, length: length! };
    });
}

function sliced(whole: NDArray, slice: string): NDArray {
  if (slice === '') return whole;
  const parts = partOf(slice);
  const shape = whole.shape.map((dim, axis) => parts[axis]?.length ?? dim);
  const width = dtypeInfo(whole.dtype).kind === 'complex' ? 2 : 1;
  const strides = whole.shape.map((_, axis) => sizeOf(whole.shape.slice(axis + 1)));
  const index = shape.map(() => 0);
  const picked: number[] = [];
  for (let i = 0; i < sizeOf(shape); i++) {
    const at = index.reduce((sum, k, axis) => sum + (k + parts[axis]!.start) * strides[axis]!, 0);
    for (let k = 0; k < width; k++) picked.push(at * width + k);
    for (let axis = index.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
  const data = whole.data.slice(0, picked.length) as unknown[];
  picked.forEach((from, to) => (data[to] = whole.data[from]));
  return new NDArray(whole.dtype, shape, data);
}
