/** Where in the user's code an operation was made: the stack is captured cheaply and read only when asked for. */

// With source maps on, frames of the built package name its sources: both folders are the library's own.
const packageRoot = stripScheme(new URL('../../', import.meta.url).href);
const libraryRoots = [`${packageRoot}src/`, `${packageRoot}dist/`];

function stripScheme(file: string): string {
  return file.startsWith('file://') ? decodeURI(file.slice('file://'.length)) : file;
}

/** A function of the library on the stack: the frames it called are left out. */
export type Callee = (...args: never[]) => unknown;

interface V8ErrorConstructor {
  stackTraceLimit?: number;
  captureStackTrace?(target: object, below: Callee): void;
}

/** A captured stack, formatted when first read. */
export class CallSite {
  readonly #holder: { stack?: string };
  #text: string | undefined;

  private constructor(holder: { stack?: string }) {
    this.#holder = holder;
  }

  /** Captures `frames` frames below `below`. What a frame costs is what a capture costs: about half a microsecond. */
  static capture(below: Callee, frames: number): CallSite {
    const errors = Error as V8ErrorConstructor;
    const limit = errors.stackTraceLimit;
    if (limit !== undefined) errors.stackTraceLimit = frames;
    const holder: { stack?: string } = {};
    if (errors.captureStackTrace) errors.captureStackTrace(holder, below);
    else holder.stack = new Error().stack ?? '';
    if (limit !== undefined) errors.stackTraceLimit = limit;
    return new CallSite(holder);
  }

  /** `file:line` of the innermost frame outside this library. */
  toString(): string {
    return (this.#text ??= userFrame(this.#holder.stack ?? ''));
  }
}

function userFrame(stack: string): string {
  let outermost = 'unknown';
  for (const line of stack.split('\n')) {
    const match = /^\s*at (?:.*\()?(.+?):(\d+):\d+\)?$/.exec(line);
    if (!match) continue;
    const file = stripScheme(match[1]!);
    if (file.startsWith('node:')) continue;
    outermost = `${file}:${match[2]}`;
    if (!libraryRoots.some((root) => file.startsWith(root))) return outermost;
  }
  return outermost;
}
