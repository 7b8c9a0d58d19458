/** Printing graphs: the one public door to every notation. */
import { bodyDefOf } from '../body.js';
import { InvalidArgumentError } from '../errors.js';
import { graphDefOf } from '../graph-def/graph-def.js';
import type { GraphDef } from '../graph-def/messages.js';
import type { Graph } from '../graph.js';
import type { Operation } from '../operation.js';
import { graphView, GraphView } from '../view.js';
import { dotLines, type ColorBy } from './dot.js';
import { drawingOf, type Drawing } from './drawing.js';
import { functionLines, functionsOf } from './functions.js';
import { graphDefLines } from './json.js';
import { mermaidLines } from './mermaid.js';
import { textLines } from './text.js';

/** `text`: a line a node; `json`: TensorFlow's GraphDef as protobuf JSON; `dot`: Graphviz; `mermaid`: a flowchart. */
export type PrintFormat = 'text' | 'json' | 'dot' | 'mermaid';

export interface PrintOptions {
  /** `text` by default. */
  readonly format?: PrintFormat;
  /** Only these operations of the graph, in the graph's order; all of them by default. */
  readonly nodes?: Iterable<Operation>;
  /** In `dot`, what colours mean: forward and backward (the default), or colocation groups. */
  readonly colorBy?: ColorBy;
  /** In `dot` and `mermaid`, more nodes than this make name scopes single boxes; by default nothing is collapsed. */
  readonly collapseAbove?: number;
}

/**
 * A text for `graph`, in lines.
 * @throws InvalidArgumentError for an unknown format or an operation of another graph
 */
export function printLines(graph: Graph, options: PrintOptions = {}): string[] {
  const { format = 'text' } = options;
  const operations = selected(graph, options);
  switch (format) {
    case 'text':
      return [
        ...textLines(operations),
        ...functionsOf(graph, operations).flatMap((fn) => ['', ...functionLines(bodyDefOf(fn))]),
      ];
    case 'json':
      return graphDefLines(graphDefOfNodes(graph, operations));
    case 'dot':
      return dotLines(drawGraph(graph, options), options.colorBy);
    case 'mermaid':
      return mermaidLines(drawGraph(graph, options));
    default:
      throw new InvalidArgumentError(`printGraph: the format is text, json, dot or mermaid, not '${String(format)}'.`);
  }
}

/** Some operations of `graph`, by default all, with the functions that they call. */
export function graphDefOfNodes(graph: Graph, nodes: Iterable<Operation> = graph.operations()): GraphDef {
  const operations = selected(graph, { nodes });
  return graphDefOf(
    operations.map((op) => op.def),
    functionsOf(graph, operations).map(({ def }) => def),
    graph.state.versions,
  );
}

/** What a picture of the selected part of `graph` shows. */
export function drawGraph(graph: Graph, options: PrintOptions = {}): Drawing {
  const view = options.nodes === undefined ? graphView(graph) : new GraphView(selected(graph, options));
  return drawingOf(graph, view, options.collapseAbove);
}

function selected(graph: Graph, { nodes }: PrintOptions): readonly Operation[] {
  if (nodes === undefined) return graph.operations();
  const operations = [...new Set(nodes)].sort((a, b) => a.id - b.id);
  for (const op of operations) {
    if (op.graph !== graph)
      throw new InvalidArgumentError(`printGraph: '${op.name}' belongs to another graph.`, op.details());
  }
  return operations;
}

/**
 * `graph`, or some of its operations, as text: to read, to exchange with TensorFlow (`json`), or to draw (`dot`, `mermaid`).
 * @throws InvalidArgumentError for an unknown format or an operation of another graph
 * @example
 * tanh(placeholder('float32', [2], { name: 'x' }));
 * printGraph(g); // 'x = Placeholder() -> float32[2]\nTanh = Tanh(x) -> float32[2]\n'
 */
export function printGraph(graph: Graph, options: PrintOptions = {}): string {
  return printLines(graph, options)
    .map((line) => `${line}\n`)
    .join('');
}
