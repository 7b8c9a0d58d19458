/** What is known of ops that have no record: nothing. Their nodes can be carried. */
import { InvalidArgumentError, LookupError } from '../graph/errors.js';
import type { Operation } from '../graph/operation.js';
import type { OpView, RegisteredOp, RoutineContext } from './opdef.js';
import { parseSignature } from './signature.js';

const foreign = new Map<string, RegisteredOp>();

/** What stands for the record of an op that has none. */
export function foreignOp(type: string): RegisteredOp {
  let def = foreign.get(type);
  if (!def) foreign.set(type, (def = makeForeignOp(type)));
  return def;
}

function makeForeignOp(type: string): RegisteredOp {
  const refuse = (op: Operation, error: typeof InvalidArgumentError | typeof LookupError, cannot: string): never => {
    throw new error(`Operation '${op.name}' is of an op that ${cannot} here: '${type}'.`, op.details());
  };
  return Object.freeze({
    name: type,
    key: type.toLowerCase(),
    signature: '->',
    parsed: parseSignature(type, '->'),
    infer: (op: OpView) => op.outputs.map(({ shape }) => shape),
    lower: {
      routine: 'foreign',
      run: ({ op }: RoutineContext) => refuse(op, InvalidArgumentError, 'cannot be run'),
    },
    grad: (op: OpView) => refuse(op, LookupError, 'has no gradient'),
    effect: 'foreign',
    batch: 'loop',
    samples: [],
    functional: false,
    forms: null,
  });
}
