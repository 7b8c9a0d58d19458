/** The declarations beside a loader: functions typed by the names, dtypes and shapes of what they take and give. */
import { arrayTypes } from './loader.js';
import type { AheadModule, Placed, PlacedEntry } from './module.js';

export function typesText(file: string, { entries, variables }: AheadModule): string {
  return `// Built by tapeless, together with ${file}; do not edit.

declare const shape: unique symbol;
/** A typed array that holds a tensor of shape \`S\`, row by row. Any of its class may be given. */
export type Tensor<A, S extends readonly number[]> = A & { readonly [shape]?: S };
${entries.map(entryTypes).join('')}
/** Variables by name. They start as they were when this was built. */
export interface Variables {
${members(variables, true)}}

export interface Model {
${entries
  .map(
    ({ name, feeds }) => `  /** Writes results into \`outputs\` where those are given, else into fresh arrays. */
  ${name}(feeds${feeds.length === 0 ? '?' : ''}: ${capitalized(name)}Feeds, outputs?: Partial<${capitalized(name)}Results>): ${capitalized(name)}Results;
`,
  )
  .join('')}  /** The variables that these functions read and change. */
  readonly variables: {
    readonly names: readonly (keyof Variables)[];
    /** A copy of what the variable holds. */
    get<N extends keyof Variables>(name: N): Variables[N];
    set<N extends keyof Variables>(name: N, value: Variables[N]): void;
  };
}

/** Where the module comes from; \`WebAssembly.Module\` is \`object\` here, since not every library declares it. */
export type Source = string | { readonly href: string } | { arrayBuffer(): Promise<ArrayBuffer> } | ArrayBuffer | ArrayBufferView | object;

/**
 * Makes a model with variables of its own. By default the module is fetched, or read, from beside this file; it may also be given by its
 * URL, as a Response or the promise of one, as bytes, or compiled (\`WebAssembly.Module\`), as edge workers have it.
 */
export declare function load(source?: Source): Promise<Model>;
`;
}

function entryTypes({ name, feeds, fetches }: PlacedEntry): string {
  const type = capitalized(name);
  return `
export interface ${type}Feeds {
${members(feeds, true)}}

export interface ${type}Results {
${members(fetches, false)}}
`;
}

function members(placed: readonly Placed[], isReadonly: boolean): string {
  return placed
    .map(({ name, dtype, shape }) => {
      const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
      const list = shape.join(', ');
      const array = arrayTypes[dtype as keyof typeof arrayTypes];
      return `  /** ${dtype} [${list}] */\n  ${isReadonly ? 'readonly ' : ''}${key}: Tensor<${array}, [${list}]>;\n`;
    })
    .join('');
}

export function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
