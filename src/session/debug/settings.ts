/** What TAPELESS_DEBUG and TAPELESS_DUMP ask for: environment variables, or, where there are none, properties of globalThis. */
import { InvalidArgumentError } from '../../graph/errors.js';

export interface DebugSettings {
  /** 1: compilations, 2: times of steps, 3: expressions, 4: WebAssembly; each with what comes before it. */
  readonly level: number;
  /** The folder for texts of stages, and modules. */
  readonly dump: string | null;
}

interface Globals {
  readonly process?: { readonly env?: Readonly<Record<string, string | undefined>> };
}

/** Null where nothing is asked for. @throws InvalidArgumentError for what cannot be asked for */
export function debugSettings(globals: object = globalThis): DebugSettings | null {
  const level = levelOf(setting(globals, 'TAPELESS_DEBUG'));
  const dump = setting(globals, 'TAPELESS_DUMP');
  if (dump !== undefined && typeof dump !== 'string')
    throw new InvalidArgumentError(`TAPELESS_DUMP must be the name of a folder, not ${String(dump)}.`);
  return level === 0 && !dump ? null : { level, dump: dump || null };
}

function setting(globals: object, name: string): unknown {
  return (globals as Globals).process?.env?.[name] ?? (globals as Readonly<Record<string, unknown>>)[name];
}

function levelOf(given: unknown): number {
  if (given === undefined || given === null || given === '') return 0;
  const text = String(given);
  if (!/^[0-4]$/.test(text))
    throw new InvalidArgumentError(
      `TAPELESS_DEBUG is '${text}'; it must be 1 (a line for each compilation), 2 (and the times of steps), 3 (and expressions), 4 (and WebAssembly), or 0 for none.`,
    );
  return Number(text);
}
