/** What the operator should know before anything runs. Each finding has a stable id, explained in docs/findings.md. */
import type { Client } from 'pg';
import type { ExecutionInput, Finding, Severity, UnpairedPartition } from './contracts.ts';
import type { ForeignKey } from './foreign-key.ts';
import type { Pairing, Unpaired } from './pairs.ts';
import { silentAction, wantsGuard } from './row-movement-guard.ts';
import { forecastRollback, LOCK_TABLE_SHARE, locksOfDrop, OLDEST_VERSION, type Server } from './server.ts';
import { run } from './sql.ts';

interface Partitioning {
  readonly oid: number;
  readonly name: string;
  /** pg_partitioned_table.partstrat: l, r or h. */
  readonly strategy: string;
  /** null for a part of the key that is an expression. */
  readonly key_columns: (string | null)[];
  /** Operator families (HASH) or collations (RANGE) of the key columns. */
  readonly key_routing: (string | null)[];
  readonly has_expressions: boolean;
  readonly owned: boolean;
  readonly owner: string;
  readonly can_select: boolean;
  readonly can_reference: boolean;
  readonly row_security: boolean;
}

/** `plan` may be run by a role that can only read: what it lacks for `migrate` is then a warning. */
export type Intent = 'plan' | 'migrate';

export interface PreflightSubject {
  readonly server: Server;
  readonly foreignKey: ForeignKey;
  readonly pairing: Pairing;
  readonly input: ExecutionInput;
}

const STRATEGY_NAMES: Readonly<Record<string, string>> = { l: 'LIST', r: 'RANGE', h: 'HASH' };

function finding(id: string, severity: Severity, message: string, remedy: string): Finding {
  return { id, severity, message, remedy };
}

/** All findings, errors first. Reads the catalog, and whether unpaired referencing partitions hold rows. */
export async function preflight(
  client: Client,
  subject: PreflightSubject,
  intent: Intent,
): Promise<{ readonly findings: Finding[]; readonly unpaired: UnpairedPartition[] }> {
  const { foreignKey, pairing } = subject;
  const tables = await run<Partitioning & Record<string, unknown>>(client, 'catalog/partitioning', { ...foreignKey });
  const referencing = tables.find((table) => table.oid === foreignKey.referencing_oid);
  const referenced = tables.find((table) => table.oid === foreignKey.referenced_oid);
  if (!referencing || !referenced) throw new Error('a table of the foreign key vanished while it was read');
  const unpaired = await judgeUnpaired(client, pairing.unpaired);
  const findings = [
    ...checkServer(subject.server),
    ...checkPartitioning(foreignKey, referencing, referenced),
    ...(await checkPrivileges(client, subject, [referencing, referenced], intent)),
    ...unpaired.findings,
    ...checkPairs(subject),
    ...checkActions(subject),
    ...checkCapacity(subject),
    ...(await checkActivity(client)),
  ];
  const order: readonly Severity[] = ['error', 'warning', 'info'];
  findings.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  return { findings, unpaired: unpaired.partitions };
}

function checkServer(server: Server): Finding[] {
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

function checkPartitioning(foreignKey: ForeignKey, referencing: Partitioning, referenced: Partitioning): Finding[] {
  const explain = (table: Partitioning) =>
    `${table.name} by ${STRATEGY_NAMES[table.strategy] ?? table.strategy} (${table.key_columns.map((column) => column ?? 'expression').join(', ')})`;
  const both = `${explain(referencing)}, ${explain(referenced)}`;
  const remedy =
    'a row and the row it references must be sure to lie in partners: both tables need the same strategy, on columns that the foreign key connects, in the same order';
  if (referencing.strategy !== referenced.strategy) {
    return [
      finding('partition-strategies-differ', 'error', `the tables are partitioned in different ways: ${both}`, remedy),
    ];
  }
  if (referencing.has_expressions || referenced.has_expressions) {
    return [
      finding(
        'partition-key-expression',
        'error',
        `a partition key is an expression: ${both}`,
        'p2pfk cannot prove that an expression gives the same value on both sides; partition by plain columns',
      ),
    ];
  }
  const connected = referencing.key_columns.map((column) => {
    const index = foreignKey.column_names.indexOf(column ?? '');
    return index < 0 ? undefined : foreignKey.referenced_column_names[index];
  });
  const same =
    connected.length === referenced.key_columns.length &&
    connected.every((column, index) => column !== undefined && column === referenced.key_columns[index]);
  const alike = referencing.key_routing.every((routing, index) => routing === referenced.key_routing[index]);
  const problem = !same
    ? 'the foreign key does not connect the partition keys'
    : !alike
      ? 'the partition keys have types or collations that put the same value into different partitions'
      : undefined;
  return problem ? [finding('partition-keys-differ', 'error', `${problem}: ${both}`, remedy)] : [];
}

async function checkPrivileges(
  client: Client,
  subject: PreflightSubject,
  tables: readonly Partitioning[],
  intent: Intent,
): Promise<Finding[]> {
  const { server, pairing } = subject;
  const severity: Severity = intent === 'plan' ? 'warning' : 'error';
  const but = intent === 'plan' ? ' (it can plan, but not migrate)' : '';
  const findings: Finding[] = [];
  for (const table of tables) {
    if (!table.owned) {
      findings.push(
        finding(
          'not-owner',
          severity,
          `role ${server.role} does not own ${table.name}${but}`,
          `run as ${table.owner}, or GRANT ${table.owner} TO the migrating role: ALTER TABLE needs ownership`,
        ),
      );
    }
    if (!table.can_select) {
      findings.push(
        finding(
          'missing-select',
          severity,
          `role ${server.role} cannot SELECT from ${table.name}${but}`,
          `GRANT SELECT ON ${table.name} TO the migrating role: without it VALIDATE falls back to one query a row`,
        ),
      );
    }
    if (table.row_security) {
      findings.push(
        finding(
          'row-security',
          'warning',
          `${table.name} has row-level security`,
          'the orphan check sees only what its role may see: run as a role with BYPASSRLS, or as the owner without FORCE ROW LEVEL SECURITY',
        ),
      );
    }
  }
  const [, referenced] = tables.length > 1 ? tables : [undefined, tables[0]];
  if (referenced && !referenced.can_reference) {
    findings.push(
      finding(
        'missing-references',
        severity,
        `role ${server.role} lacks REFERENCES on ${referenced.name}${but}`,
        `GRANT REFERENCES ON ${referenced.name} TO the migrating role`,
      ),
    );
  }
  if (server.ledger_exists ? !server.can_use_ledger : !server.can_create_schema) {
    const what = server.ledger_exists
      ? 'cannot use the ledger, schema p2pfk'
      : `may not create the ledger's schema in database ${server.database}`;
    findings.push(
      finding(
        'ledger-privilege',
        severity,
        `role ${server.role} ${what}${but}`,
        server.ledger_exists
          ? 'run as the role that owns schema p2pfk, or as a member of it'
          : 'GRANT CREATE ON DATABASE to the migrating role, or create schema p2pfk with that role as owner',
      ),
    );
  }
  const relations = pairing.pairs.flatMap((pair) => [pair.referencing_oid, pair.referenced_oid]);
  const leaves = await run<{ partition: string; owned: boolean }>(client, 'catalog/leaf-privileges', { relations });
  const [leaf] = leaves;
  if (leaf && tables.every((table) => table.owned && table.can_select)) {
    findings.push(
      finding(
        'partition-privilege',
        severity,
        `role ${server.role} does not own, or cannot read, ${leaves.length} partition(s), the first being ${leaf.partition}${but}`,
        'give all partitions the owner of their parent table',
      ),
    );
  }
  return findings;
}

/** An unpaired referencing partition may hold keys that no pair FK would guard; an exact look decides, not statistics. */
async function judgeUnpaired(
  client: Client,
  unpaired: readonly Unpaired[],
): Promise<{ findings: Finding[]; partitions: UnpairedPartition[] }> {
  const findings: Finding[] = [];
  const partitions: UnpairedPartition[] = [];
  const suspects = unpaired.filter((partition) => partition.side === 'referencing');
  const queries = await run<{ oid: number; sql: string }>(client, 'checks/emptiness', {
    relations: suspects.map((partition) => partition.oid),
  });
  for (const partition of unpaired) {
    const { side, rows } = partition;
    if (side === 'referenced') {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'left as it is: no referencing partition has its bound',
      });
      continue;
    }
    const query = queries.find((candidate) => candidate.oid === partition.oid);
    const holdsRows = query === undefined || (await holdsAnyRow(client, query.sql));
    if (holdsRows) {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'refused: its rows would have no foreign key',
      });
      findings.push(
        finding(
          'unpaired-referencing-partition',
          'error',
          `referencing partition ${partition.partition} (${partition.bound}) holds rows, and no referenced partition has that bound`,
          'create the referenced partition with the same bound, or move its rows',
        ),
      );
    } else {
      partitions.push({
        partition: partition.partition,
        side,
        rows,
        decision: 'left without a foreign key: it is empty',
      });
      findings.push(
        finding(
          'unpaired-empty-partition',
          'warning',
          `referencing partition ${partition.partition} (${partition.bound}) is empty and has no referenced partner: after the migration rows inserted there are not checked`,
          'create its partner, or drop it',
        ),
      );
    }
  }
  const lone = unpaired.filter((partition) => partition.side === 'referenced');
  if (lone.length > 0) {
    findings.push(
      finding(
        'unpaired-referenced-partition',
        'info',
        `${lone.length} referenced partition(s) have no referencing partner: ${list(lone.map((partition) => partition.partition))}`,
        'nothing to do: no row can reference them',
      ),
    );
  }
  return { findings, partitions };
}

async function holdsAnyRow(client: Client, sql: string): Promise<boolean> {
  try {
    const { rows } = await client.query<{ has_rows: boolean }>(sql);
    return rows[0]?.has_rows ?? true;
  } catch {
    // Cannot be read (a privilege is missing, which is a finding of its own): assume the worse.
    return true;
  }
}

function checkPairs({ foreignKey, pairing }: PreflightSubject): Finding[] {
  const findings: Finding[] = [];
  const { pairs } = pairing;
  const foreign = pairs.filter((pair) => pair.referencing_kind !== 'r' || pair.referenced_kind !== 'r');
  if (foreign.length > 0) {
    findings.push(
      finding(
        'foreign-table-partition',
        'error',
        `${foreign.length} pair(s) have a foreign table: ${list(foreign.map((pair) => pair.referencing))}`,
        'a foreign table cannot have or be the target of a foreign key: detach it first',
      ),
    );
  }
  if (pairs.length === 0) {
    findings.push(
      finding(
        'no-pairs',
        'error',
        `${foreignKey.table} and ${foreignKey.referencedTable} have no two partitions with the same bound`,
        'there is nothing to connect partition to partition',
      ),
    );
  }
  const unindexed = pairs.filter((pair) => !pair.has_index);
  if (unindexed.length > 0) {
    findings.push(
      finding(
        'missing-index',
        'info',
        `${unindexed.length} referencing partition(s) have no index on (${foreignKey.columns}): every DELETE on the referenced side scans them`,
        'none needed: the migration builds them, CONCURRENTLY, before anything else',
      ),
    );
  }
  if (foreignKey.constraint_oid === null) {
    const open = pairs.filter((pair) => !pair.validated || !pair.enforced);
    if (open.length > 0 && foreignKey.migrationId === null) {
      findings.push(
        finding(
          'pair-foreign-key-missing',
          'error',
          `no parent foreign key stands, and ${open.length} pair(s) have no valid, enforced pair foreign key: ${list(open.map((pair) => pair.referencing))}`,
          'run p2pfk verify to see all of them',
        ),
      );
    }
  }
  return findings;
}

/** What an UPDATE or a new partition does differently once only pair FKs stand. */
function checkActions({ foreignKey, input }: PreflightSubject): Finding[] {
  const findings = [
    finding(
      'new-partition',
      'info',
      'a partition attached later has no foreign key of its own: an orphan inserted there is not refused',
      'create new pairs with p2pfk provision, and let p2pfk audit look for others',
    ),
  ];
  const table = foreignKey.referencedTable;
  const action = silentAction(foreignKey);
  if (action && wantsGuard(foreignKey, input)) {
    findings.unshift(
      finding(
        'row-movement',
        'warning',
        `after the migration an UPDATE of ${table} that moves a row to another partition is refused, by a trigger: with pair foreign keys it would run ON DELETE ${action} on the referencing rows`,
        'delete such a row and insert it anew; or leave the trigger out with --no-row-movement-guard',
      ),
    );
  } else if (action) {
    findings.unshift(
      finding(
        'row-movement',
        'warning',
        `after the migration an UPDATE of ${table} that moves a row to another partition runs ON DELETE ${action} on its referencing rows, without a word; no guard was wanted`,
        'never UPDATE the partition key of a referenced row; or leave --no-row-movement-guard out',
      ),
    );
  }
  if (/ON UPDATE (?:CASCADE|SET NULL|SET DEFAULT)/.test(foreignKey.actions)) {
    findings.unshift(
      finding(
        'update-across-partitions',
        'warning',
        `ON UPDATE does not follow a row of ${table} to another partition after the migration: it acts inside a pair only`,
        'do not rely on ON UPDATE for changes of the partition key',
      ),
    );
  }
  return findings;
}

function checkCapacity({ server, pairing, input }: PreflightSubject): Finding[] {
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

async function checkActivity(client: Client): Promise<Finding[]> {
  const sessions = await run<{ kind: string; id: string; owner: string; seconds: number }>(client, 'checks/activity');
  return sessions.map(({ kind, id, owner, seconds }) =>
    kind === 'prepared'
      ? finding(
          'prepared-transaction',
          'warning',
          `prepared transaction ${id} of ${owner} is open for ${seconds} s`,
          'COMMIT PREPARED or ROLLBACK PREPARED it: its locks outlast every retry',
        )
      : finding(
          'long-transaction',
          'warning',
          `the transaction of pid ${id} (${owner}) is open for ${seconds} s`,
          'let it end first: index builds wait for it, and it may hold locks that the drop needs',
        ),
  );
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
