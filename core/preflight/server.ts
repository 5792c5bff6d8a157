/** The server: its version, its role, and room in its lock table. */
import type { Finding } from '../contracts.ts';
import {
  forecastDrop,
  forecastRollback,
  LOCK_TABLE_SHARE,
  locksOfDrop,
  OLDEST_VERSION,
  type Server,
} from '../server.ts';
import { finding, type PreflightSubject } from './finding.ts';

export function checkServer(server: Server): Finding[] {
  const findings: Finding[] = [];
  if (server.version_num < OLDEST_VERSION) {
    findings.push(
      finding(
        'server-version',
        'error',
        `PostgreSQL ${server.version} is older than 13`,
        'upgrade the server: before 13 a foreign key cannot be moved online as p2pfk does it',
      ),
    );
  }
  if (server.in_recovery) {
    findings.push(
      finding('read-only-server', 'error', 'this server is a standby, it accepts no change', 'connect to the primary'),
    );
  }
  return findings;
}

/** First minor version of each major one that has the foreign-key fixes of November 2024; from 18 on all have them. */
const FIXED_IN: Readonly<Record<number, number>> = { 13: 17, 14: 14, 15: 9, 16: 5, 17: 1 };
/** The minor versions that this release was tested with. */
const TESTED_WITH: Readonly<Record<number, number>> = { 13: 23, 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 };

/** Of the lock budget, which a busy server uses up faster than the machine of the forecast. */
const BUDGET_SHARE = 0.5;

/** Before the fixes a partition that was detached could lose the enforcement of its foreign keys. */
export function checkMinorVersion(server: Server): Finding[] {
  const major = Math.floor(server.version_num / 10_000);
  const minor = server.version_num % 10_000;
  const remedy = `update to the newest minor version, at least ${major}.${TESTED_WITH[major]}: it needs a restart only, no dump`;
  if (minor < (FIXED_IN[major] ?? 0)) {
    return [
      finding(
        'minor-version-bugs',
        'warning',
        `PostgreSQL ${server.version} has known bugs in foreign keys of partitioned tables: after a DETACH they may no longer be enforced`,
        remedy,
      ),
    ];
  }
  if (minor < (TESTED_WITH[major] ?? 0)) {
    return [
      finding('old-minor-version', 'info', `PostgreSQL ${server.version} is not the newest minor version`, remedy),
    ];
  }
  return [];
}

export function checkCapacity({ server, pairing, input }: PreflightSubject): Finding[] {
  const findings: Finding[] = [];
  const pairs = pairing.pairs.length;
  const needed = locksOfDrop(pairs);
  if (needed > server.lock_table_capacity * LOCK_TABLE_SHARE) {
    findings.push(
      finding(
        'lock-table-capacity',
        'error',
        `dropping the parent foreign key takes about ${needed} lock entries, and the lock table has room for ${server.lock_table_capacity}`,
        'raise max_locks_per_transaction and restart the server',
      ),
    );
  }
  const drop = forecastDrop(pairs);
  if (drop > input.lockTimeoutMs * BUDGET_SHARE) {
    findings.push(
      finding(
        'drop-lock-budget',
        'warning',
        `dropping the parent foreign key of ${pairs} pairs holds its locks for about ${drop} ms, and the lock budget is ${input.lockTimeoutMs} ms: a drop that does not fit is rolled back and tried again`,
        `allow --lock-timeout-ms ${3 * drop}: so long reads and writes may wait, once`,
      ),
    );
  }
  const rows = pairing.pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const rollback = forecastRollback(server, pairs, rows);
  if (rollback.strategy === 'blocking' && !input.allowBlockingRollback) {
    findings.push(
      finding(
        'blocking-rollback',
        'error',
        `a rollback after the drop would block writes for about ${rollback.writesBlockedMs} ms: the lock table is too small to attach ${pairs} partitions`,
        'raise max_locks_per_transaction, or accept it with --allow-blocking-rollback',
      ),
    );
  } else {
    findings.push(
      finding(
        'rollback-strategy',
        'info',
        `should the parent foreign key have to come back: ${rollback.note}; writes wait about ${rollback.writesBlockedMs} ms`,
        'nothing to do',
      ),
    );
  }
  return findings;
}
