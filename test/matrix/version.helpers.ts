/** The version that this run of the suite is about: P2PFK_POSTGRES, which vitest.matrix.config.ts sets. */
import { POSTGRES_MAJORS, type PostgresMajor } from '../../scripts/install-postgres.ts';

export const majorUnderTest = Number(process.env.P2PFK_POSTGRES ?? 17) as PostgresMajor;
if (!POSTGRES_MAJORS.includes(majorUnderTest))
  throw new Error(`P2PFK_POSTGRES=${process.env.P2PFK_POSTGRES}: the matrix has ${POSTGRES_MAJORS.join(', ')}`);

/** Title and all of what the version can have. */
export function possible<Kind extends { title: string; since?: PostgresMajor; until?: PostgresMajor }>(
  all: readonly Kind[],
): [title: string, one: Kind][] {
  return all
    .filter(({ since = 13, until = 18 }) => majorUnderTest >= since && majorUnderTest <= until)
    .map((one) => [one.title, one]);
}
