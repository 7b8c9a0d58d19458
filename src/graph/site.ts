/** Where in the user's code an operation was made: the stack is captured cheaply and read only when asked for. */

// With source maps on, frames of the built package name its sources: both folders are the library's own.
const packageRoot = stripScheme(new URL('../../', import.meta.url).href);
const libraryRoots = [`${packageRoot}src/`, `${packageRoot}dist/`];

function stripScheme(file: string): string {
  return file.startsWith('file://') ? decodeURI(file.slice('file://'.length)) : file;
}

interface V8ErrorConstructor {
  stackTraceLimit?: number;
  captureStackTrace?(target: object): void;
}

/** A captured stack, formatted when first read. */
export class CallSite {
  /** Put there by V8; elsewhere by hand. */
  declare readonly stack: string | undefined;
  #text: string | undefined;

  private constructor() {}

  /** Captures the `frames` innermost frames, for some microseconds: the dearest part of making a node. */
  static capture(frames: number): CallSite {
    const errors = Error as V8ErrorConstructor;
    const site = new CallSite();
    if (!errors.captureStackTrace) return Object.assign(site, { stack: new Error().stack });
    const limit = errors.stackTraceLimit;
    errors.stackTraceLimit = frames;
    errors.captureStackTrace(site);
    errors.stackTraceLimit = limit!;
    return site;
  }

  /** `file:line` of the innermost frame outside this library. */
  toString(): string {
    return (this.#text ??= userFrame(this.stack ?? ''));
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
