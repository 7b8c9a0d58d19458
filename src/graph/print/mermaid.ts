/** A drawing as a Mermaid flowchart, which Markdown viewers render. */
import type { DrawnEdge, DrawnNode, DrawnScope, Drawing } from './drawing.js';

/** Text inside Mermaid's quotes: what has a meaning there or in HTML becomes an entity. */
export function mermaidText(text: string): string {
  // eslint-disable-next-line no-control-regex -- a label is one line
  return text.replace(/[\u0000-\u001f\u007f]/g, ' ').replace(/[#&<>"`\\]/g, (c) => `#${c.charCodeAt(0)};`);
}

const brackets: Readonly<Record<DrawnNode['kind'], readonly [string, string]>> = {
  op: ['[', ']'],
  source: ['([', '])'],
  state: ['[(', ')]'],
  box: ['[[', ']]'],
};

/** The lines of a `flowchart`. */
export function mermaidLines(drawing: Drawing): string[] {
  const lines = ['flowchart TB'];
  if (drawing.note !== null) lines.push(`  %% ${drawing.note}`, `  note["${mermaidText(drawing.note)}"]`);
  // Names may hold what Mermaid has uses for, so nodes and scopes go by number.
  const ids = new Map<string, string>();
  let scopes = 0;
  const pending: (DrawnScope | string)[] = [drawing.root];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (typeof next === 'string') {
      lines.push(next);
      continue;
    }
    if (next.name !== '') {
      lines.push(`  subgraph s${scopes++} ["${mermaidText(next.name.slice(next.name.lastIndexOf('/') + 1))}"]`);
      pending.push('  end');
    }
    for (const node of next.nodes) lines.push(nodeLine(node, ids));
    for (const scope of next.scopes.toReversed()) pending.push(scope);
  }
  for (const edge of drawing.edges) lines.push(edgeLine(edge, ids));
  lines.push(
    '  classDef forward fill:#dbeafe,stroke:#1d4ed8,color:#111827',
    '  classDef backward fill:#ffe4c7,stroke:#c2410c,color:#111827',
    '  classDef outside fill:#ffffff,stroke:#6b7280,color:#111827,stroke-dasharray:4',
  );
  return lines;
}

function nodeLine(node: DrawnNode, ids: Map<string, string>): string {
  const id = `n${ids.size}`;
  ids.set(node.id, id);
  const [open, close] = brackets[node.kind];
  const label = [`<b>${mermaidText(node.title)}</b>`, ...node.details.map(mermaidText)].join('<br/>');
  return `  ${id}${open}"${label}"${close}:::${node.role}`;
}

function edgeLine({ from, to, label, control }: DrawnEdge, ids: ReadonlyMap<string, string>): string {
  const arrow = control ? '-.->' : `-->|"${mermaidText(label)}"|`;
  return `  ${ids.get(from)!} ${arrow} ${ids.get(to)!}`;
}
