/** Drift of a table apart from its pairs: a parent FK that exists again, partitions without a partner, the guard, the ledger. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { FOREIGN_TABLE, holdingRows, isSamePair, type Pairing } from '../catalog/pairs.ts';
import { statementTexts } from '../catalog/statements.ts';
import type { Unpaired } from '../contracts/column-types.ts';
import type { Severity } from '../contracts/documents.ts';
import { UntrustedCode } from '../contracts/errors.ts';
import { shellWord } from '../contracts/safe-text.ts';
import { readMigration } from '../ledger/migrations.ts';
import type { LedgerPair } from '../ledger/pairs.ts';
import { checkLedger } from '../ledger/schema/state.ts';
import { contained } from '../postgres/session/transactions.ts';
import { type Row, run } from '../postgres/sql.ts';
import { partnerName } from '../provision/pair-names-by-rule.ts';
import { readBound, readSiblings } from '../provision/place.ts';
import { refuseCodeOfReferencedTables } from '../provision/referenced-tables.ts';
import type { Drift, RepairStep } from './drift.ts';
import { findGuardDrift } from './guard-drift.ts';
import { ownedWhenRun } from './owned-when-run.ts';
import { readLeafForeignKeys } from './pair-drift.ts';
import { onLedger, Steps } from './repair-steps.ts';
import type { OrphanedMigration, Subject, UnfinishedMigration } from './subjects.ts';

/** Drift of one table. */
export async function findTableDrift(
  client: Client,
  subject: Subject,
  pairing: Pairing,
  ledgerPairs: readonly LedgerPair[] | undefined,
): Promise<Drift[]> {
  const { foreignKey } = subject;
  return [
    ...(await unfinished(client, subject)),
    ...(await parentForeignKeys(client, foreignKey, pairing)),
    ...(await lonePartitions(client, foreignKey, pairing)),
    ...(await findGuardDrift(client, subject, pairing.pairs)),
    ...(await gonePairs(client, foreignKey, pairing, ledgerPairs ?? [])),
  ];
}

function drift(
  id: string,
  severity: Severity,
  message: string,
  remedy: string,
  more: { partition?: string; steps?: readonly RepairStep[] } = {},
): Drift {
  return { finding: { id, severity, message, remedy }, partition: more.partition ?? null, steps: more.steps ?? [] };
}

/** The finding for a migration whose parent FK is dropped and that is not complete: only the pair FKs guard the rows. */
async function unfinished(client: Client, { foreignKey, state }: Subject): Promise<Drift[]> {
  const { migrationId, constraint_name: constraint } = foreignKey;
  if (state === null || state === 'migrated' || migrationId === null) return [];
  const command =
    state === 'rolling-back'
      ? `finish it with p2pfk rollback --table ${shellWord(foreignKey.table)}`
      : `let it end, or resume it with p2pfk migrate --table ${shellWord(foreignKey.table)}, or take it back with p2pfk rollback`;
  return [
    drift(
      'migration-unfinished',
      'warning',
      `migration ${migrationId} of ${constraint} is ${state} ${await describeExecution(client, migrationId)}, and its parent foreign key is dropped`,
      `${command}; only then can drift be repaired`,
    ),
  ];
}

/**
 * The finding for a migration that is not complete and whose parent FK exists: every row is guarded, but work of the migration is
 * left over.
 */
export async function unfinishedMigration(
  client: Client,
  { id, constraint, state, table }: UnfinishedMigration,
): Promise<Drift> {
  return drift(
    'migration-unfinished',
    'warning',
    `migration ${id} of ${constraint} is ${state} ${await describeExecution(client, id)}, and its parent foreign key is in place: pair foreign keys and indexes that it has made so far are beside it`,
    `let it end, or resume it with p2pfk migrate --table ${shellWord(table)}, or take it back with p2pfk rollback --table ${shellWord(table)}`,
  );
}

/** Since when, by which execution, and whether its owner is seen at work. */
async function describeExecution(client: Client, migrationId: string): Promise<string> {
  const { state, execution, started_at, lease_until } = await readMigration(client, migrationId);
  const begun = `(begun ${new Date(started_at).toISOString()} by ${execution}`;
  // The ledger of an older version has no liveness key, and only commands that write upgrade it.
  if (state === 'paused' || (await checkLedger(client)).is_older) return `${begun})`;
  const seen = await run(client, 'ledger/owner-sessions', { migration_id: migrationId });
  if (seen.length > 0) return `${begun}, which is at work)`;
  return new Date(lease_until).getTime() > Date.now() && !execution.startsWith('arn:aws:states:local:')
    ? `${begun}, which was at work less than two minutes ago)`
    : `${begun}, which is not seen at work any more)`;
}

async function parentForeignKeys(client: Client, foreignKey: ForeignKey, { pairs }: Pairing): Promise<Drift[]> {
  const found: Drift[] = [];
  if (foreignKey.constraint_oid !== null) {
    found.push(
      drift(
        'parent-foreign-key',
        'warning',
        `parent foreign key ${foreignKey.constraint_name} of ${foreignKey.table} is there again: DETACH and TRUNCATE ... CASCADE meet all partitions as before`,
        'drop it with p2pfk migrate, which checks everything first',
      ),
    );
  }
  const steps = new Steps(client, foreignKey);
  for (const leaf of await readLeafForeignKeys(client, foreignKey)) {
    if (leaf.referenced_kind !== 'p' || !leaf.in_tree) continue;
    // Where the pair FK does not guard the rows, this one is all that does.
    const replaced = pairs.some(
      (pair) => pair.referencing_oid === leaf.referencing_oid && pair.validated && pair.enforced,
    );
    found.push(
      drift(
        'parent-foreign-key',
        'warning',
        `foreign key ${leaf.constraint_name} of ${leaf.referencing} points at ${leaf.referenced} as a whole: DETACH and TRUNCATE ... CASCADE there meet all partitions`,
        replaced
          ? 'drop it: the pair foreign key holds'
          : 'drop it when the pair foreign key is there, valid and enforced',
        { partition: leaf.referencing, steps: replaced ? [await steps.dropForeignKey(leaf)] : [] },
      ),
    );
  }
  return found;
}

type LonePartition = Row<'audit/lone-partitions'>;

/** Referencing partitions that no pair FK can guard, though they can hold rows that need one. */
export function withoutPartner({ unpaired }: Pick<Pairing, 'unpaired'>): Unpaired[] {
  return unpaired.filter(({ side, needsPair = true }) => side === 'referencing' && needsPair);
}

async function lonePartitions(client: Client, foreignKey: ForeignKey, pairing: Pairing): Promise<Drift[]> {
  const lone = withoutPartner(pairing);
  const holding = await holdingRows(client, foreignKey, lone);
  const places = await run(client, 'audit/lone-partitions', {
    relations: lone.map((partition) => partition.oid),
  });
  const leafForeignKeys = lone.length > 0 ? await readLeafForeignKeys(client, foreignKey) : [];
  const found: Drift[] = [];
  for (const partition of lone) {
    const { why = 'it has no partner' } = partition;
    // It had a partner until another referenced partition was added that can hold its keys.
    const existing = leafForeignKeys.find(
      (own) => own.referencing_oid === partition.oid && own.referenced_kind === 'r' && own.in_tree,
    );
    const refused =
      existing && `foreign key ${existing.constraint_name} refuses each that is not in ${existing.referenced}`;
    const where = `referencing partition ${partition.partition} (${partition.bound})`;
    if (partition.kind === FOREIGN_TABLE) {
      found.push(
        drift(
          'unpaired-referencing-partition',
          'error',
          `${where} is a foreign table, which can have no foreign key; p2pfk does not read its rows`,
          'detach it; then audit again',
          { partition: partition.partition },
        ),
      );
      continue;
    }
    if (holding.has(partition.oid)) {
      found.push(
        drift(
          'unpaired-referencing-partition',
          'error',
          `${where} holds rows, and ${why}${refused ? `; ${refused}` : ': no foreign key guards them'}`,
          refused
            ? 'split it, so that each referenced partition has a referencing one of its own; then audit again'
            : 'create the referenced partition with its rows, or move these rows; then audit again',
          { partition: partition.partition },
        ),
      );
      continue;
    }
    const place = places.find(({ oid }) => oid === partition.oid);
    const steps = place ? await makePartner(client, foreignKey, pairing, partition, place) : [];
    found.push(
      drift(
        'unpaired-empty-partition',
        'warning',
        `${where} is empty, or holds only keys with a NULL, and ${why}${refused ? `; ${refused}` : ': rows inserted there are not checked'}`,
        lonePartitionRemedy(steps.length > 0, refused !== undefined),
        { partition: partition.partition, steps },
      ),
    );
  }
  return found;
}

function lonePartitionRemedy(repairable: boolean, guarded: boolean): string {
  if (repairable)
    return 'create its partner; the next audit then finds a pair that lacks its foreign key (--fix --run goes on to that)';
  return guarded
    ? 'split it, or drop it: then each referenced partition has its own'
    : 'create its partner, or drop it';
}

/** Steps that create the missing referenced partition, where its name and bound are clear; otherwise none. */
async function makePartner(
  client: Client,
  foreignKey: ForeignKey,
  pairing: Pairing,
  partition: Unpaired,
  place: LonePartition,
): Promise<RepairStep[]> {
  const bound = readBound(partition.bound);
  if (bound === undefined || partition.kind !== 'r' || partition.keyless || (partition.heldBy?.length ?? 0) > 0)
    return [];
  const family = await contained(client, () => readSiblings(client, foreignKey, pairing, place.parent_oid)).catch(
    () => undefined,
  );
  const partner = family && partnerName(family.siblings, place);
  if (!partner) return [];
  const [free] = await run(client, 'provision/names', { names: [partner] });
  if (!free || free.taken || free.too_long) return [];
  const parents = { referencing_parent_oid: place.parent_oid, referenced_parent_oid: family.referencedParent };
  try {
    await refuseCodeOfReferencedTables(client, parents);
  } catch (error) {
    if (error instanceof UntrustedCode) return [];
    throw error;
  }
  const locks = await run(client, 'statements/lock-for-attach-partition', parents);
  const values = { parent_oid: family.referencedParent, ...partner, bound };
  const create = await statementTexts(client, 'statements/create-partition-table', values);
  const own = await statementTexts(client, 'statements/own-partition', values);
  const attach = await statementTexts(client, 'statements/attach-partition', values);
  const { rows } = await client.query<{ name: string }>(
    'SELECT o::regclass::text AS name FROM unnest($1::oid[]) WITH ORDINALITY u(o, n) ORDER BY n',
    [[place.parent_oid, family.referencedParent]],
  );
  const parentNames = rows.map(({ name }) => name);
  const owned = ownedWhenRun({ parent: parentNames[1] ?? '', ...partner });
  return [
    {
      kind: 'locked',
      locks,
      sql: [...create, ...own, ...attach],
      printed: [...create, owned, ...attach],
      attaches: { reads: foreignKey, parents, parentNames },
    },
  ];
}

/**
 * Findings for pairs that no longer exist. Partitions are added and removed, so that is no fault, but the ledger still has the
 * pair.
 */
async function gonePairs(
  client: Client,
  { migrationId }: ForeignKey,
  { pairs }: Pairing,
  ledgerPairs: readonly LedgerPair[],
): Promise<Drift[]> {
  if (migrationId === null) return [];
  const gone = ledgerPairs.filter((noted) => !pairs.some((pair) => isSamePair(noted, pair)));
  const found: Drift[] = [];
  for (const noted of gone) {
    const texts = await statementTexts(client, 'statements/forget-ledger-pairs', {
      migration_id: migrationId,
      pairs: [noted],
    });
    found.push(
      drift(
        'ledger-pair-gone',
        'info',
        `the ledger knows a pair ${noted.referencing}, ${noted.referenced} that is no more: one of them was detached, dropped or attached elsewhere`,
        'nothing has to be done; the ledger can forget it',
        { partition: noted.referencing, steps: onLedger(texts) },
      ),
    );
  }
  return found;
}

/** The finding for a migration whose tables do not exist any more. */
export async function orphanedMigration(client: Client, migration: OrphanedMigration): Promise<Drift> {
  const what = `the ledger's migration ${migration.id} of ${migration.constraint} is about tables`;
  // Only --relink compares whether other tables with the same names are the ones that the ledger means.
  if (migration.restored)
    return drift(
      'ledger-table-replaced',
      'warning',
      `${what} that are no more, and others of the same names exist (was a dump restored?): without it nothing can be rolled back`,
      'p2pfk audit --relink compares them with the ledger, and links it to them',
      { steps: [] },
    );
  const texts = await statementTexts(client, 'statements/forget-ledger-migration', { migration_id: migration.id });
  return drift('ledger-table-gone', 'warning', `${what} that are no more`, 'let the ledger forget it', {
    steps: onLedger(texts),
  });
}
