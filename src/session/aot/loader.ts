/** The JavaScript beside a module: an ES module without imports, which checks what comes in and copies results out. */
import type { AheadModule, Placed } from './module.js';

/** Typed arrays by dtype. */
export const arrayTypes = {
  float32: 'Float32Array',
  float64: 'Float64Array',
  int32: 'Int32Array',
  int64: 'BigInt64Array',
  bool: 'Uint8Array',
} as const;

/** The loader of `file`, a .wasm beside it. */
export function loaderText(file: string, { memory, entries, variables, failures }: AheadModule): string {
  const rows = (placed: readonly Placed[]): string =>
    `[${placed.map(({ name, dtype, address, shape }) => `\n      ${JSON.stringify([name, dtype, address, shape])},`).join('')}\n    ]`;
  const functions = entries.map(
    ({ name, feeds, fetches }) =>
      `  ${JSON.stringify(name)}: {\n    feeds: ${rows(feeds)},\n    fetches: ${rows(fetches)},\n  },\n`,
  );
  const sites = failures.map(
    ({ prefix, what, size, suffix }) => `  ${JSON.stringify([prefix, what, size, suffix])},\n`,
  );
  return `// Built by tapeless, together with ${file}; do not edit.

const file = ${JSON.stringify(file)};
const memoryName = ${JSON.stringify(memory)};
// [name, dtype, address, shape]
const entries = {
${functions.join('')}};
const variables = ${rows(variables).replaceAll('\n    ', '\n')};
const sites = [
${sites.join('')}];
${runtime}`;
}

/** What is the same in every loader. */
const runtime = `const arrayTypes = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
};

/** Makes a model with variables of its own from the module: its address, response, bytes, or the module itself. */
export async function load(source = new URL('./' + file, import.meta.url)) {
  const module = await compiled(await source);
  const place = [];
  const env = {
    place: (index) => void place.push(index),
    fail(site, index) {
      const [prefix, what, size, suffix] = sites[site];
      const element = place.length > 0 ? what + '[' + place.join() + ']' : what;
      throw new RangeError(prefix + element + ' = ' + index + ' is not in [0, ' + size + ')' + suffix);
    },
    divide(site) {
      const [prefix, , , suffix] = sites[site];
      throw new RangeError(prefix + 'Integer division by zero' + suffix);
    },
  };
  const { exports } = await WebAssembly.instantiate(module, { env }).catch((error) => {
    throw new Error(file + ' was not built together with this loader, or cannot be instantiated: ' + error.message);
  });
  const memory = exports[memoryName];
  if (!memory) throw new Error(file + ' was not built together with this loader: take both from one build.');
  const model = { variables: variablesIn(memory) };
  for (const name of Object.keys(entries)) {
    const run = () => {
      place.length = 0;
      exports[name]();
    };
    model[name] = functionOf(name, memory, run);
  }
  return Object.freeze(model);
}

async function compiled(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.compile(source);
  if (typeof source?.arrayBuffer === 'function') return WebAssembly.compile(await bytesOf(source, source.url));
  if (typeof source !== 'string' && typeof source?.href !== 'string') {
    throw new TypeError('load takes an address, a Response, bytes or a WebAssembly.Module, but got ' + describe(source) + '.');
  }
  const url = typeof source === 'string' ? new URL(source, import.meta.url) : source;
  // Only Node has files to read, and its fetch does not read them.
  const fs = url.protocol === 'file:' && globalThis.process?.getBuiltinModule?.('node:fs/promises');
  return WebAssembly.compile(fs ? await fs.readFile(url) : await bytesOf(await fetch(url), url.href));
}

async function bytesOf(response, url) {
  if (response.ok === false) throw new Error('Cannot load ' + (url || file) + ': HTTP ' + response.status + '.');
  return response.arrayBuffer();
}

function arrayIn(memory, what, [name, dtype, address, shape]) {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const Type = arrayTypes[dtype];
  return { what: what + " '" + name + "'", name, dtype, shape, view: new Type(memory.buffer, address, size) };
}

function check({ what, dtype, shape, view }, value) {
  const type = arrayTypes[dtype].name;
  const wanted = type + ' of length ' + view.length + ' (' + dtype + ' [' + shape.join(', ') + '])';
  if (!ArrayBuffer.isView(value) || value[Symbol.toStringTag] !== type || value.length !== view.length) {
    throw new TypeError(what + ' must be a ' + wanted + ', but is ' + describe(value) + '.');
  }
}

function describe(value) {
  if (value === undefined) return 'missing';
  if (ArrayBuffer.isView(value)) return 'a ' + value[Symbol.toStringTag] + ' of length ' + value.length;
  return value === null || typeof value !== 'object' ? String(value) : 'an object (' + value.constructor?.name + ')';
}

function write({ dtype, view }, value) {
  if (dtype === 'bool') for (let i = 0; i < view.length; i++) view[i] = value[i] ? 1 : 0;
  else view.set(value);
}

function functionOf(entry, memory, run) {
  const feeds = entries[entry].feeds.map((row) => arrayIn(memory, entry + ': the feed', row));
  const fetches = entries[entry].fetches.map((row) => arrayIn(memory, entry + ': the output', row));
  const known = (what, arrays, given) => {
    if (given === null || typeof given !== 'object') {
      throw new TypeError(entry + ': ' + what + 's are given as an object by name, but got ' + describe(given) + '.');
    }
    for (const name of Object.keys(given)) {
      if (arrays.some((array) => array.name === name)) continue;
      const names = arrays.map((array) => array.name).join(', ') || 'none';
      throw new TypeError(entry + ': there is no ' + what + " '" + name + "'; there are: " + names + '.');
    }
  };
  return (given = {}, outputs = {}) => {
    known('feed', feeds, given);
    known('output', fetches, outputs);
    for (const feed of feeds) check(feed, given[feed.name]);
    for (const fetch of fetches) if (outputs[fetch.name] !== undefined) check(fetch, outputs[fetch.name]);
    for (const feed of feeds) write(feed, given[feed.name]);
    run();
    const results = {};
    for (const { name, view } of fetches) {
      const output = outputs[name];
      if (output) output.set(view);
      results[name] = output ?? view.slice();
    }
    return results;
  };
}

function variablesIn(memory) {
  const arrays = new Map(variables.map((row) => [row[0], arrayIn(memory, 'The variable', row)]));
  const find = (name) => {
    const array = arrays.get(name);
    if (!array) throw new RangeError("There is no variable '" + name + "'; there are: " + [...arrays.keys()].join(', ') + '.');
    return array;
  };
  return Object.freeze({
    names: Object.freeze([...arrays.keys()]),
    get: (name) => find(name).view.slice(),
    set(name, value) {
      const array = find(name);
      check(array, value);
      write(array, value);
    },
  });
}
`;
