/** A drawing in Graphviz's DOT language: a cluster a name scope, dtype and shape on edges. */
import type { DrawnEdge, DrawnNode, DrawnScope, Drawing, Role } from './drawing.js';

/** What the fill colour of a node tells: forward or backward, or which nodes are placed together. */
export type ColorBy = 'role' | 'colocation';

const colors: Readonly<Record<Role, { fill: string; line: string; cluster: string }>> = {
  forward: { fill: '#dbeafe', line: '#1d4ed8', cluster: '#f3f7fe' },
  backward: { fill: '#ffe4c7', line: '#c2410c', cluster: '#fff7ee' },
  outside: { fill: '#ffffff', line: '#6b7280', cluster: '#ffffff' },
};
const groupColors = [
  '#bbf7d0',
  '#fde68a',
  '#fbcfe8',
  '#ddd6fe',
  '#a5f3fc',
  '#fecaca',
  '#d9f99d',
  '#e9d5ff',
  '#fed7aa',
  '#bae6fd',
];
const shapes: Readonly<Record<DrawnNode['kind'], string>> = {
  op: 'box',
  source: 'ellipse',
  state: 'cylinder',
  box: 'box3d',
};

/** A quoted DOT string. A backslash would start one of DOT's own escapes, such as `\N`. */
export function dotString(text: string): string {
  return `"${printable(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function html(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- XML has no form for them
  return text.replace(/[\u0000-\u001f\u007f]/g, ' ');
}

const font = 'fontname="Helvetica,Arial,sans-serif"';

function legend(colorBy: ColorBy): string {
  const fill =
    colorBy === 'role' ? 'blue: forward, orange: backward' : 'same fill: placed together, grey: placed freely';
  return `${fill}, dashed arrow: control, dashed node: from outside`;
}

/** The lines of a `digraph`. */
export function dotLines(drawing: Drawing, colorBy: ColorBy = 'role'): string[] {
  const lines = [
    'digraph graph_ {',
    `  graph [rankdir=TB, ${font}, fontsize=11, nodesep=0.3, ranksep=0.45, bgcolor="white", labelloc=b, label="${legend(colorBy)}"];`,
    `  node [${font}, fontsize=12, style="rounded,filled", penwidth=1.2, margin="0.18,0.06"];`,
    `  edge [${font}, fontsize=9, fontcolor="#374151", color="#6b7280", arrowsize=0.7];`,
  ];
  if (drawing.note !== null) {
    lines.push(`  // ${printable(drawing.note)}`);
    lines.push(
      `  ${dotString('note:')} [shape=note, style=filled, fillcolor="#fef9c3", color="#a16207", fontsize=11, margin="0.6,0.1", label=${dotString(drawing.note)}];`,
    );
  }
  const paint = painter(colorBy);
  const pending: { scope: DrawnScope; depth: number; close: boolean }[] = [
    { scope: drawing.root, depth: 1, close: false },
  ];
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { scope, depth, close } = next;
    const isRoot = scope.name === '';
    const indent = '  '.repeat(Math.min(depth, 20));
    if (close) {
      lines.push(`${indent}}`);
      continue;
    }
    const inner = isRoot ? depth : depth + 1;
    if (!isRoot) {
      lines.push(`${indent}subgraph ${dotString(`cluster_${scope.name}`)} {`, `${indent}  ${clusterStyle(scope)}`);
      pending.push({ scope, depth, close: true });
    }
    for (const node of scope.nodes) lines.push(`${'  '.repeat(Math.min(inner, 20))}${nodeText(node, paint)}`);
    for (const child of scope.scopes.toReversed()) pending.push({ scope: child, depth: inner, close: false });
  }
  for (const edge of drawing.edges) lines.push(`  ${edgeText(edge)}`);
  lines.push('}');
  return lines;
}

function clusterStyle({ name, role }: DrawnScope): string {
  const { cluster, line } = colors[role];
  const label = dotString(name.slice(name.lastIndexOf('/') + 1));
  return (
    `label=${label}; labelloc=t; labeljust=l; tooltip=${dotString(name)}; style="rounded,filled"; ` +
    `fillcolor="${cluster}"; color="${line}66"; fontcolor="${line}";`
  );
}

type Paint = (node: DrawnNode) => string;

function painter(colorBy: ColorBy): Paint {
  const assigned = new Map<string, string>();
  return (node) => {
    if (colorBy === 'role' || node.role === 'outside') return colors[node.role].fill;
    if (node.group === null) return '#f3f4f6';
    const color = assigned.get(node.group) ?? groupColors[assigned.size % groupColors.length]!;
    assigned.set(node.group, color);
    return color;
  };
}

function nodeText(node: DrawnNode, paint: Paint): string {
  const details = node.details.map((text) => `<BR/><FONT POINT-SIZE="9" COLOR="#374151">${html(text)}</FONT>`);
  const attributes = [
    `shape=${shapes[node.kind]}`,
    `fillcolor="${paint(node)}"`,
    `color="${colors[node.role].line}"`,
    `label=<<B>${html(node.title)}</B>${details.join('')}>`,
    `tooltip=${dotString(node.tooltip)}`,
  ];
  if (node.role === 'outside') attributes.push('style="rounded,dashed"');
  else if (node.kind === 'state' || node.kind === 'box') attributes.push('style=filled');
  return `${dotString(node.id)} [${attributes.join(', ')}];`;
}

function edgeText({ from, to, label, control }: DrawnEdge): string {
  const attributes = control
    ? 'style=dashed, arrowhead=empty, tooltip="control"'
    : `label=${dotString(`  ${label}  `)}`;
  return `${dotString(from)} -> ${dotString(to)} [${attributes}];`;
}
