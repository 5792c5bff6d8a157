/** Finds drift: changes of a migrated table since its migration, by which its rows are guarded less than before. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { isSamePair, type Pair, type Pairing, readPairing } from '../catalog/pairs.ts';
import type { Severity } from '../contracts/documents.ts';
import { NotMigrated } from '../contracts/errors.ts';
import { type LedgerPair, readPairs } from '../ledger/pairs.ts';
import { type Audit, type AuditedTable, type Drift, repairStatements } from './drift.ts';
import { findGuardDrift } from './guard-drift.ts';
import { afterAdoption, ledgerDrift, leftToMigration } from './lost-ledger.ts';
import { findPairDrift } from './pair-drift.ts';
import { readSubjects, type Subject } from './subjects.ts';
import { findTableDrift, orphanedMigration, unfinishedMigration } from './table-drift.ts';
import { tableNotRead } from './unread.ts';

/** One migrated foreign key, or a migration of the ledger whose tables do not exist. */
export interface Audited {
  readonly table: string;
  readonly constraint: string | null;
  /** Null where the tables do not exist any more, or the parent FK is not dropped yet. */
  readonly subject: Subject | null;
  readonly pairs: number;
  readonly drift: readonly Drift[];
}

/** Findings of any other severity do not affect which rows are guarded; they neither fail an audit nor are repaired. */
const COUNTS: readonly Severity[] = ['error', 'warning'];

/** Whether a person has to know about the finding. */
export function counts({ finding }: Drift): boolean {
  return COUNTS.includes(finding.severity);
}

const ORDER: readonly Severity[] = ['error', 'warning', 'info'];

/**
 * Audits tables. Reads the catalog, the ledger, and whether partitions without a partner hold rows; writes nothing.
 *
 * @param wanted one table, or everything that the ledger or the catalog shows as migrated
 * @throws InvalidInput when there is no such table
 * @throws NotMigrated when it, or every table of the database, was never migrated
 */
export async function audit(
  client: Client,
  wanted: { readonly table?: string | undefined; readonly constraint?: string | undefined },
): Promise<Audited[]> {
  const { subjects, unfinished, orphaned, beside, unread } = await readSubjects(client, wanted);
  const audited: Audited[] = [];
  const planned = new PlannedRepairs();
  for (const subject of subjects) {
    const { foreignKey } = subject;
    const read = planned.applyTo(await readPairing(client, foreignKey, planned.names), foreignKey);
    const lost = foreignKey.migrationId === null;
    // Foreign keys between partitions that are not pairs belong to the application.
    if (lost && read.pairs.every((pair) => pair.constraint_oid === null)) continue;
    const ledgerPairs = await pairsOf(client, foreignKey);
    const pairing = withLedgerNames(read, ledgerPairs);
    const found = [
      ...(await findTableDrift(client, subject, pairing, ledgerPairs)),
      ...(await findPairDrift(client, subject, pairing.pairs, ledgerPairs)),
    ];
    const drift = [
      ...(await ledgerDrift(client, foreignKey, pairing)),
      ...(lost ? afterAdoption(found, foreignKey) : found),
    ];
    planned.add(drift, foreignKey);
    drift.sort((a, b) => ORDER.indexOf(a.finding.severity) - ORDER.indexOf(b.finding.severity));
    const { table, constraint_name: name } = foreignKey;
    audited.push({ table, constraint: name === '' ? null : name, subject, pairs: pairing.pairs.length, drift });
  }
  for (const foreignKey of beside) {
    const pairing = await readPairing(client, foreignKey);
    const missing = await ledgerDrift(client, foreignKey, pairing);
    // After a rollback, pair FKs beside a parent FK belong to the application.
    if (missing.length === 0) continue;
    const guards = await findGuardDrift(client, { foreignKey, state: null, options: {} }, pairing.pairs);
    const { table, constraint_name: constraint } = foreignKey;
    const drift = [...missing, ...afterAdoption(guards, foreignKey)];
    audited.push({ table, constraint, subject: null, pairs: pairing.pairs.length, drift });
  }
  for (const migration of unfinished) {
    const { table, constraint, foreignKey, state, options } = migration;
    const { pairs } = await readPairing(client, foreignKey);
    const guards = await findGuardDrift(client, { foreignKey, state, options }, pairs);
    const drift = [await unfinishedMigration(client, migration), ...leftToMigration(guards)];
    audited.push({ table, constraint, subject: null, pairs: 0, drift });
  }
  for (const migration of orphaned) {
    const { table, constraint } = migration;
    audited.push({ table, constraint, subject: null, pairs: 0, drift: [await orphanedMigration(client, migration)] });
  }
  for (const left of unread)
    audited.push({ table: left.table, constraint: null, subject: null, pairs: 0, drift: tableNotRead(left) });
  if (audited.length === 0)
    throw new NotMigrated(
      'nothing to audit: no pair of partitions has a foreign key that the ledger counts as migrated',
    );
  return audited;
}

/**
 * Names and indexes that the repairs of one foreign key will make on a partition, for the repairs of the next one: a partition
 * that lacks two pair FKs gets two names, and one index if that serves both.
 */
class PlannedRepairs {
  /** By the oid of the referencing partition. */
  readonly names = new Map<number, string[]>();
  readonly #indexes = new Set<string>();

  add(drift: readonly Drift[], foreignKey: ForeignKey): void {
    for (const { makes } of drift) {
      if (!makes) continue;
      const { pair, constraint, index } = makes;
      const names = this.names.get(pair.referencing_oid) ?? [];
      if (constraint) names.push(pair.constraint_name);
      if (index) names.push(pair.index_name);
      this.names.set(pair.referencing_oid, names);
      if (index) this.#indexes.add(indexKey(pair, foreignKey));
    }
  }

  applyTo(pairing: Pairing, foreignKey: ForeignKey): Pairing {
    const pairs = pairing.pairs.map((pair) =>
      this.#indexes.has(indexKey(pair, foreignKey)) ? { ...pair, has_index: true } : pair,
    );
    return { ...pairing, pairs };
  }
}

/** Identifies an index; the order of its columns does not matter. */
function indexKey({ referencing_oid }: Pair, { column_names }: ForeignKey): string {
  return JSON.stringify([referencing_oid, ...[...column_names].sort()]);
}

/** Gives a missing pair FK the name that it had: the catalog alone may not show that it had the parent FK's name. */
function withLedgerNames(pairing: Pairing, ledgerPairs: readonly LedgerPair[] | undefined): Pairing {
  if (!ledgerPairs) return pairing;
  const pairs = pairing.pairs.map((pair) => {
    const known = pair.constraint_oid === null && ledgerPairs.find((noted) => isSamePair(noted, pair));
    return known ? { ...pair, constraint_name: known.constraint_name } : pair;
  });
  return { ...pairing, pairs };
}

function pairsOf(client: Client, { migrationId }: ForeignKey) {
  return migrationId === null ? Promise.resolve(undefined) : readPairs(client, migrationId);
}

/** Whether there is no finding that a person has to know about. */
export function isClean(audited: readonly Audited[]): boolean {
  return audited.every(({ drift }) => !drift.some(counts));
}

/** The document that `p2pfk audit --json` prints. */
export function auditDocument(audited: readonly Audited[]): Audit {
  const tables: AuditedTable[] = audited.map(({ table, constraint, drift }) => ({
    table,
    constraint,
    findings: drift.map((item) => {
      const { id, severity, message, remedy } = item.finding;
      return { id, severity, partition: item.partition, message, remedy, sql: repairStatements(item) };
    }),
  }));
  return { passed: isClean(audited), tables };
}
