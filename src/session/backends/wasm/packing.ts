/** Places for values whose lives are known beforehand. */

/** Bytes that are needed from one step to another, both included. */
export interface Need {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

/** More needs than this are left to simpler ways: the time grows with their square. */
export const mostPacked = 1000;

/**
 * Offsets from `start` on: the largest first, each as far down as nothing is in its way while it lives (greedy by size; Pisarchyk and
 * Lee, Efficient Memory Management for Deep Neural Net Inference, 2020).
 */
export function packed(
  needs: readonly Need[],
  start: number,
): { readonly offsets: readonly number[]; readonly end: number } {
  const offsets = new Array<number>(needs.length).fill(start);
  const order = needs.map((_, i) => i).sort((a, b) => needs[b]!.bytes - needs[a]!.bytes || a - b);
  /** Those that have a place, by their offsets. */
  const placed: number[] = [];
  let end = start;
  for (const i of order) {
    const need = needs[i]!;
    let at = start;
    for (const other of placed) {
      const { bytes, from, to } = needs[other]!;
      if (from > need.to || to < need.from) continue;
      if (offsets[other]! - at >= need.bytes) break;
      at = Math.max(at, offsets[other]! + bytes);
    }
    offsets[i] = at;
    const before = placed.findIndex((other) => offsets[other]! > at);
    placed.splice(before < 0 ? placed.length : before, 0, i);
    end = Math.max(end, at + need.bytes);
  }
  return { offsets, end };
}
