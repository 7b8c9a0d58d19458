/** What the command line reports: one line on standard error, and the exit code. */

/** A wrong argument, name or file: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A check that ran and did not hold: exit code 1. The report is on standard output already. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

const longest = 1000;

/** The message on one line; `verbose` gives all of it and the stack. */
export function errorText(error: unknown, verbose: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const site = (error as { createdAt?: unknown }).createdAt;
  const created = typeof site === 'string' && !error.message.includes(site) ? ` [created at ${site}]` : '';
  if (verbose) return `${error.message}${created}\n${stackOf(error)}`;
  const lines = error.message.split('\n').map((line) => line.trim()).filter((line) => line !== ''); // prettier-ignore
  const shown = lines[0]?.endsWith(':') ? lines.slice(0, 2) : lines.slice(0, 1);
  const hidden = lines.length - shown.length;
  const text = shown.join(' ') || error.name;
  return (
    (text.length > longest ? `${text.slice(0, longest)}…` : text) +
    created +
    (hidden > 0 ? ` (${hidden} more ${hidden === 1 ? 'line' : 'lines'} with --verbose)` : '')
  );
}

function stackOf(error: Error): string {
  const stack = error.stack ?? '';
  const frames = stack.slice(Math.max(0, stack.search(/^\s+at /m)));
  return error.cause instanceof Error ? `${frames}\ncaused by: ${error.cause.stack ?? error.cause.message}` : frames;
}
