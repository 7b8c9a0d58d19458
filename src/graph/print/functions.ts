/** The functions that printed operations call, and those that these call. */
import type { AttrValue } from '../attr.js';
import type { Graph, GraphFunction } from '../graph.js';
import type { Operation } from '../operation.js';
import { textLine } from './text.js';
import { tensorType } from './values.js';

/** The functions that `operations` reach, each once, in the order of the library. */
export function functionsOf(graph: Graph, operations: readonly Operation[]): readonly GraphFunction[] {
  const library = new Map(graph.root.functions().map((fn) => [fn.def.signature.name, fn]));
  const reached = new Set<GraphFunction>();
  const visit = (op: Operation): void => {
    for (const attr in op.def.attr) {
      for (const name of calledBy(op.def.attr[attr]!)) {
        const fn = library.get(name);
        if (fn) reached.add(fn);
      }
    }
  };
  operations.forEach(visit);
  for (const { body } of reached) body.operations().forEach(visit);
  return [...library.values()].filter((fn) => reached.has(fn));
}

function calledBy(attr: AttrValue): readonly string[] {
  if (attr.kind === 'func') return [attr.value.name];
  return attr.kind === 'list' && attr.of === 'func' ? attr.value.map(({ name }) => name) : [];
}

/** A function as text: its arguments, a line a node, what it returns. */
export function functionLines({ def, body }: GraphFunction): string[] {
  const { inputArg, outputArg, name } = def.signature;
  const args = new Map(inputArg.map((arg) => [arg.name, body.operation(arg.op)]));
  const inner = new Set(args.values());
  const result = (spelled: string): string =>
    args.get(spelled)?.name ?? spelled.replace(/:\w+:0$/, '').replace(/:\w+:/, ':');
  return [
    `function ${name}(${[...inner].map((op) => `${op.name} ${tensorType(op.outputs[0]!)}`).join(', ')}):`,
    ...body
      .operations()
      .filter((op) => !inner.has(op))
      .map((op) => `  ${textLine(op)}`),
    `  return ${outputArg.map((arg) => result(def.ret[arg.name]!)).join(', ')}`,
  ];
}
