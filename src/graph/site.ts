/** Where in the user's code an operation was made: the stack is captured cheaply and read only when asked for. */

/** The file of a stack line, without its scheme, and the line number in it. */
function frameOf(line: string): { readonly file: string; readonly line: string } | null {
  const match = /^\s*at (?:.*\()?(.+?):(\d+):\d+\)?$/.exec(line);
  if (!match) return null;
  const file = match[1]!.startsWith('file://') ? decodeURI(match[1]!.slice('file://'.length)) : match[1]!;
  return { file, line: match[2]! };
}

// A bundle has no import.meta.url, but a stack names this file everywhere.
const thisFile =
  (new Error().stack ?? '')
    .split('\n')
    .map(frameOf)
    .find((frame) => frame !== null)?.file ?? '';
const packageRoot = /^(.*\/)(?:src|dist)\/graph\/site\.[jt]s$/.exec(thisFile)?.[1];

/** With source maps on, frames of the built package name its sources: both folders are the library's own. */
function isLibrary(file: string): boolean {
  if (packageRoot === undefined) return file === thisFile;
  return file.startsWith(`${packageRoot}src/`) || file.startsWith(`${packageRoot}dist/`);
}

/** A captured stack, formatted when first read. */
export class CallSite {
  readonly #error: Error;
  #text: string | undefined;

  private constructor(error: Error) {
    this.#error = error;
  }

  /**
   * Captures the `frames` innermost frames: the dearest part of making a node. An Error does it faster, and is smaller, than
   * an object that `captureStackTrace` turns into a dictionary.
   */
  static capture(frames: number): CallSite {
    const errors = Error as { stackTraceLimit?: number };
    const limit = errors.stackTraceLimit;
    if (limit === undefined) return new CallSite(new Error());
    errors.stackTraceLimit = frames;
    const site = new CallSite(new Error());
    errors.stackTraceLimit = limit;
    return site;
  }

  /** A place that is not in the user's code, such as the file that a graph was read from. */
  static named(place: string): CallSite {
    const site = new CallSite(new Error());
    site.#text = place;
    return site;
  }

  /** `file:line` of the innermost frame outside this library. */
  toString(): string {
    return (this.#text ??= userFrame(this.#error.stack ?? ''));
  }
}

function userFrame(stack: string): string {
  return userLineIn(stack) ?? framesIn(stack).at(-1)?.place ?? 'unknown';
}

/** `file:line` of the innermost frame of a stack outside this library; null where there is none. */
export function userLineIn(stack: string): string | null {
  return framesIn(stack).find(({ file }) => !isLibrary(file))?.place ?? null;
}

function framesIn(stack: string): readonly { readonly file: string; readonly place: string }[] {
  return stack.split('\n').flatMap((text) => {
    const frame = frameOf(text);
    if (!frame || frame.file.startsWith('node:')) return [];
    return [{ file: frame.file, place: `${frame.file}:${frame.line}` }];
  });
}
