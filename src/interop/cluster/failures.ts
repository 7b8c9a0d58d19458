/** What a master says went wrong, as the errors of this library: its words, the node they are about, and what to do. */
import {
  AbortedError,
  CancelledError,
  DeadlineExceededError,
  FailedPreconditionError,
  InternalError,
  InvalidArgumentError,
  NotFoundError,
  OutOfMemoryError,
  PermissionDeniedError,
  UnavailableError,
  UnimplementedError,
  type ErrorDetails,
  type TapelessError,
} from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import type { Operation } from '../../graph/operation.js';

/** What was being done, and where. */
export interface Attempt {
  /** As the user knows it: `run`, `listDevices`, … */
  readonly what: string;
  readonly url: string;
  readonly graph: Graph | null;
  /** Whether the call acts on a session that exists. */
  readonly inSession: boolean;
  /** What else there is to say where time ran out. */
  readonly whenLate?: string;
}

type Kind = new (message: string, details?: ErrorDetails) => TapelessError;

/** By TensorFlow's status codes, which are gRPC's. */
const kinds: Readonly<Record<number, Kind>> = {
  1: CancelledError,
  2: InternalError,
  3: InvalidArgumentError,
  4: DeadlineExceededError,
  5: NotFoundError,
  6: InvalidArgumentError,
  7: PermissionDeniedError,
  8: OutOfMemoryError,
  9: FailedPreconditionError,
  10: AbortedError,
  11: InvalidArgumentError,
  12: UnimplementedError,
  13: InternalError,
  14: UnavailableError,
  15: InternalError,
  16: PermissionDeniedError,
};

/** What to do, by what a message says. */
const advice: readonly (readonly [RegExp, string])[] = [
  [
    /variable .* (?:uninitialized|deleted)|uninitialized value/is,
    'Run its initializer (v.initializer, or globalVariablesInitializer()) on this cluster first.',
  ],
  [
    /device specification refers to a valid device|explicitly assigned to/i,
    'session.listDevices() says what there is; config: { allowSoftPlacement: true } takes a CPU where a task has no device of the type asked for.',
  ],
  [
    /Cannot colocate nodes/,
    'What acts on a variable must be where that is. config: { allowSoftPlacement: true } lets the master drop a colocation that cannot be.',
  ],
  [
    /Op type not registered|No OpKernel was registered/i,
    'The servers must run a TensorFlow that has this operation for this dtype and device.',
  ],
  [/message (?:with a size )?larger than/, "The channel's options limit the size of messages."],
];

/** The error for a status of a master. */
export function failureOf(status: number, message: string, attempt: Attempt, cause?: unknown): TapelessError {
  const text = message.trim();
  const Failure = kinds[status] ?? InternalError;
  if (Failure === AbortedError && /Current version is/.test(text))
    return new AbortedError(
      `${attempt.what}: the server at ${attempt.url} has another graph for this session than was sent to it: an extension that was given up came through, or somebody else extended it. (${text}) Make a new Session.`,
      { cause },
    );
  if (Failure === AbortedError && isLost(text))
    return new AbortedError(
      `${attempt.what}: the server at ${attempt.url} no longer has this session: it, or a worker, started anew or was reset. (${text}) ${remedy}`,
      { cause },
    );
  if (Failure === UnavailableError) return new UnavailableError(unavailable(text, attempt), { cause });
  if (Failure === DeadlineExceededError) return new DeadlineExceededError(late(text, attempt), { cause });
  if (Failure === UnimplementedError && !attempt.inSession)
    return new UnimplementedError(`What listens at ${attempt.url} is not a TensorFlow server: ${text}`, { cause });
  const op = attempt.graph && operationIn(attempt.graph, text);
  const where = op ? ` ['${op.name}' (${op.type}), created at ${op.createdAt}]` : '';
  const todo = advice.find(([pattern]) => pattern.test(text))?.[1];
  return new Failure(`${text}${where}${todo === undefined ? '' : ` ${todo}`}`, { ...op?.details(), cause });
}

const remedy =
  'What its variables held may be gone, so it does not go on by itself: make a new Session, and initialize or restore the variables.';

function isLost(text: string): boolean {
  return /Session .*(?:is not found|has been closed)|session handle is not found|worker has just restarted|was probably restarted/is.test(
    text,
  );
}

function unavailable(text: string, { what, url, inSession }: Attempt): string {
  const task = /remote target (\/job:\S+)/.exec(text)?.[1];
  const lost = task === undefined ? `the TensorFlow server at ${url}` : `${task}, a task of the cluster of ${url},`;
  if (!inSession)
    return `${what}: ${lost} cannot be reached: ${text}. Start it (tf.distribute.Server)${task === undefined ? ', or give its address as the target' : ', or leave it out by config: { deviceFilters }'}.`;
  const done = /No connection established|failed to connect/.test(text) ? '' : ' What the run had done is not known.';
  return `${what}: ${lost} is gone: ${text}.${done} When it is back, make a new Session, and initialize or restore the variables.`;
}

function late(text: string, { what, url, whenLate }: Attempt): string {
  return `${what}: the time given was over before the server at ${url} was done. (${text})${whenLate === undefined ? '' : ` ${whenLate}`}`;
}

/** How TensorFlow's messages name nodes; that of the innermost function first. */
const namings = [
  /\{\{node ([^{}\s]+)\}\}/g,
  /\{\{\w+_node ([^{}\s]+)\}\}/g,
  /\b[Nn]ode '([^']+)'/g,
  /\bnode ([\w./>-]+)/g,
];

/** The operation of the graph, or of a function in its library, that a message is about. */
function operationIn(graph: Graph, text: string): Operation | null {
  const names = namings.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]!));
  const called = [...text.matchAll(/\{\{function_node ([^{}\s]+)\}\}/g)].map((match) => match[1]!);
  const functions = graph.functions();
  // A body and the graph may have nodes of one name.
  const named = functions.filter(({ def }) => called.some((name) => name.startsWith(def.signature.name)));
  const bodies = [...named.map(({ body }) => body), graph, ...functions.map(({ body }) => body)];
  for (const name of names) {
    for (const body of bodies) {
      const op = body.find(name);
      if (op) return op;
    }
  }
  // What a loop or a choice is made of on a server is called after it.
  for (const name of names) {
    for (let end = name.lastIndexOf('/'); end > 0; end = name.lastIndexOf('/', end - 1)) {
      const op = graph.find(name.slice(0, end));
      if (op) return op;
    }
  }
  return null;
}
