/** Rows of images as the kernels read them: with channels last, and with zeros around them where they ask for more than there is. */
import type { Code, Local } from '../assembler/code.js';
import type { Lanes } from '../matmul/lanes.js';
import { eachStep, offset, scaled } from '../matmul/loops.js';
import { emitTranspose } from '../matmul/pack.js';
import { isCovered, type Axis } from './geometry.js';

/** Images in memory. */
export interface Images {
  readonly lanes: Lanes;
  readonly channels: number;
  readonly channelsFirst: boolean;
  readonly rows: Axis;
  readonly columns: Axis;
}

/** How rows of images are read. */
export interface Band {
  readonly images: Images;
  /** Whether they are copied to scratch; if not, they are read where they are. */
  readonly isCopied: boolean;
  /** Bytes from row to row and from pixel to pixel. */
  readonly row: number;
  readonly pixel: number;
  /** Bytes of scratch for so many rows. */
  readonly bytes: (rows: number) => number;
}

export function bandOf(images: Images): Band {
  const { lanes, channels, channelsFirst, rows, columns } = images;
  const isCopied = channelsFirst || !isCovered(rows) || !isCovered(columns);
  const pixel = channels * lanes.size;
  const row = pixel * (isCopied ? columns.high - columns.low + 1 : columns.size);
  return { images, isCopied, row, pixel, bytes: (count) => (isCopied ? Math.ceil((count * row) / 16) * 16 : 0) };
}

/** Zeros the scratch of a band, so that what lies beside the images is 0 in all rows that come. */
export function emitClear(code: Code, at: Local, bytes: number): void {
  if (bytes > 0) code.get(at).i32(0).i32(bytes).memoryFill();
}

export interface Copy {
  /** The first image. */
  readonly source: Local;
  /** The number of an image, and of the first row: one outside of the image is zeros. */
  readonly image: Local;
  readonly first: Local;
  readonly count: Local;
  readonly target: Local;
}

/** Copies `count` rows. */
export function emitCopyRows(code: Code, band: Band, { source, image, first, count, target }: Copy): void {
  const { rows, columns, channels, lanes } = band.images;
  const from = Math.max(columns.low, 0);
  const pixels = Math.min(columns.high + 1, columns.size) - from;
  const [i, row, at, to] = [code.local('i32'), code.local('i32'), code.local('i32'), code.local('i32')];
  code.i32(0).set(i).get(first).set(row);
  offset(code, to, target, (from - columns.low) * band.pixel);
  eachStep(code, i, count, 1, () => {
    code.get(row).i32(rows.size).op('i32.lt_u');
    code.if(
      () => {
        if (pixels > 0) emitRow(code, band, { source, image, row, at, to, from, pixels });
      },
      () => {
        if (pixels > 0)
          code
            .get(to)
            .i32(0)
            .i32(pixels * channels * lanes.size)
            .memoryFill();
      },
    );
    offset(code, row, row, 1);
    offset(code, to, to, band.row);
  });
  [i, row, at, to].forEach((local) => code.free(local));
}

interface Row {
  readonly source: Local;
  readonly image: Local;
  readonly row: Local;
  readonly at: Local;
  readonly to: Local;
  readonly from: number;
  readonly pixels: number;
}

function emitRow(code: Code, { images, pixel }: Band, { source, image, row, at, to, from, pixels }: Row): void {
  const { lanes, channels, channelsFirst, rows, columns } = images;
  const plane = rows.size * columns.size * lanes.size;
  const step = channelsFirst ? lanes.size : pixel;
  scaled(code, at, source, image, plane * channels);
  scaled(code, at, at, row, columns.size * step);
  offset(code, at, at, from * step);
  if (!channelsFirst)
    return void code
      .get(to)
      .get(at)
      .i32(pixels * pixel)
      .op('memory.copy');
  const [count, width] = [code.local('i32'), code.local('i32')];
  code.i32(channels).set(count).i32(pixels).set(width);
  emitTranspose(code, lanes, { from: at, to, rows: count, columns: width, fromRow: plane, toRow: pixel });
  code.free(count);
  code.free(width);
}

/** `target`: where row `row` of image `image` begins, if it is read where it is; `row` counts from `rows.low`. */
export function emitRowAddress(
  code: Code,
  { images, row, pixel }: Band,
  target: Local,
  source: Local,
  image: Local,
  first: Local,
): void {
  const { rows, columns } = images;
  scaled(code, target, source, image, rows.size * row);
  scaled(code, target, target, first, row);
  offset(code, target, target, columns.low * pixel);
}
