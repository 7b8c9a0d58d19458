/** The gradient of a filter: for each of its elements, a sum over all pixels of the output. */
import type { FunctionRef, Code, Local } from '../assembler/code.js';
import type { ModuleBuilder } from '../assembler/module.js';
import { choosePanels, type Panel } from '../matmul/general.js';
import { eachStep, offset, scaled } from '../matmul/loops.js';
import { definePanel } from '../matmul/panel.js';
import { bandOf, emitClear, emitCopyRows, emitRowAddress, type Band, type Images } from './band.js';
import { turnsOf, type Axis } from './geometry.js';

export interface FilterSpec extends Images {
  readonly batch: number;
  readonly outputs: number;
}

/** Bytes of rows and of their gradients at once. */
const bandBytes = 64 * 1024;

interface Frame extends FilterSpec {
  readonly code: Code;
  readonly band: Band;
  /** The gradients, as images that are asked for as they are. */
  readonly gradients: Band;
  readonly panels: readonly (Panel & { readonly fn: FunctionRef })[];
  readonly source: Local;
  readonly dy: Local;
  readonly target: Local;
  readonly rowsAt: Local;
  readonly gradientsAt: Local;
  readonly bandRows: number;
  readonly from: Local;
  readonly to: Local;
}

/** (images, gradients, result, scratch, from, to): rows of the result, which are its elements of all outputs, from one number below another. */
export function defineFilters(module: ModuleBuilder, name: string, spec: FilterSpec) {
  const { lanes, rows, columns, outputs, channelsFirst } = spec;
  const band = bandOf(spec);
  const whole = ({ outputs: size }: Axis): Axis => ({ size, outputs: size, classes: [], low: 0, high: size - 1 });
  const gradients = bandOf({ lanes, channels: outputs, channelsFirst, rows: whole(rows), columns: whole(columns) });
  const panels = definePanels(module, name, spec, band);
  const bandRows = chooseRows(spec, band, gradients);
  const bytes = [band.bytes(heightOf(spec, bandRows)), gradients.bytes(bandRows)] as const;
  const type = { params: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'], results: [] } as const;
  const fn = module.define(name, type, (code) => {
    const [source, dy, target, rowsAt, from, to] = code.params as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const gradientsAt = code.local('i32');
    offset(code, gradientsAt, rowsAt, bytes[0]);
    emitClear(code, rowsAt, bytes[0]);
    emitBands({ ...spec, code, band, gradients, panels, source, dy, target, rowsAt, gradientsAt, bandRows, from, to });
  });
  return { fn, scratch: bytes[0] + bytes[1] };
}

function heightOf({ rows }: FilterSpec, outputRows: number): number {
  const { move, tapMove, taps } = rows.classes[0]!;
  return (outputRows - 1) * move + (taps.length - 1) * tapMove + 1;
}

function chooseRows(spec: FilterSpec, band: Band, gradients: Band): number {
  let rows = spec.rows.outputs;
  const bytes = (count: number): number => heightOf(spec, count) * band.row + count * gradients.row;
  while (rows > 1 && bytes(rows) > bandBytes) rows = Math.ceil(rows / 2);
  return rows;
}

/** Rows of the result that lie in an image as they lie in the result: of one row of the filter, or of one element. */
function groupOf({ columns, channels }: FilterSpec): number {
  const { tapMove, taps } = columns.classes[0]!;
  return tapMove === 1 ? taps.length * channels : channels;
}

function definePanels(module: ModuleBuilder, name: string, spec: FilterSpec, band: Band): Frame['panels'] {
  const { lanes, rows, columns, outputs } = spec;
  const { move, turns } = turnsOf([
    { count: rows.outputs, move: rows.classes[0]!.move * band.row },
    { count: columns.outputs, move: columns.classes[0]!.move * band.pixel },
  ]);
  const group = groupOf(spec);
  return choosePanels({ lanes, m: group, n: outputs }).map((panel, i) => {
    const vectors = lanes.vectors(panel.columns);
    const stored = panel.columns - (vectors - 1) * lanes.count;
    const bytes = outputs * lanes.size;
    const strides = { aRow: lanes.size, aStep: move, bStep: bytes, cRow: bytes, turns };
    const shape = { rows: panel.tileRows, vectors, loaded: stored, stored, most: group, adds: true };
    return { ...panel, fn: definePanel(module, `${name}_panel${i}`, lanes, strides, shape) };
  });
}

/** Image after image, band after band: their products are added to those before. */
function emitBands(frame: Frame): void {
  const { code, band, gradients, rows, batch, bandRows } = frame;
  const locals = Array.from({ length: 9 }, () => code.local('i32'));
  const [image, images, row, end, count, seen, height, a, b] = locals as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const { move } = rows.classes[0]!;
  code.i32(0).set(image).i32(batch).set(images).i32(rows.outputs).set(end);
  eachStep(code, image, images, 1, () => {
    code.i32(0).set(row);
    eachStep(code, row, end, 1, () => {
      code
        .i32(bandRows)
        .get(end)
        .get(row)
        .op('i32.sub')
        .i32(bandRows)
        .get(end)
        .get(row)
        .op('i32.sub', 'i32.lt_s', 'select')
        .set(count);
      code.get(row).i32(move).op('i32.mul').i32(rows.low).op('i32.add').set(seen);
      if (band.isCopied) {
        code.get(count).i32(1).op('i32.sub').i32(move).op('i32.mul').i32(heightOf(frame, 1)).op('i32.add').set(height);
        emitCopyRows(code, band, { source: frame.source, image, first: seen, count: height, target: frame.rowsAt });
        code.get(frame.rowsAt).set(a);
      } else emitRowAddress(code, band, a, frame.source, image, seen);
      if (gradients.isCopied) {
        emitCopyRows(code, gradients, { source: frame.dy, image, first: row, count, target: frame.gradientsAt });
        code.get(frame.gradientsAt).set(b);
      } else emitRowAddress(code, gradients, b, frame.dy, image, row);
      code.get(image).get(row).op('i32.or').i32(0).op('i32.ne').set(height);
      emitGroups(frame, a, b, count, height);
      // `eachStep` moves on by one.
      code.get(row).get(count).op('i32.add').i32(1).op('i32.sub').set(row);
    });
  });
  locals.forEach((local) => code.free(local));
}

/** All groups of rows of the result, as far as they are wanted. */
function emitGroups(frame: Frame, a: Local, b: Local, count: Local, adds: Local): void {
  const { code, lanes, band, rows, columns } = frame;
  const [rowTaps, columnTaps] = [rows.classes[0]!, columns.classes[0]!];
  const group = groupOf(frame);
  const perRow = columnTaps.tapMove === 1 ? 1 : columnTaps.taps.length;
  const locals = Array.from({ length: 8 }, () => code.local('i32'));
  const [start, y, yEnd, x, xEnd, rowAt, low, high] = locals as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  code.i32(0).set(start).i32(0).set(y).i32(rowTaps.taps.length).set(yEnd).i32(perRow).set(xEnd).get(a).set(rowAt);
  const at = code.local('i32');
  eachStep(code, y, yEnd, 1, () => {
    code.i32(0).set(x).get(rowAt).set(at);
    eachStep(code, x, xEnd, 1, () => {
      const pick = (target: Local, bound: Local, by: number, test: 'i32.gt_s' | 'i32.lt_s'): void => {
        const own = code.local('i32');
        offset(code, own, start, by);
        code.get(own).get(bound).get(own).get(bound).op(test, 'select').set(target);
        code.free(own);
      };
      pick(low, frame.from, 0, 'i32.gt_s');
      pick(high, frame.to, group, 'i32.lt_s');
      code.get(low).get(high).op('i32.lt_s');
      code.if(() => {
        const first = code.local('i32');
        code.get(low).get(start).op('i32.sub').i32(lanes.size).op('i32.mul').get(at).op('i32.add').set(first);
        emitPanels(frame, { a: first, b, count, low, high, adds });
        code.free(first);
      });
      offset(code, start, start, group);
      offset(code, at, at, columnTaps.tapMove * band.pixel);
    });
    offset(code, rowAt, rowAt, rowTaps.tapMove * band.row);
  });
  [...locals, at].forEach((local) => code.free(local));
}

interface Group {
  readonly a: Local;
  readonly b: Local;
  /** Rows of the output. */
  readonly count: Local;
  readonly low: Local;
  readonly high: Local;
  readonly adds: Local;
}

function emitPanels(
  { code, lanes, panels, columns, outputs, target }: Frame,
  { a, b, count, low, high, adds }: Group,
): void {
  const [column, end, from] = [code.local('i32'), code.local('i32'), code.local('i32')];
  for (const panel of panels) {
    code.i32(panel.start).set(column).i32(panel.end).set(end);
    eachStep(code, column, end, panel.columns, () => {
      scaled(code, from, b, column, lanes.size);
      code
        .get(a)
        .get(from)
        .get(from)
        .get(count)
        .i32(columns.outputs * outputs * lanes.size)
        .op('i32.mul', 'i32.add');
      scaled(code, from, target, low, outputs * lanes.size);
      code.get(from).get(column).i32(lanes.size).op('i32.mul', 'i32.add');
      code.get(high).get(low).op('i32.sub').get(adds).call(panel.fn);
    });
  }
  [column, end, from].forEach((local) => code.free(local));
}
