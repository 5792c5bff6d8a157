/** Findings about the limit on snapshots, `--max-snapshot-age`. */
import type { PlanFinding } from '../../contracts/documents.ts';
import type { Timed } from '../../contracts/forecast.ts';
import { forecastSnapshots, longWork } from '../long-steps.ts';
import { type PreflightSubject, toAccept } from './finding.ts';

/** How the statement is named, and why it is one statement: it cannot be interrupted and continued. */
const STEPS: Readonly<Record<Timed, string>> = {
  index: 'the index build on',
  validate: 'the validation of',
  count: 'the count of the orphans of',
};

/**
 * The steps that are expected to hold a snapshot for longer than the limit. None can be split: CREATE INDEX and VALIDATE are one statement
 * each, and a count in parts would have to prove that no row moved between them. So a person decides. The message has no forecast,
 * because what was accepted is compared by it, and the numbers of rows change.
 */
export function checkSnapshots({ foreignKey, pairing, input }: PreflightSubject): PlanFinding[] {
  const { maxSnapshotAgeSeconds: limit } = input;
  if (limit === undefined || foreignKey.constraint_oid === null) return [];
  return forecastSnapshots(longWork(pairing.pairs, input))
    .filter(({ seconds }) => seconds > limit)
    .map(({ step, referencing }) =>
      toAccept(
        'snapshot-age',
        `${STEPS[step]} ${referencing} is expected to hold VACUUM back for longer than the limit of ${limit} s, and cannot be split`,
        'choose a time when few rows are changed, raise --max-snapshot-age, or accept it',
      ),
    );
}
