/** The functions that printed operations call, and those that these call. */
import type { AttrValue } from '../attr.js';
import type { Graph } from '../graph.js';
import type { GraphFunction } from '../ledger.js';
import type { Operation } from '../operation.js';
import { dataInputs, outputSpecs, type BodyDef } from '../body.js';
import { nodeLine } from './text.js';
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

/** The functions that an attribute names. */
export function calledBy(attr: AttrValue): readonly string[] {
  if (attr.kind === 'func') return [attr.value.name];
  return attr.kind === 'list' && attr.of === 'func' ? attr.value.map(({ name }) => name) : [];
}

/** A function as text: its arguments, a line a node, what it returns. */
export function functionLines({ name, nodes, outputs, forwardOf, inputs, results }: BodyDef): string[] {
  const specs = outputSpecs(nodes, outputs);
  const inner = new Set(inputs);
  const argument = (input: string) => [input, ...[specs.get(input) ?? []].flat().map(tensorType)].join(' ');
  return [
    `function ${name}(${inputs.map(argument).join(', ')}):`,
    ...nodes.flatMap((def, i) => {
      if (inner.has(def.name)) return [];
      const sources = dataInputs(def).flatMap((input) => specs.get(input) ?? []);
      const forward = forwardOf[i]?.[1] ?? null;
      return [`  ${nodeLine({ def, inputs: sources, outputs: outputs[i]!, forward })}`];
    }),
    `  return ${results.map((result) => result.replace(/:0$/, '')).join(', ')}`,
  ];
}
