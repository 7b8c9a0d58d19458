/** What the command line reports: one line on standard error, and the exit code. */
import { inspect } from 'node:util';
import { userLineIn } from '../graph/site.js';

/** A wrong argument, name or file: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A check that ran and did not hold: exit code 1. The report is on standard output already. */
export class CheckFailed extends Error {
  override readonly name = 'CheckFailed';
}

const longest = 1000;

/** The message on one line, with the user's line; `verbose` gives all of it and the stack. */
export function errorText(error: unknown, verbose: boolean): string {
  const message = messageOf(error);
  const created = createdAt(error, message);
  if (verbose) return `${message}${created}${error instanceof Error ? `\n${stackOf(error)}` : ''}`;
  const place = created || thrownAt(error, message);
  const lines = message.split('\n').map((line) => line.trim()).filter((line) => line !== ''); // prettier-ignore
  const shown = lines[0]?.endsWith(':') ? lines.slice(0, 2) : lines.slice(0, 1);
  const hidden = lines.length - shown.length;
  const text = shown.join(' ') || (error instanceof Error ? error.name : 'the model threw nothing');
  return (
    (text.length > longest ? `${text.slice(0, longest)}…` : text) +
    place +
    (hidden > 0 ? ` (${hidden} more ${hidden === 1 ? 'line' : 'lines'} with --verbose)` : '')
  );
}

/** A model may throw whatever it likes. */
function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : inspect(error, { breakLength: Infinity, compact: true });
}

/** Where the operation was made that an error is about, if the message does not say so. */
function createdAt(error: unknown, message: string): string {
  const site = siteOf(error);
  return site === null || message.includes(site) ? '' : ` [created at ${site}]`;
}

function siteOf(error: unknown): string | null {
  const site = (error as { readonly createdAt?: unknown } | null | undefined)?.createdAt;
  return typeof site === 'string' ? site : null;
}

/** Where the model's own code threw an error, or called what did. */
function thrownAt(error: unknown, message: string): string {
  if (!(error instanceof Error) || siteOf(error) !== null) return '';
  const frames = (error.stack ?? '').split('\n').filter((line) => !line.includes('/node_modules/'));
  const line = userLineIn(frames.join('\n'));
  return line === null || message.includes(line) ? '' : ` [thrown at ${line}]`;
}

function stackOf(error: Error): string {
  const stack = error.stack ?? '';
  const frames = stack.slice(Math.max(0, stack.search(/^\s+at /m)));
  return error.cause instanceof Error ? `${frames}\ncaused by: ${error.cause.stack ?? error.cause.message}` : frames;
}
