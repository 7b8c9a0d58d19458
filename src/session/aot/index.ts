/** Ahead-of-time compilation: a model as a WebAssembly module, a loader and its types, which need nothing else. */
import { InvalidArgumentError } from '../../graph/errors.js';
import type { Graph } from '../../graph/graph.js';
import type { NDArray } from '../../graph/ndarray.js';
import { prepareEntries, type Entry, type EntryRequest } from './entries.js';
import { loaderText } from './loader.js';
import { emitModule, type PlacedEntry } from './module.js';
import { capitalized, typesText } from './types.js';

export type { EntryRequest, NamedFeed } from './entries.js';
export type { Placed, PlacedEntry } from './module.js';

export interface AheadFiles {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly loader: string;
  readonly types: string;
  /** How many bytes of `wasm` are values: what variables hold at first, and constants. */
  readonly valueBytes: number;
  readonly entries: readonly PlacedEntry[];
}

/**
 * Functions of a graph, compiled for concrete shapes of their feeds and sharing variables: `variables` says which, and `files` writes
 * them out with what those hold at first.
 */
export class AheadOfTime {
  readonly #entries: readonly Entry[];

  /** @throws InvalidArgumentError, ShapeError for names that cannot be, feeds that are not concrete, and what only a session can run */
  constructor(graph: Graph, requests: readonly EntryRequest[]) {
    checkNames(requests);
    this.#entries = prepareEntries(graph, requests);
  }

  /** The names of the variables that the functions read or change. */
  get variables(): readonly string[] {
    return [...new Set(this.#entries.flatMap(({ fused }) => fused.variables.map(({ key }) => key)))];
  }

  /**
   * What to write as `name.wasm`, `name.js` and `name.d.ts`.
   * @param initial what variables hold at first; zeros where that is missing
   * @throws InvalidArgumentError for a value that does not fit its variable
   */
  files(name: string, initial: ReadonlyMap<string, NDArray>): AheadFiles {
    if (!/^[\w-][\w.-]*$/.test(name))
      throw new InvalidArgumentError(`'${name}' is no name for files: use letters, digits, '_', '-' and '.'.`);
    for (const { fused } of this.#entries) {
      for (const { key, dtype, shape } of fused.variables) {
        const value = initial.get(key);
        if (!value || (value.dtype === dtype && value.shape.join() === shape.join())) continue;
        throw new InvalidArgumentError(
          `The variable '${key}' is ${dtype} [${shape.join(', ')}]; the value given for it is ${value.dtype} [${value.shape.join(', ')}].`,
        );
      }
    }
    const module = emitModule(this.#entries, initial);
    const file = `${name}.wasm`;
    const { bytes, valueBytes, entries } = module;
    return { wasm: bytes, loader: loaderText(file, module), types: typesText(file, module), valueBytes, entries };
  }
}

/** Names of functions that mean something else on a model, or on any object. */
const reserved = ['variables', 'then', 'constructor', 'prototype', '__proto__'];

function checkNames(requests: readonly EntryRequest[]): void {
  if (requests.length === 0) throw new InvalidArgumentError('There is nothing to compile: name what to fetch.');
  const seen = new Map<string, string>();
  for (const { name, fetches, targets } of requests) {
    if (!/^[A-Za-z_$][\w$]*$/.test(name) || reserved.includes(name))
      throw new InvalidArgumentError(`'${name}' cannot be the name of a function of the model.`);
    const other = seen.get(capitalized(name));
    if (other !== undefined)
      throw new InvalidArgumentError(
        `The functions '${other}' and '${name}' need names that differ in more than case.`,
      );
    seen.set(capitalized(name), name);
    if (fetches.size === 0 && targets.length === 0) throw new InvalidArgumentError(`'${name}' fetches nothing.`);
    for (const fetch of fetches.keys())
      if (fetch === '__proto__') throw new InvalidArgumentError(`'${name}': a result cannot be called '${fetch}'.`);
  }
}
