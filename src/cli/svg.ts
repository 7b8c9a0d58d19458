/** Pictures of graphs as SVG, laid out by Graphviz compiled to WebAssembly. */
import { dotLines } from '../graph/print/dot.js';
import type { Drawing, DrawnScope } from '../graph/print/drawing.js';
import { drawGraph } from '../graph/print/print.js';
import type { Graph, PrintOptions } from '../index.js';
import { UsageError } from './errors.js';

/** Layout takes seconds for so many nodes, and minutes for ten times as many. */
export const layoutLimit = 1000;

export type PictureOptions = Omit<PrintOptions, 'format'>;

export interface Picture {
  readonly svg: string;
  /** What the picture leaves out, or null. */
  readonly note: string | null;
}

/**
 * The SVG of `graph`; more than 1,000 nodes, or `collapseAbove`, make name scopes single boxes.
 * @throws UsageError where even that leaves too many
 */
export async function drawSvg(graph: Graph, options: PictureOptions = {}): Promise<Picture> {
  const limit = options.collapseAbove ?? layoutLimit;
  const drawing = drawGraph(graph, { ...options, collapseAbove: limit });
  const drawn = countNodes(drawing);
  if (drawn > 3 * limit) {
    throw new UsageError(
      `${drawn} nodes are too many to draw even with name scopes as boxes. Use the format dot or text, or fewer nodes.`,
    );
  }
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const svg = graphviz.layout(dotLines(drawing, options.colorBy).join('\n'), 'svg', 'dot');
  return { svg: centreLabels(svg), note: drawing.note };
}

/**
 * Graphviz places the lines of a node from the left by the widths it estimates; anchored in the middle they also fit where
 * the viewer's font is wider.
 */
function centreLabels(svg: string): string {
  const parts = svg.split(/(?=<g id="[^"]*" class=")/).map((node) => {
    if (!/^<g id="[^"]*" class="node"/.test(node)) return node;
    const outline = /<(?:ellipse|path|polygon)[^>]* (cx|d|points)="([^"]*)"/.exec(node);
    if (!outline) return node;
    const xs = [...outline[2]!.matchAll(/(-?[\d.]+)(?:,-?[\d.]+)?/g)].map((match) => Number(match[1]));
    const centre = (Math.min(...xs) + Math.max(...xs)) / 2;
    return node.replace(/text-anchor="start" x="[^"]*"/g, `text-anchor="middle" x="${centre.toFixed(2)}"`);
  });
  return parts.join('');
}

/** The SVG of `graph` alone. */
export async function toSvg(graph: Graph, options: PictureOptions = {}): Promise<string> {
  return (await drawSvg(graph, options)).svg;
}

function countNodes({ root }: Drawing): number {
  let count = 0;
  const pending: DrawnScope[] = [root];
  for (let scope = pending.pop(); scope; scope = pending.pop()) {
    count += scope.nodes.length;
    for (const inner of scope.scopes) pending.push(inner);
  }
  return count;
}
