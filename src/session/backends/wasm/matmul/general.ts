/** Products of any shape: k in blocks, columns in panels, rows in tiles. */
import type { Code, FunctionRef, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import type { Lanes } from './lanes.js';
import { eachBlock, eachStep, scaled } from './loops.js';
import { emitCopy, emitTranspose } from './pack.js';
import { definePanel } from './panel.js';
import { productParams, productType, type Emitted, type Product, type ProductParams } from './product.js';

/** Bytes of a's row at once: then a panel of b and the rows of a tile stay in the first cache. */
const stepBytes = 2048;
/** Bytes of a's rows at once, whether they are packed or not: they stay in the second cache. */
const rowsBytes = 512 * 1024;
/** b is packed only where its rows are longer than this, and c has more rows than a few: shorter ones are read as fast where they are. */
const wideBytes = 1536;
const fewRows = 8;
/** Bytes of an operand that is read where it is, whatever its stride. */
const smallBytes = 16 * 1024;

/** Bytes between packed rows: columns of rows a power of two apart would share few places of the first cache. */
const padding = 64;

interface Blocking {
  /** Of k, and of rows, at once. */
  readonly steps: number;
  readonly rows: number;
  readonly packA: boolean;
  readonly packB: boolean;
  /** Bytes from row to row of what is packed of a. */
  readonly packedRow: number;
  /** Bytes of scratch for a's rows; what is packed of b comes after them. */
  readonly packedA: number;
}

export interface Panel {
  /** Columns from `start` to `end`, `columns` of them a call. */
  readonly start: number;
  end: number;
  readonly columns: number;
  readonly tileRows: number;
}

interface DefinedPanel extends Panel {
  readonly fn: FunctionRef;
  readonly bStep: number;
}

interface Frame extends Product, ProductParams {
  readonly code: Code;
  readonly blocking: Blocking;
  readonly panels: readonly DefinedPanel[];
  readonly step: Local;
  readonly steps: Local;
  readonly row: Local;
  readonly rows: Local;
}

export function defineGeneral(module: ModuleBuilder, name: string, product: Product): Emitted {
  const blocking = chooseBlocking(product);
  const panels = choosePanels(product).map((panel, i) => define(module, `${name}_panel${i}`, product, blocking, panel));
  const fn = module.define(name, productType, (code) => {
    const [step, steps, row, rows] = Array.from({ length: 4 }, () => code.local('i32')) as [Local, Local, Local, Local];
    const params = productParams(code.params);
    emitBlocks({ code, blocking, panels, step, steps, row, rows, ...product, ...params });
  });
  const packedB = Math.max(...panels.map(({ bStep }) => (blocking.packB ? bStep * blocking.steps : 0)));
  const widest = panels.reduce((most, panel) => (panel.end - panel.start > most.end - most.start ? panel : most));
  return { fn, scratch: blocking.packedA + packedB, grain: widest.tileRows };
}

function chooseBlocking({ m, k, n, lanes, transposeA, transposeB }: Product): Blocking {
  const bytes = k * lanes.size;
  const steps = Math.ceil(k / Math.ceil(bytes / stepBytes));
  const packA = transposeA && n > 24 && m * bytes > smallBytes;
  const wide = n * lanes.size > wideBytes && n * bytes > smallBytes;
  const packB = transposeB || (m > fewRows && wide);
  const rows = Math.min(m, Math.max(12, Math.floor(rowsBytes / (steps * lanes.size) / 12) * 12));
  const packedRow = steps * lanes.size + (packA ? padding : 0);
  const packedA = packA ? Math.ceil((rows * packedRow) / 16) * 16 : 0;
  return { steps, rows, packA, packB, packedRow, packedA };
}

/** Rows of a tile by its vectors side by side: sums, a row of b and a column of a fit in 15 registers, and products that are not fused. */
function tileRows(width: number, { fused }: Lanes): number {
  return [0, 6, 4, fused ? 3 : 2, 2][width]!;
}

/** Panels as wide as suits the rows; one vector that is left over is not left alone. */
export function choosePanels({ m, n, lanes }: Pick<Product, 'm' | 'n' | 'lanes'>): Panel[] {
  const vectors = lanes.vectors(n);
  const width = Math.min(vectors, panelWidth(m, lanes));
  const [full, rest] = [Math.floor(vectors / width), vectors % width];
  const widths = Array<number>(full).fill(width);
  if (rest === 1 && width === 2) widths.splice(-1, 1, 3);
  else if (rest === 1 && width === 3) widths.splice(-1, 1, 2, 2);
  else if (rest > 0) widths.push(rest);
  const panels: Panel[] = [];
  let start = 0;
  for (const wide of widths) {
    const columns = Math.min(wide * lanes.count, n - start);
    const last = panels.at(-1);
    if (last?.columns === columns) last.end += columns;
    else panels.push({ start, end: start + columns, columns, tileRows: tileRows(wide, lanes) });
    start += columns;
  }
  return panels;
}

/** The width that takes the fewest cycles a column: a step takes a sum's latency, or half a cycle a sum. */
function panelWidth(m: number, lanes: Lanes): number {
  const cycles = (width: number): number => {
    const rows = tileRows(width, lanes);
    return (Math.ceil(m / rows) * Math.max(lanes.fused ? 4 : 3.2, (rows * width) / 2)) / width;
  };
  return [2, 3, 4].reduce((best, width) => (cycles(width) < cycles(best) ? width : best));
}

function define(module: ModuleBuilder, name: string, product: Product, blocking: Blocking, panel: Panel): DefinedPanel {
  const { lanes, m, k, n, transposeA } = product;
  const { packA, packB, steps } = blocking;
  const { size } = lanes;
  const vectors = lanes.vectors(panel.columns);
  const stored = panel.columns - (vectors - 1) * lanes.count;
  const bStep = packB ? vectors * 16 : n * size;
  const strides = {
    aRow: packA ? blocking.packedRow : transposeA ? size : k * size,
    aStep: transposeA && !packA ? m * size : size,
    bStep,
    cRow: n * size,
  };
  const shape = {
    rows: panel.tileRows,
    vectors,
    loaded: packB ? lanes.count : stored,
    stored,
    most: m,
    adds: k > steps,
  };
  return { ...panel, bStep, fn: definePanel(module, name, lanes, strides, shape) };
}

function emitBlocks(frame: Frame): void {
  const { code, blocking, k, m } = frame;
  const end = code.local('i32');
  code.i32(k).set(end);
  eachBlock(code, frame.step, end, blocking.steps, frame.steps, () => {
    code.get(frame.from).set(frame.row);
    eachBlock(code, frame.row, frame.to, Math.min(m, blocking.rows), frame.rows, () => emitPanels(frame));
  });
}

function emitPanels(frame: Frame): void {
  const { code, blocking, lanes, m, k, n, transposeA, transposeB } = frame;
  const [a, b, c, column] = Array.from({ length: 4 }, () => code.local('i32')) as [Local, Local, Local, Local];
  const { size } = lanes;
  scaled(code, a, frame.a, frame.step, transposeA ? m * size : size);
  scaled(code, a, a, frame.row, transposeA ? size : k * size);
  scaled(code, b, frame.b, frame.step, transposeB ? size : n * size);
  scaled(code, c, frame.c, frame.row, n * size);
  if (blocking.packA) {
    const [fromRow, toRow] = [m * size, blocking.packedRow];
    emitTranspose(code, lanes, { from: a, to: frame.scratch, rows: frame.steps, columns: frame.rows, fromRow, toRow });
    code.get(frame.scratch).set(a);
  }
  for (const panel of frame.panels) {
    code.i32(panel.start).set(column);
    const end = code.local('i32');
    code.i32(panel.end).set(end);
    eachStep(code, column, end, panel.columns, () => emitPanel(frame, panel, { a, b, c, column }));
    code.free(end);
  }
  [a, b, c, column].forEach((local) => code.free(local));
}

interface Place {
  readonly a: Local;
  readonly b: Local;
  readonly c: Local;
  readonly column: Local;
}

function emitPanel(frame: Frame, panel: DefinedPanel, { a, b, c, column }: Place): void {
  const { code, lanes, blocking, n, k, transposeB, scratch } = frame;
  const { size } = lanes;
  const [at, from, end] = [code.local('i32'), code.local('i32'), code.local('i32')];
  scaled(code, at, b, column, transposeB ? k * size : size);
  if (blocking.packB) {
    const columns = code.local('i32');
    code.get(at).set(from).get(scratch).i32(blocking.packedA).op('i32.add').set(at).i32(panel.columns).set(columns);
    scaled(code, end, at, frame.steps, panel.bStep);
    const block = { from, to: at, rows: columns, columns: frame.steps, fromRow: k * size, toRow: panel.bStep };
    if (transposeB) emitTranspose(code, lanes, block);
    else
      emitCopy(code, lanes, {
        from,
        to: at,
        toEnd: end,
        columns: panel.columns,
        fromRow: n * size,
        toRow: panel.bStep,
      });
    code.free(columns);
  } else scaled(code, end, at, frame.steps, panel.bStep);
  code.get(a).get(at).get(end);
  scaled(code, from, c, column, size);
  code.get(from).get(frame.rows).get(frame.step).call(panel.fn);
  [at, from, end].forEach((local) => code.free(local));
}
