/** `plan --count-orphans`: whether the validation would fail. Reads every row of every pair, and writes nothing. */
import type { Client } from 'pg';
import type { PlanFinding } from '../../contracts/documents.ts';
import { messageOf, sqlStateOf } from '../../postgres/postgres-errors.ts';
import { countOrphans, prepareToCount } from '../orphan-count.ts';
import { finding, type PreflightSubject } from './finding.ts';

/**
 * Counts pair after pair.
 *
 * @returns one finding for each pair that has orphans, or one with the number of pairs that have none
 */
export async function checkOrphans(
  client: Client,
  { foreignKey, pairing }: Pick<PreflightSubject, 'foreignKey' | 'pairing'>,
): Promise<PlanFinding[]> {
  try {
    await prepareToCount(client);
    const counts = await countOrphans(client, foreignKey, pairing.pairs);
    const findings = counts.flatMap(({ pair, orphans, listSql }) => {
      const counted = pairing.pairs.find((one) => one.pair === pair);
      if (orphans === 0 || !counted) return [];
      return [
        finding(
          'orphaned-rows',
          'error',
          `${orphans} row(s) of ${counted.referencing} have no row in ${counted.referenced}: the validation would fail`,
          `repair or delete them; they are listed by: ${listSql}`,
        ),
      ];
    });
    if (findings.length > 0 || counts.length === 0) return findings;
    return [
      finding(
        'no-orphaned-rows',
        'info',
        `no orphaned rows in ${counts.length} pair(s)`,
        'nothing to do: all were counted',
      ),
    ];
  } catch (error) {
    // A missing privilege, or row security, is a finding of its own.
    if (sqlStateOf(error) !== '42501') throw error;
    return [
      finding(
        'orphans-not-counted',
        'warning',
        `orphaned rows could not be counted: ${messageOf(error)}`,
        'run the plan as a role that may read all rows of all partitions',
      ),
    ];
  }
}
