// The command line's own loader of TypeScript (src/cli/load-model.ts), transpiled on the spot so that it needs no build.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import ts from 'typescript';

const source = new URL('../src/cli/', import.meta.url);
const target = new URL('../node_modules/.cache/tapeless/', import.meta.url);

mkdirSync(target, { recursive: true });
for (const name of ['load-model', 'ts-hooks']) {
  const { outputText } = ts.transpileModule(readFileSync(new URL(`${name}.ts`, source), 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022, verbatimModuleSyntax: true },
  });
  const temporary = new URL(`${name}.${process.pid}.tmp`, target);
  writeFileSync(temporary, outputText);
  renameSync(temporary, new URL(`${name}.js`, target)); // atomic: several processes may start at once
}

export const { loadModule, registerTypeScript } = await import(new URL('load-model.js', target).href);
