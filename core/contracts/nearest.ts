/** The nearest names to one that does not exist, for a message that a person reads. Pure. */

/**
 * Distance by optimal string alignment (restricted Damerau-Levenshtein): insertions, deletions, replacements, and exchanges of two
 * neighbours, each of which counts one.
 */
export function distance(one: string, other: string): number {
  const [from, to] = [[...one], [...other]];
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: to.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1];
      const exchanged = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      row[j] = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + (same ? 0 : 1),
        exchanged ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, to.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}

/** A name is near if at most one character in three differs, capital letters aside. */
const NEAR = 3;
/** Names in PostgreSQL have 63 bytes; what is longer is no name, and would only take time. */
const LONGEST = 130;

/** How far `candidate` is from the name that was written; null where it is not near. */
export function nearness(written: string, candidate: string): number | null {
  if (written.length > LONGEST || candidate.length > LONGEST) return null;
  const most = Math.max(1, Math.floor(Math.max(written.length, candidate.length) / NEAR));
  if (Math.abs(written.length - candidate.length) > most) return null;
  const apart = distance(written.toLowerCase(), candidate.toLowerCase());
  // The same but for capital letters is near, and not the same.
  return apart <= most ? apart + (written === candidate ? 0 : 0.5) : null;
}

/** The nearest of `candidates`, at most three, the nearest first. */
export function nearest(written: string, candidates: readonly string[], most = 3): string[] {
  return candidates
    .flatMap((candidate) => {
      const apart = nearness(written, candidate);
      return apart === null ? [] : [{ candidate, apart }];
    })
    .sort((one, other) => one.apart - other.apart || (one.candidate < other.candidate ? -1 : 1))
    .slice(0, most)
    .map(({ candidate }) => candidate);
}
