/** Convolutions that give images: the output, and the gradient of the input, which is one by the filter turned round. */
import type { FunctionRef, Code, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { choosePanels, type Panel } from '../matmul/general.js';
import { eachStep, offset, scaled } from '../matmul/loops.js';
import { emitCopy, emitTranspose } from '../matmul/pack.js';
import { definePanel } from '../matmul/panel.js';
import { bandOf, emitClear, emitCopyRows, emitRowAddress, type Band, type Images } from './band.js';
import { turnsOf, type AxisClass } from './geometry.js';

export interface ImageSpec extends Images {
  readonly batch: number;
  /** Channels of the result. */
  readonly outputs: number;
  /** Elements of the filter from row to row: its columns. */
  readonly filterColumns: number;
  /** Whether the filter's last axis is that of the images' channels, not that of the result's. */
  readonly turned: boolean;
}

/** Bytes of rows at once. */
const bandBytes = 96 * 1024;

/** Outputs that see the same taps: their panels of columns, and where the filter is packed for them. */
interface Part {
  readonly rows: AxisClass;
  readonly columns: AxisClass;
  readonly products: number;
  readonly panels: readonly (Panel & { readonly fn: FunctionRef; readonly bStep: number })[];
  readonly packed: number;
}

interface Frame extends ImageSpec {
  readonly code: Code;
  readonly band: Band;
  readonly parts: readonly Part[];
  readonly pack: (part: Part, panel: number) => FunctionRef;
  readonly source: Local;
  readonly filter: Local;
  readonly target: Local;
  /** Scratch: the packed filter, the rows, and, with channels first, a row of the result. */
  readonly packed: Local;
  readonly rowsAt: Local;
  readonly line: Local;
  readonly bandRows: number;
}

/** (images, filter, result, scratch, from, to): rows of all results, from one number below another. */
export function defineImages(module: ModuleBuilder, name: string, spec: ImageSpec) {
  const { lanes, rows, columns, channelsFirst, outputs, channels } = spec;
  const band = bandOf(spec);
  let packedBytes = 0;
  const parts = rows.classes.flatMap((row, y) =>
    columns.classes.map((column, x): Part => {
      const products = row.taps.length * column.taps.length * channels;
      const panels = products === 0 ? [] : definePanels(module, `${name}_${y}_${x}`, spec, band, row, column);
      const part = { rows: row, columns: column, products, panels, packed: packedBytes };
      for (const { start, end, columns: wide, bStep } of panels)
        packedBytes += Math.ceil((end - start) / wide) * products * bStep;
      return part;
    }),
  );
  const bandRows = chooseRows(band, spec);
  const lineBytes = channelsFirst ? Math.ceil((columns.outputs * outputs * lanes.size) / 16) * 16 : 0;
  const rowsBytes = band.bytes(heightOf(spec, bandRows));
  const packs = new Map<string, FunctionRef>();
  const pack = (part: Part, at: number): FunctionRef => {
    const { columns: wide, bStep } = part.panels[at]!;
    const key = `${name}_pack${wide}_${bStep}`;
    if (!packs.has(key)) packs.set(key, definePack(module, key, spec, wide, bStep));
    return packs.get(key)!;
  };
  for (const part of parts) part.panels.forEach((_, i) => pack(part, i));
  const type = { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], results: [] } as const;
  const fn = module.define(name, type, (code) => {
    const [source, filter, target, packed, from, to] = code.params as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const [rowsAt, line] = [code.local('i32'), code.local('i32')];
    offset(code, rowsAt, packed, packedBytes);
    offset(code, line, rowsAt, rowsBytes);
    emitClear(code, packed, packedBytes + rowsBytes + lineBytes);
    const frame: Frame = { ...spec, code, band, parts, pack, source, filter, target, packed, rowsAt, line, bandRows };
    emitPacking(frame);
    emitBands(frame, from, to);
  });
  return { fn, scratch: packedBytes + rowsBytes + lineBytes };
}

function heightOf({ rows }: ImageSpec, outputRows: number): number {
  const { step, move } = rows.classes[0]!;
  const top = Math.max(...rows.classes.map(({ from, tapMove, taps }) => from + (taps.length - 1) * tapMove));
  return Math.ceil((outputRows - 1) / step) * move + top - rows.low + 1;
}

/** As many rows of the result at once as leave those that they see in the cache. */
function chooseRows(band: Band, spec: ImageSpec): number {
  if (!band.isCopied) return spec.rows.outputs;
  let rows = spec.rows.outputs;
  while (rows > 1 && band.bytes(heightOf(spec, rows)) > bandBytes) rows = Math.ceil(rows / 2);
  return rows;
}

function definePanels(
  module: ModuleBuilder,
  name: string,
  spec: ImageSpec,
  band: Band,
  row: AxisClass,
  column: AxisClass,
): Part['panels'] {
  const { lanes, outputs, channels } = spec;
  const steps = [
    { count: row.taps.length, move: row.tapMove * band.row },
    { count: column.taps.length, move: column.tapMove * band.pixel },
    { count: channels, move: lanes.size },
  ];
  const { move, turns } = turnsOf(steps);
  return choosePanels({ lanes, m: column.count, n: outputs }).map((panel, i) => {
    const vectors = lanes.vectors(panel.columns);
    const bStep = vectors * 16;
    const strides = {
      aRow: column.move * band.pixel,
      aStep: move,
      bStep,
      cRow: column.step * outputs * lanes.size,
      turns,
    };
    const stored = panel.columns - (vectors - 1) * lanes.count;
    const shape = { rows: panel.tileRows, vectors, loaded: lanes.count, stored, most: column.count, adds: false };
    return { ...panel, bStep, fn: definePanel(module, `${name}_panel${i}`, lanes, strides, shape) };
  });
}

/** (from, to): the columns of a panel for one element of the filter, for each channel of the images. */
function definePack(
  module: ModuleBuilder,
  name: string,
  { lanes, channels, outputs, turned }: ImageSpec,
  columns: number,
  bStep: number,
): FunctionRef {
  return module.define(name, { params: ['i32', 'i32'], results: [] }, (code) => {
    const [from, to] = code.params as unknown as readonly [Local, Local];
    if (turned) {
      const [rows, width] = [code.local('i32'), code.local('i32')];
      code.i32(columns).set(rows).i32(channels).set(width);
      emitTranspose(code, lanes, { from, to, rows, columns: width, fromRow: channels * lanes.size, toRow: bStep });
      return;
    }
    const toEnd = code.local('i32');
    offset(code, toEnd, to, channels * bStep);
    emitCopy(code, lanes, { from, to, toEnd, columns, fromRow: outputs * lanes.size, toRow: bStep });
  });
}

/** The filter as the panels read it: for each part and panel, the rows of b one after another. */
function emitPacking(frame: Frame): void {
  const { code, lanes, parts, pack, channels, outputs, turned, filterColumns, filter, packed } = frame;
  const [to, from, column, end] = Array.from({ length: 4 }, () => code.local('i32')) as [Local, Local, Local, Local];
  const tapBytes = channels * outputs * lanes.size;
  code.get(packed).set(to);
  for (const part of parts) {
    part.panels.forEach((panel, i) => {
      code.i32(panel.start).set(column).i32(panel.end).set(end);
      eachStep(code, column, end, panel.columns, () => {
        scaled(code, from, filter, column, (turned ? channels : 1) * lanes.size);
        for (const y of part.rows.taps) {
          for (const x of part.columns.taps) {
            code
              .get(from)
              .i32((y * filterColumns + x) * tapBytes)
              .op('i32.add')
              .get(to)
              .call(pack(part, i));
            offset(code, to, to, channels * panel.bStep);
          }
        }
      });
    });
  }
  [to, from, column, end].forEach((local) => code.free(local));
}

/** Band after band of rows from `from` to `to`: rows of one image. */
function emitBands(frame: Frame, from: Local, to: Local): void {
  const { code, rows, band, bandRows } = frame;
  const [at, image, first, last, seen, count] = Array.from({ length: 6 }, () => code.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const least = (limit: () => unknown): void => {
    const other = code.local('i32');
    limit();
    code.set(other).get(last).get(other).get(last).get(other).op('i32.lt_s', 'select').set(last);
    code.free(other);
  };
  code.get(from).set(at);
  const { step, move } = rows.classes[0]!;
  eachStep(code, at, to, 1, () => {
    code.get(at).i32(rows.outputs).op('i32.div_u').set(image);
    code.get(at).get(image).i32(rows.outputs).op('i32.mul', 'i32.sub').set(first);
    offset(code, last, first, bandRows);
    least(() => code.i32(rows.outputs));
    least(() => code.get(to).get(at).op('i32.sub').get(first).op('i32.add'));
    // The first row that is seen, counted from the least of all.
    code.get(first).i32(step).op('i32.div_u').i32(move).op('i32.mul').set(seen);
    const rowsAt = code.local('i32');
    if (band.isCopied) {
      code.get(last).i32(1).op('i32.sub').i32(step).op('i32.div_u').i32(move).op('i32.mul').get(seen).op('i32.sub');
      code.i32(heightOf(frame, 1)).op('i32.add').set(count);
      const row = code.local('i32');
      offset(code, row, seen, rows.low);
      emitCopyRows(code, band, { source: frame.source, image, first: row, count, target: frame.rowsAt });
      code.free(row);
      code.get(frame.rowsAt).set(rowsAt);
    } else {
      const row = code.local('i32');
      offset(code, row, seen, rows.low);
      emitRowAddress(code, band, rowsAt, frame.source, image, row);
      code.free(row);
    }
    emitRows(frame, { image, first, last, seen, rowsAt });
    code.free(rowsAt);
    // `eachStep` moves on by one.
    code.get(at).get(last).op('i32.add').get(first).op('i32.sub').i32(1).op('i32.sub').set(at);
  });
  [at, image, first, last, seen, count].forEach((local) => code.free(local));
}

interface Rows {
  readonly image: Local;
  readonly first: Local;
  readonly last: Local;
  readonly seen: Local;
  readonly rowsAt: Local;
}

/** The rows of a band: of each class of rows, those of its parts. */
function emitRows(frame: Frame, { image, first, last, seen, rowsAt }: Rows): void {
  const { code, lanes, band, rows, columns, parts, outputs, channelsFirst, target, line } = frame;
  const [row, a, c] = [code.local('i32'), code.local('i32'), code.local('i32')];
  const { step, move } = rows.classes[0]!;
  const rowBytes = columns.outputs * outputs * lanes.size;
  const isPartial = parts.some(({ products }) => products === 0);
  code.get(first).set(row);
  eachStep(code, row, last, 1, () => {
    if (channelsFirst) code.get(line).set(c);
    else {
      scaled(code, c, target, image, rows.outputs * rowBytes);
      scaled(code, c, c, row, rowBytes);
    }
    if (isPartial) code.get(c).i32(0).i32(rowBytes).memoryFill();
    code.get(row).i32(step).op('i32.div_u').i32(move).op('i32.mul').get(seen).op('i32.sub').set(a);
    scaled(code, a, rowsAt, a, band.row);
    for (const own of rows.classes) {
      const emit = (): void => {
        for (const part of parts) if (part.rows === own) emitPart(frame, part, a, c);
      };
      if (rows.classes.length === 1) emit();
      else {
        code.get(row).i32(step).op('i32.rem_u').i32(own.first).op('i32.eq');
        code.if(emit);
      }
    }
    if (channelsFirst) emitLine(frame, image, row);
  });
  [row, a, c].forEach((local) => code.free(local));
}

/** One row of the result, in the columns of one class. `a`: where the row of the least that all classes see is. */
function emitPart({ code, lanes, band, rows, columns, outputs, packed }: Frame, part: Part, a: Local, c: Local): void {
  if (part.products === 0) return;
  const [seen, b, bEnd, column, end, count] = Array.from({ length: 6 }, () => code.local('i32')) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  offset(code, seen, a, (part.rows.from - rows.low) * band.row + (part.columns.from - columns.low) * band.pixel);
  offset(code, b, packed, part.packed);
  code.i32(part.columns.count).set(count);
  for (const panel of part.panels) {
    code.i32(panel.start).set(column).i32(panel.end).set(end);
    eachStep(code, column, end, panel.columns, () => {
      offset(code, bEnd, b, part.products * panel.bStep);
      code.get(seen).get(b).get(bEnd).get(c).get(column).i32(lanes.size).op('i32.mul', 'i32.add');
      if (part.columns.first > 0) code.i32(part.columns.first * outputs * lanes.size).op('i32.add');
      code.get(count).i32(0).call(panel.fn).get(bEnd).set(b);
    });
  }
  [seen, b, bEnd, column, end, count].forEach((local) => code.free(local));
}

/** A row that lies with channels last, to where it belongs with channels first. */
function emitLine({ code, lanes, rows, columns, outputs, target, line }: Frame, image: Local, row: Local): void {
  const plane = rows.outputs * columns.outputs * lanes.size;
  const [to, count, width] = [code.local('i32'), code.local('i32'), code.local('i32')];
  scaled(code, to, target, image, plane * outputs);
  scaled(code, to, to, row, columns.outputs * lanes.size);
  code.i32(columns.outputs).set(count).i32(outputs).set(width);
  emitTranspose(code, lanes, {
    from: line,
    to,
    rows: count,
    columns: width,
    fromRow: outputs * lanes.size,
    toRow: plane,
  });
  [to, count, width].forEach((local) => code.free(local));
}
