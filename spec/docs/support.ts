/** Runs the examples of docstrings and documents: every line `expression; // value` is a claim, and is checked. */
import { expect } from '@jest/globals';
import ts from 'typescript';
import * as interop from '../../src/interop/index.js';
import * as testing from '../../src/testing/index.js';
import * as tl from '../../src/index.js';

/** An example: its code, and where it stands. */
export interface Example {
  readonly where: string;
  readonly code: string;
}

/** The `@example` blocks of a source file. */
export function docstringExamples(file: string, text: string): Example[] {
  const blocks = text.matchAll(/\/\*\*[\s\S]*?\*\//g);
  return [...blocks].flatMap((block) => {
    const lines = block[0].split('\n').map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*) ?/, ''));
    const start = lines.findIndex((line) => line.startsWith('@example'));
    if (start < 0) return [];
    const rest = lines.slice(start + 1);
    const end = rest.findIndex((line) => line.startsWith('@'));
    const line = text.slice(0, block.index).split('\n').length + start;
    return [{ where: `${file}:${line}`, code: (end < 0 ? rest : rest.slice(0, end)).join('\n') }];
  });
}

/** The TypeScript blocks of a document, as the one module they are. */
export function documentExample(file: string, text: string): Example {
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1]!);
  return { where: file, code: blocks.join('\n') };
}

/** The value a comment claims, or undefined where it is prose. */
function claimedValue(comment: string): { readonly value: unknown } | undefined {
  const candidates = [comment, comment.split(/[:;]| {2}/)[0]!];
  for (const text of candidates) {
    if (!/^[-[{'"\dtfnNI]/.test(text)) continue;
    try {
      return { value: new Function(`return (${text});`)() as unknown };
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Turns `expression; // value` into a check of it. */
function withChecks(code: string): string {
  return code
    .split('\n')
    .map((line) => {
      const match = /^(\s*)(?!\/\/)(.+?);?\s*\/\/ (.+)$/.exec(line);
      const claim = match && claimedValue(match[3]!.trim());
      if (!match || !claim) return line;
      const [, indent, statement] = match;
      const declared = /^const (\w+|\[(\w+)\]) = /.exec(statement!);
      const call = (expression: string) => `__check(${expression}, ${JSON.stringify(match[3]!.trim())});`;
      if (declared) return `${indent}${statement};${call(declared[2] ?? declared[1]!)}`;
      return `${indent}${call(statement!)}`;
    })
    .join('\n');
}

function close(actual: unknown, expected: unknown): boolean {
  if (typeof actual === 'number' && typeof expected === 'number') {
    return Object.is(actual, expected) || Math.abs(actual - expected) <= 1e-3 * Math.max(1, Math.abs(expected));
  }
  if (Array.isArray(actual) && Array.isArray(expected)) {
    return actual.length === expected.length && actual.every((item, i) => close(item, expected[i]));
  }
  if (typeof actual === 'object' && typeof expected === 'object' && actual !== null && expected !== null) {
    return Object.keys(expected).every((key) =>
      close((actual as Record<string, unknown>)[key], (expected as Record<string, unknown>)[key]),
    );
  }
  return Object.is(actual, expected) || (typeof actual === 'bigint' && Number(actual) === expected);
}

const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...args: string[]
) => (...values: unknown[]) => Promise<void>;

/** Runs an example in a graph `g` of its own, with a `session` on it and all public names at hand. @throws where it throws, or a claim does not hold */
export async function runExample({ code }: Example): Promise<number> {
  const g = new tl.Graph();
  let session: tl.Session | undefined;
  let claims = 0;
  const values = (value: unknown): unknown => {
    if (value instanceof tl.NDArray) return value.toArray();
    if (value instanceof tl.Tensor || value instanceof tl.Variable || value instanceof tl.IndexedSlices) {
      session ??= new tl.Session({ graph: value.graph });
      const tensor = value instanceof tl.IndexedSlices ? tl.convertToTensor(value) : value;
      return session.runSync(tensor as tl.Tensor).toArray();
    }
    return Array.isArray(value) ? value.map(values) : value;
  };
  const check = (value: unknown, comment: string): void => {
    claims++;
    const expected = claimedValue(comment)!.value;
    const actual = values(value);
    if (!close(actual, expected))
      throw new Error(
        `the example says ${comment}, but it is ${JSON.stringify(actual, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v))}`,
      );
  };
  const body = ts.transpileModule(withChecks(code.replace(/^import .*$/gm, '')), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  }).outputText;
  const scope: Record<string, unknown> = {
    ...tl,
    ...testing,
    ...interop,
    expect,
    tl,
    g,
    session: new tl.Session({ graph: g }),
    __check: check,
  };
  // Words of the language that are names all the same are had as `tl.…` only.
  for (const word of ['default', 'function']) delete scope[word];
  const names = Object.keys(scope).filter(
    (name) => !new RegExp(`(const|let|function) (\\{[^}]*)?\\b${name}\\b`).test(body),
  );
  const run = new AsyncFunction(...names, body);
  await g.asDefault(() => run(...names.map((name) => scope[name])));
  const lost = g.operations().find((op) => /\/src\//.test(op.createdAt) || op.createdAt === 'unknown');
  if (lost)
    throw new Error(`'${lost.name}' (${lost.type}) says it was created at ${lost.createdAt}, inside the library`);
  return claims;
}
