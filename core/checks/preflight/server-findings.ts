/** Findings about the server: its version, its role, and the room in its lock table. */

import {
  forecastDrop,
  forecastRollback,
  LOCK_TABLE_SHARE,
  locksOfDrop,
  mostMemory,
  OLDEST_VERSION,
  type Server,
  type WayBack,
} from '../../catalog/server-facts.ts';
import type { PlanFinding } from '../../contracts/documents.ts';
import { waitLimit } from '../../postgres/locks/lock-wait.ts';
import { finding, type PreflightSubject } from './finding.ts';

/** Servers on which nothing can be migrated. */
export function checkServer(server: Server): PlanFinding[] {
  const findings: PlanFinding[] = [];
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

/** A bug in foreign keys of partitioned tables, as reproduced on these versions. */
interface KnownBug {
  /** Major version -> first minor version with the bug; default: the first minor version. */
  readonly since?: Readonly<Record<number, number>>;
  /** Major version -> first minor version without the bug. */
  readonly fixedIn: Readonly<Record<number, number>>;
  readonly selfReferencingOnly?: true;
  readonly description: string;
}

const NEVER = Number.POSITIVE_INFINITY;

const KNOWN_BUGS: readonly KnownBug[] = [
  {
    fixedIn: { 13: 17, 14: 14, 15: 9, 16: 5, 17: 1 },
    description: 'the foreign key of a referencing partition that is detached is no longer enforced',
  },
  {
    // In these versions the same fix makes DETACH drop the foreign key.
    since: { 13: 17, 14: 14 },
    fixedIn: { 13: NEVER, 14: NEVER },
    description: 'a referencing partition that is detached has no foreign key any more',
  },
  {
    fixedIn: { 13: 21, 14: 18, 15: 13, 16: 9, 17: 5 },
    selfReferencingOnly: true,
    description: 'a foreign key of a table to itself does not check DELETE and UPDATE in partitions that came after it',
  },
];

/** Minor versions that this release was tested with. */
const TESTED_WITH: Readonly<Record<number, number>> = { 13: 23, 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 };

/** The newest minor version of this server's major version that this release was tested with; undefined: none was. */
export function testedMinor({ version_num }: Pick<Server, 'version_num'>): number | undefined {
  return TESTED_WITH[Math.floor(version_num / 10_000)];
}

/** Share of the lock budget; a busy server needs more time than the machine of the forecast. */
const BUDGET_SHARE = 0.5;

/**
 * Known bugs of the server's minor version. What bugs have left in the catalog is found by `sql/checks/hazards.sql`, regardless
 * of the current version.
 */
export function checkMinorVersion({ server, foreignKey }: PreflightSubject): PlanFinding[] {
  const major = Math.floor(server.version_num / 10_000);
  const minor = server.version_num % 10_000;
  const newest = TESTED_WITH[major] ?? 0;
  const update = `update to the newest minor version, at least ${major}.${newest}: it needs a restart only, no dump`;
  const selfReferencing = foreignKey.referencing_oid === foreignKey.referenced_oid;
  const present = KNOWN_BUGS.filter(
    (bug) =>
      minor >= (bug.since?.[major] ?? 0) &&
      minor < (bug.fixedIn[major] ?? 0) &&
      (selfReferencing || !bug.selfReferencingOnly),
  );
  if (present.length > 0) {
    const curable = present.some(({ fixedIn }) => (fixedIn[major] ?? 0) <= newest);
    return [
      finding(
        'minor-version-bugs',
        curable ? 'warning' : 'info',
        `PostgreSQL ${server.version} has known bugs in foreign keys of partitioned tables: ${present.map(({ description }) => description).join('; ')}`,
        curable
          ? update
          : `no minor version of ${major} is without it: add the foreign key of a detached table anew; a pair foreign key stays`,
      ),
    ];
  }
  if (minor < newest) {
    return [
      finding('old-minor-version', 'info', `PostgreSQL ${server.version} is not the newest minor version`, update),
    ];
  }
  return [];
}

/** Memory that the input asks for. The person who writes the input may not be responsible for the server. */
export function checkMemory({ server, input }: Pick<PreflightSubject, 'server' | 'input'>): PlanFinding[] {
  const { maintenanceWorkMemMb: asked, maxConcurrency } = input;
  const most = mostMemory(server, maxConcurrency);
  if (asked === undefined || asked <= most) return [];
  return [
    finding(
      'maintenance-memory',
      'error',
      `${maxConcurrency} pairs side by side with ${asked} MB of maintenance_work_mem each could use up the server's memory: at most ${most} MB each, together half of its effective_cache_size`,
      `lower --maintenance-work-mem or --max-concurrency; if the server has the memory, let its DBA set effective_cache_size to what it has, for the role that logs in`,
    ),
  ];
}

/** Findings about the lock table, the lock budget and the rollback. */
export function checkCapacity({ server, pairing, input }: PreflightSubject): PlanFinding[] {
  const findings: PlanFinding[] = [];
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
  const wait = waitLimit({
    budgetMs: input.lockTimeoutMs,
    heldMs: drop,
    deadlockTimeoutMs: server.deadlock_timeout_ms,
  });
  if (drop > input.lockTimeoutMs * BUDGET_SHARE) {
    findings.push(
      finding(
        'drop-lock-budget',
        'warning',
        `dropping the parent foreign key of ${pairs} pairs holds its locks for about ${drop} ms, and the lock budget is ${input.lockTimeoutMs} ms: ${
          wait === 0
            ? 'that leaves no time to wait for them, so a drop under constant load may never get them'
            : `that leaves ${wait} ms to wait for them`
        }; a drop that does not fit is rolled back and tried again`,
        `allow --lock-timeout-ms ${3 * drop}: so long reads and writes may wait, once`,
      ),
    );
  }
  const rows = pairing.pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const rollback = forecastRollback(server, { ...input, pairs, rows });
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
    // A lock budget limits how long the application may wait; a rollback has no smaller steps that would fit into it.
    const long = rollback.writesBlockedMs > input.lockTimeoutMs;
    findings.push(
      finding(
        'rollback-strategy',
        long ? 'warning' : 'info',
        `should the parent foreign key have to come back: ${rollback.note}; writes wait about ${rollback.writesBlockedMs} ms`,
        long ? wayBackRemedy(server, { allowBlockingRollback: true, pairs, rows }) : 'nothing to do',
      ),
    );
  }
  return findings;
}

/** @param allowed the same way back, with the plain re-add allowed */
function wayBackRemedy(server: Server, allowed: WayBack): string {
  const other = forecastRollback(server, allowed);
  const shorter =
    other.strategy === 'blocking'
      ? `; with --allow-blocking-rollback it would be the plain re-add, for about ${other.writesBlockedMs} ms, without a bound, while reads go on`
      : '';
  return `know it before the drop; on PostgreSQL 18 it comes back in milliseconds${shorter}`;
}
