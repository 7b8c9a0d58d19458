/** What of a request a master has to do: what is fed and fetched is answered here. */
import { dtypeInfo } from '../../graph/dtype.js';
import { DTypeError, InternalError } from '../../graph/errors.js';
import type { NDArray } from '../../graph/ndarray.js';
import type { Tensor } from '../../graph/tensor.js';
import type { Request } from '../../session/plan.js';

export interface RemotePart {
  readonly feeds: readonly { readonly name: string; readonly value: NDArray }[];
  /** Names of tensors, `op:index` always: a master waits for ever for what is named otherwise. */
  readonly fetches: readonly string[];
  readonly targets: readonly string[];
  readonly isNothing: boolean;
  /** The values of all fetches, in their order, from those that came. */
  readonly assemble: (values: ReadonlyMap<string, NDArray>) => readonly NDArray[];
}

/**
 * `feeds` are the values of the request's feeds, or none where only names matter.
 * @throws DTypeError for what has no value outside its server
 */
export function remotePart(request: Request, feeds: readonly NDArray[]): RemotePart {
  const names = request.feeds.map(({ tensor }) => tensor.name);
  const fed = new Map(names.map((name, i) => [name, feeds[i]]));
  const wanted = request.fetches.filter(({ name }) => !fed.has(name));
  for (const tensor of [...wanted, ...request.feeds.map((feed) => feed.tensor)]) checkHasValue(tensor);
  const fetches = wanted.map(({ name }) => name);
  const targets = request.targets.map(({ name }) => name);
  return {
    feeds: names.map((name, i) => ({ name, value: feeds[i]! })),
    fetches,
    targets,
    isNothing: fetches.length + targets.length === 0,
    assemble: (values) =>
      request.fetches.map(({ name }) => {
        const value = values.get(name) ?? fed.get(name)?.copy();
        if (value === undefined) throw new InternalError(`run: the master sent no value for '${name}'.`);
        return value;
      }),
  };
}

function checkHasValue({ name, dtype, op }: Tensor): void {
  if (dtypeInfo(dtype).kind !== 'handle') return;
  throw new DTypeError(
    `'${name}' is of dtype ${dtype}: such values do not leave their server. Fetch or feed what is made of it, as a variable's value.`,
    op.details(),
  );
}
