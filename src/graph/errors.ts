/** Error classes: one per kind, each with a stable code and the operation it speaks of. */

/** What an error can say of the operation at fault. */
export interface ErrorDetails {
  readonly op?: string | undefined;
  readonly nodeName?: string | undefined;
  readonly createdAt?: string | undefined;
  readonly cause?: unknown;
}

/** The base of every error this library throws on purpose. */
export abstract class TapelessError extends Error {
  abstract readonly code: string;
  /** The op type at fault, where there is one. */
  readonly op: string | undefined;
  readonly nodeName: string | undefined;
  /** `file:line` of the user's call that created the node. */
  readonly createdAt: string | undefined;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.op = details.op;
    this.nodeName = details.nodeName;
    this.createdAt = details.createdAt;
  }
}

/** Shapes that do not fit each other. */
export class ShapeError extends TapelessError {
  readonly code = 'SHAPE';
}
/** A dtype that is not accepted, or a value a dtype cannot hold. */
export class DTypeError extends TapelessError {
  readonly code = 'DTYPE';
}
/** Any other argument that is not acceptable. */
export class InvalidArgumentError extends TapelessError {
  readonly code = 'INVALID_ARGUMENT';
}
/** A name, op type or file that does not exist. */
export class NotFoundError extends TapelessError {
  readonly code = 'NOT_FOUND';
}
/** An operation that has no gradient. */
export class LookupError extends TapelessError {
  readonly code = 'LOOKUP';
}
/** The state is not ready for the call: an uninitialised variable, a closed session. */
export class FailedPreconditionError extends TapelessError {
  readonly code = 'FAILED_PRECONDITION';
}
/** An attempt to add to a finalized graph. */
export class GraphFinalizedError extends TapelessError {
  readonly code = 'GRAPH_FINALIZED';
}
/** A tensor too large to allocate. */
export class OutOfMemoryError extends TapelessError {
  readonly code = 'OUT_OF_MEMORY';
}
/** A run took longer than its `timeoutMs`. */
export class DeadlineExceededError extends TapelessError {
  readonly code = 'DEADLINE_EXCEEDED';
}
/** A remote target is gone. */
export class UnavailableError extends TapelessError {
  readonly code = 'UNAVAILABLE';
}
/** A server lost the session, or gave up on what it was asked for. */
export class AbortedError extends TapelessError {
  readonly code = 'ABORTED';
}
/** What was asked for was cancelled. */
export class CancelledError extends TapelessError {
  readonly code = 'CANCELLED';
}
/** A remote target cannot do what was asked for. */
export class UnimplementedError extends TapelessError {
  readonly code = 'UNIMPLEMENTED';
}
/** A remote target refuses this caller. */
export class PermissionDeniedError extends TapelessError {
  readonly code = 'PERMISSION_DENIED';
}
/** A remote target fails for a reason of its own. */
export class InternalError extends TapelessError {
  readonly code = 'INTERNAL';
}
