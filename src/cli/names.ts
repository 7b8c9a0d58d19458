/** Names that a user may have meant. */

/** How many single-character edits lead from `a` to `b`; at most `limit + 1`. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    if (Math.min(...next) > limit) return limit + 1;
    row = next;
  }
  return row[b.length]!;
}

/** Up to `count` of `candidates` that look or end like `name`, the nearest first. */
export function nearMatches(name: string, candidates: Iterable<string>, count = 5): string[] {
  const wanted = name.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  const scored: { candidate: string; score: number }[] = [];
  for (const candidate of new Set(candidates)) {
    const key = candidate.toLowerCase();
    const last = key.slice(key.lastIndexOf('/') + 1);
    const score = Math.min(
      editDistance(wanted, key, limit),
      editDistance(wanted, last, limit) + 0.5,
      wanted.length > 2 && key.includes(wanted) ? limit : Infinity,
    );
    if (score <= limit + 0.5) scored.push({ candidate, score });
  }
  scored.sort((a, b) => a.score - b.score || a.candidate.length - b.candidate.length);
  return scored.slice(0, count).map(({ candidate }) => candidate);
}

/** ` Did you mean 'a' or 'b'?`, or what there is where nothing is near. */
export function suggestion(name: string, candidates: readonly string[]): string {
  const near = nearMatches(name, candidates);
  if (near.length > 0) return ` Did you mean ${near.map((n) => `'${n}'`).join(' or ')}?`;
  const distinct = [...new Set(candidates)];
  const some = distinct.slice(0, 8);
  return some.length === 0
    ? ''
    : ` There are ${some.map((n) => `'${n}'`).join(', ')}${distinct.length > some.length ? ', …' : ''}.`;
}
