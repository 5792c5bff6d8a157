/**
 * Makes a ledger entry from the catalog, where the ledger is lost or older than the database, so that a rollback can restore the
 * parent FK, and the row-movement guards belong to a migration again. Only after a person accepted it.
 */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { type Pair, readPairing } from '../catalog/pairs.ts';
import { guardNumber, readGuards, wantsGuard } from '../catalog/row-movement-guard.ts';
import { readServer } from '../catalog/server-facts.ts';
import type { AcceptedFinding } from '../contracts/documents.ts';
import { InvalidInput, MigrationInProgress, NotMigrated, PreflightFailed } from '../contracts/errors.ts';
import { ExecutionInput } from '../contracts/execution-input.ts';
import { type MigrationOptions, readMigration } from '../ledger/migrations.ts';
import { noteEvent } from '../ledger/notes/events.ts';
import { ensureLedger } from '../ledger/schema/make-ledger.ts';
import { inTransaction } from '../postgres/session/transactions.ts';
import { type Row, run, runOne } from '../postgres/sql.ts';
import { readSql } from '../postgres/sql-files.ts';
import { changeOnline } from '../steps/locks/online-change.ts';
import { guardRepair } from './guard-drift.ts';

/** Name of the step in the ledger. */
const STEP = 'AdoptFromCatalog';

/** What to make an entry of. */
export interface Adoption {
  readonly foreignKey: ForeignKey;
  /** The finding that was accepted. */
  readonly finding: { readonly id: string; readonly message: string };
  /** The parent FK's stored name, as the operator remembers it; empty where one has to be chosen. */
  readonly wantedName: string;
}

/**
 * Makes the entry. It locks the ledger for milliseconds, and each referenced leaf that lacks its guard for at most the lock
 * budget.
 *
 * @returns the id of the entry
 * @throws PreflightFailed when the parent FK cannot be derived from the pair FKs, because they differ, or because none is on a
 *   partition of the table's owner: nothing was changed
 * @throws InvalidInput when the parent FK could not be restored under its name: nothing was changed
 * @throws MigrationInProgress when another session has just made the entry, or works on the migration
 * @throws LockTimeout when a guard could not be created; the entry exists then, and the next repair continues
 */
export async function adopt(client: Client, adoption: Adoption, budgetMs: number): Promise<string> {
  const { foreignKey } = adoption;
  const { pairs } = await readPairing(client, foreignKey);
  const covered = pairs.filter((pair) => pair.constraint_oid !== null);
  if (covered.length === 0) throw new NotMigrated(`no pair of ${foreignKey.table} has a pair foreign key by now`);
  await refuseDifferent(client, foreignKey, pairs);
  await ensureLedger(client);
  const accepted = await acceptedNow(client, adoption);
  const names = await namesFor(client, adoption, pairs);
  const values = {
    ...foreignKey,
    ...names,
    referenced_table: foreignKey.referencedTable,
    pairs,
    accepted: [accepted],
    execution: `p2pfk audit ${accepted.at}`,
  };
  const id = await inTransaction(client, async () => {
    await client.query(readSql('ledger/hold-adoption'));
    const entry = foreignKey.migrationId
      ? await run(client, 'ledger/update-adopted', { ...values, migration_id: foreignKey.migrationId })
      : await insertEntry(client, adoption, values);
    const [found] = entry;
    if (!found)
      throw new MigrationInProgress(
        `the migration of ${foreignKey.table} is being worked on, or has an entry in the ledger by now; run p2pfk audit again`,
      );
    await run(client, 'ledger/add-pairs', { ...values, migration_id: found.id });
    await run(client, 'ledger/adopt-pairs', { ...values, migration_id: found.id });
    await noteEvent(client, found.id, { pair: null, step: STEP, sql: null, durationMs: null, error: null });
    return found.id;
  });
  const { options } = await readMigration(client, id);
  if (wantsGuard(foreignKey, options))
    await createMissingGuards(client, { ...foreignKey, migrationId: id }, covered, budgetMs);
  return id;
}

/**
 * Refuses where the parent FK cannot be derived from the pair FKs, because they differ. Where neither the parent FK nor an entry
 * shows its definition, at least one pair FK has to be on a partition of the table's owner: owners of partitions can replace the
 * pair FKs of theirs, but the parent FK is for all partitions.
 */
async function refuseDifferent(client: Client, foreignKey: ForeignKey, pairs: readonly Pair[]): Promise<void> {
  const shapes = await run(client, 'audit/shapes-of-pairs', { ...foreignKey, pairs });
  if (shapes.length <= 1) {
    const [shape] = shapes;
    const known = foreignKey.constraint_oid !== null || foreignKey.migrationId !== null;
    if (known || !shape || shape.vouched) return;
    throw new PreflightFailed(
      `refused, nothing was changed: only partitions of other owners than the table's say what the parent foreign key of ${foreignKey.table} was, and they can have changed it: ${shape.definition}; if it is right, give one of them the owner of the table, and try again: ${shape.remedy}`,
    );
  }
  const each = shapes.map(
    ({ definition, pairs: count, partition }) => `${count} of them ${definition}, such as that of ${partition}`,
  );
  throw new PreflightFailed(
    `refused, nothing was changed: the pair foreign keys of ${foreignKey.table} do not agree on what the parent foreign key was: ${each.join('; ')}; make them agree first`,
  );
}

async function acceptedNow(client: Client, { finding }: Adoption): Promise<AcceptedFinding> {
  const { role, session_user: sessionUser } = await readServer(client);
  return { id: finding.id, message: finding.message, role, sessionUser, at: new Date().toISOString() };
}

async function namesFor(
  client: Client,
  { foreignKey, wantedName }: Adoption,
  pairs: readonly Pair[],
): Promise<Pick<Row<'ledger/adopted-names'>, 'constraint_name' | 'former_names'>> {
  if (foreignKey.constraint_oid !== null || foreignKey.migrationId !== null)
    return { constraint_name: foreignKey.constraint_name, former_names: [] };
  const names = await runOne(client, 'ledger/adopted-names', {
    ...foreignKey,
    pairs,
    wanted: wantedName,
  });
  if (names.refusal !== '')
    throw new InvalidInput(
      `the parent foreign key could not come back under its name: ${names.refusal}; choose another with --constraint`,
    );
  return names;
}

async function insertEntry(
  client: Client,
  { foreignKey }: Adoption,
  values: {
    readonly constraint_name: string;
    readonly execution: string;
    readonly pairs: readonly Pair[];
    readonly accepted: readonly AcceptedFinding[];
  },
): Promise<Row<'ledger/adopt-migration'>[]> {
  const dropped = foreignKey.constraint_oid === null;
  const { firing } = dropped
    ? await runOne(client, 'ledger/adopted-firing', { ...foreignKey, pairs: values.pairs })
    : foreignKey;
  return run(client, 'ledger/adopt-migration', {
    ...foreignKey,
    referenced_table: foreignKey.referencedTable,
    constraint_name: values.constraint_name,
    execution: values.execution,
    dropped,
    firing,
    guard_number: await guardNumber(client, values.pairs),
    options: { ...defaultOptions(foreignKey), accepted: values.accepted },
    error: {
      name: 'LedgerMissing',
      message:
        'the ledger was lost and this entry was made from the catalog; run p2pfk migrate to go on, or p2pfk rollback',
    },
  });
}

/** Options of a migration with all defaults. */
function defaultOptions({ table }: ForeignKey): MigrationOptions {
  const { table: _table, operation: _operation, dryRun: _dryRun, ...options } = ExecutionInput.parse({ table });
  return options;
}

async function createMissingGuards(
  client: Client,
  foreignKey: ForeignKey & { readonly migrationId: string },
  pairs: readonly Pair[],
  budgetMs: number,
): Promise<void> {
  const { migrationId } = foreignKey;
  for (const guard of await readGuards(client, foreignKey, migrationId, pairs)) {
    const repair = await guardRepair(client, guard);
    if (repair === undefined) continue;
    const { locks } = repair;
    // Without the migration's id: where the parent FK exists, its migration is not complete.
    const { heldMs } = await changeOnline(
      client,
      { step: STEP, migrationId: null, budgetMs, locks },
      async (budget) => {
        for (const sql of repair.sql) await budget.run(sql);
        return { statements: repair.sql.map((sql) => ({ sql })) };
      },
    );
    await noteEvent(client, migrationId, {
      pair: null,
      step: STEP,
      sql: repair.sql.join(';\n'),
      durationMs: heldMs,
      error: null,
    });
  }
}
