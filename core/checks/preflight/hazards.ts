/** Findings about hazards: other sessions, triggers, and actions of the foreign key. */
import type { Client } from 'pg';
import type { ForeignKey } from '../../catalog/foreign-key.ts';
import type { Hazard } from '../../contracts/column-types.ts';
import type { PlanFinding, Severity } from '../../contracts/documents.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { type Row, run } from '../../postgres/sql.ts';
import { finding, list } from './finding.ts';

/** What a new partition lacks once only pair FKs exist. */
export function checkActions(): PlanFinding[] {
  return [
    finding(
      'new-partition',
      'info',
      'a partition attached later has no foreign key of its own: an orphan inserted there is not refused',
      'create new pairs with p2pfk provision, and let p2pfk audit look for others',
    ),
  ];
}

/** Long transactions and prepared transactions, which may hold locks for a long time. */
export async function checkActivity(client: Client): Promise<PlanFinding[]> {
  const sessions = await run(client, 'checks/activity');
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

/** Texts for the rows of `sql/checks/hazards.sql`. */
const HAZARDS: Readonly<Record<Hazard, { severity: Severity; message(where: string): string; remedy: string }>> = {
  'wraparound-vacuum': {
    severity: 'warning',
    message: (where) =>
      `an autovacuum against transaction id wraparound works on ${where}; it does not yield to a lock request`,
    remedy: 'let it end first: adding a foreign key there, and the drop, wait for it',
  },
  'unchecked-writes': {
    severity: 'warning',
    message: (where) => `rows come in for which no foreign key fires: ${where}`,
    remedy:
      'see that these rows are right where they come from: the validation finds orphans that are there, nothing refuses those to come, with the parent foreign key as with pair foreign keys',
  },
  'probe-trigger': {
    severity: 'info',
    message: (where) =>
      `a DELETE of referenced rows, or what the foreign key then does, fires triggers of the application: ${where}`,
    remedy: 'nothing to do: the checks execute no DELETE that would fire them, and prove by plan that a DELETE is fast',
  },
  publication: {
    severity: 'info',
    message: (where) => `the tables are published by logical replication: ${where}`,
    remedy: 'nothing to do here; DDL is not replicated: a subscriber keeps the foreign keys that it has',
  },
  'invalid-index': {
    severity: 'warning',
    message: (where) => `INVALID indexes on the foreign key's columns: ${where}; they cost writes and serve no query`,
    remedy: 'DROP INDEX CONCURRENTLY them',
  },
  'broken-children': {
    severity: 'error',
    message: (where) => `the parent foreign key does not check these partitions: ${where}`,
    remedy: 'drop and add the parent foreign key once, on a minor version without the bug, then plan again',
  },
  'unenforced-foreign-key': {
    severity: 'warning',
    message: (where) =>
      `other foreign keys to the referenced table do not check these tables: ${where}; a DETACH on an old version leaves that behind`,
    remedy: 'drop and add that foreign key: what was written meanwhile may have orphans, and the ADD finds them',
  },
  'identical-foreign-key': {
    severity: 'error',
    message: (where) =>
      `other foreign keys say the same as the parent foreign key, and would stand when it is gone: ${where}`,
    remedy: 'drop them first: they check every row a second time and guard nothing more',
  },
  'child-constraint': {
    severity: 'info',
    message: (where) =>
      `children of the parent foreign key have a name or a comment that a rollback after the drop does not restore: ${where}`,
    remedy:
      'note them: after the drop a rollback brings these children back, but not their comments, nor their names where PostgreSQL chooses them: above the leaves, and for partitions of the referenced table',
  },
};

/** Findings of `sql/checks/hazards.sql`. */
export async function checkHazards(client: Client, foreignKey: ForeignKey): Promise<PlanFinding[]> {
  const rows = await run(client, 'checks/hazards', {
    ...foreignKey,
    constraint_oid: String(foreignKey.constraint_oid ?? ''),
  });
  const { migrationId } = foreignKey;
  const pairs = migrationId === null ? [] : await readPairs(client, migrationId);
  const isOwn = ({ kind, relation, detail }: Row<'checks/hazards'>): boolean =>
    kind === 'invalid-index' &&
    pairs.some((pair) => pair.index_added && pair.referencing === relation && pair.index_name === detail);
  return [...hazardFindings(rows.filter((row) => !isOwn(row))), ...unfinishedIndexes(rows.filter(isOwn))];
}

/** What an execution left that was interrupted in an index build: no hazard, and nothing that a person has to remove. */
function unfinishedIndexes(own: readonly Row<'checks/hazards'>[]): PlanFinding[] {
  if (own.length === 0) return [];
  const where = list(own.map(({ relation, detail }) => `${relation} (${detail})`));
  return [
    finding(
      'unfinished-index',
      'info',
      `indexes of this migration whose builds have not ended: ${where}`,
      'nothing to do: a build that still runs in the server is waited for, one that was cut off is dropped and built anew',
    ),
  ];
}

/** One finding for each kind of hazard. */
export function hazardFindings(rows: readonly Row<'checks/hazards'>[]): PlanFinding[] {
  const kinds = [...new Set(rows.map((row) => row.kind))];
  return kinds.map((kind) => {
    const { severity, message, remedy } = HAZARDS[kind];
    const where = list(rows.filter((row) => row.kind === kind).map((row) => `${row.relation} (${row.detail})`));
    return finding(kind, severity, message(where), remedy);
  });
}
