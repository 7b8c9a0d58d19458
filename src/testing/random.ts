/** Directions to look along: numbers that follow from a seed alone. */

/** A generator of numbers in ±[0.5, 1]: none is close to zero, so no element goes unnoticed (mulberry32). */
export function directions(seed: number): () => number {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => (next() < 0.5 ? -1 : 1) * (0.5 + next() / 2);
}
