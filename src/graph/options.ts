/** Checking of options objects: a misspelt option must not be ignored. */
import { InvalidArgumentError } from './errors.js';

/** @throws InvalidArgumentError for a key of `options` that is not among `known`. */
export function checkOptionNames(fn: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new InvalidArgumentError(`${fn}: the options must be an object.`);
  const squash = (name: string) => name.replaceAll('_', '').toLowerCase();
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = known.find((name) => squash(name) === squash(key));
    throw new InvalidArgumentError(
      `${fn}: there is no option '${key}'.${near ? ` Did you mean '${near}'?` : ` The options are ${known.join(', ')}.`}`,
    );
  }
}

/** @throws InvalidArgumentError unless `value` is one of `choices`. */
export function checkChoice<T extends string>(fn: string, option: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw new InvalidArgumentError(
    `${fn}: '${option}' is ${JSON.stringify(value)}; it must be one of ${choices.map((c) => `'${c}'`).join(', ')}.`,
  );
}

/** @throws InvalidArgumentError unless `value` is a boolean. */
export function checkBoolean(fn: string, option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidArgumentError(`${fn}: '${option}' must be true or false, not ${JSON.stringify(value)}.`);
}
