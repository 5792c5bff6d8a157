/** Repairs drift while the application works: each step waits for locks for at most the budget, or blocks no session. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { isSamePair, type Pair, readPairStatus } from '../catalog/pairs.ts';
import { readServer, validationMemory } from '../catalog/server-facts.ts';
import { newCode, refuseNewCode, refuseUntrustedCode } from '../catalog/untrusted-code.ts';
import { countOrphans } from '../checks/orphan-count.ts';
import { requireFreeReaders } from '../checks/readers.ts';
import { MigrationInProgress, NotMigrated, OrphanedRows } from '../contracts/errors.ts';
import { shellWord } from '../contracts/safe-text.ts';
import { noteEvent } from '../ledger/notes/events.ts';
import { noted, runNoted } from '../ledger/notes/noted-statements.ts';
import { changePair, readPairs } from '../ledger/pairs.ts';
import { prepareLedger } from '../ledger/schema/make-ledger.ts';
import { execute, executeDdl } from '../postgres/execute.ts';
import { requireLocked } from '../postgres/locks/locked-tables.ts';
import { requireConstraints } from '../postgres/locks/named-constraints.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { rollBack } from '../postgres/session/transactions.ts';
import { withJournal } from '../postgres/statement-journal.ts';
import { addToLedger } from '../provision/add-to-ledger.ts';
import { refuseCodeOfReferencedTables } from '../provision/referenced-tables.ts';
import { changeOnline } from '../steps/locks/online-change.ts';
import { adopt } from './adopt.ts';
import type { Drift, RepairOutcome, RepairStep } from './drift.ts';
import { type Audited, audit, counts } from './find-drift.ts';

/** Name of the step in the ledger. */
const STEP = 'AuditRepair';

/**
 * Milliseconds. A request for SHARE UPDATE EXCLUSIVE that waits blocks no session; after a second PostgreSQL cancels an
 * autovacuum that blocks it.
 */
const VALIDATE_LOCK_WAIT_MS = 10_000;

/**
 * Most rounds. A repair may uncover the next finding: the ledger gets its entry, a partition's partner is created, their pair
 * lacks its foreign key, and after that a foreign key to the whole referenced table can be dropped.
 */
const ROUNDS = 5;

/** What to repair. */
export interface RepairOptions {
  readonly table?: string | undefined;
  readonly constraint?: string | undefined;
  /** Ids of findings that need acceptance and are accepted, or `all`. */
  readonly accept?: readonly string[] | undefined;
  /** Milliseconds. */
  readonly lockTimeoutMs: number;
  /** Called before each repair with null, and after it with its outcome. */
  readonly onRepair?: (audited: Audited, drift: Drift, outcome: RepairOutcome | null) => void;
}

/** What was repaired, and what is left. */
export interface Repaired {
  readonly outcomes: readonly RepairOutcome[];
  /** The audit after the repairs. */
  readonly audited: readonly Audited[];
}

/**
 * Audits, repairs what can be repaired, and audits again. A failed repair does not stop the others.
 *
 * @throws as `audit` and `prepareLedger`; an error of one repair is in its outcome
 */
export async function auditAndRepair(client: Client, options: RepairOptions): Promise<Repaired> {
  await prepareLedger(client);
  const outcomes: RepairOutcome[] = [];
  const accepted = ({ needsAcceptance, finding }: Drift): boolean =>
    needsAcceptance !== true || options.accept?.some((id) => id === 'all' || id === finding.id) === true;
  let audited = await audit(client, options);
  for (let round = 1; round <= ROUNDS; round++) {
    // A repair that failed on a partition is not tried again in another form, because a validation may have read the whole
    // partition.
    const failed = new Set(outcomes.filter(({ status }) => status === 'FAILED').map(keyOf));
    const todo = audited.flatMap((one) =>
      one.drift.flatMap((drift) => {
        const key = keyOf({ table: one.table, id: drift.finding.id, partition: drift.partition });
        return counts(drift) && drift.steps.length > 0 && accepted(drift) && !failed.has(key) ? [{ one, drift }] : [];
      }),
    );
    if (todo.length === 0) break;
    // Ledger entries first, because they change what else has to be repaired.
    const entries = todo.filter(({ drift }) => drift.needsAcceptance === true);
    for (const { one, drift } of entries.length > 0 ? entries : todo) {
      options.onRepair?.(one, drift, null);
      const outcome = await repair(client, one, drift, options.lockTimeoutMs);
      outcomes.push(outcome);
      options.onRepair?.(one, drift, outcome);
    }
    audited = await auditAgain(client, options);
  }
  return { outcomes, audited };
}

/** Nothing is left to audit where a repair removed the only migration. */
async function auditAgain(client: Client, options: RepairOptions): Promise<Audited[]> {
  try {
    return await audit(client, options);
  } catch (error) {
    if (error instanceof NotMigrated) return [];
    throw error;
  }
}

function keyOf({ table, id, partition }: Pick<RepairOutcome, 'table' | 'id' | 'partition'>): string {
  return JSON.stringify([table, partition ?? id]);
}

async function repair(client: Client, audited: Audited, drift: Drift, budgetMs: number): Promise<RepairOutcome> {
  const beganAt = performance.now();
  const { table, subject } = audited;
  const { finding, partition } = drift;
  const outcome = (error: string | null): RepairOutcome => ({
    table,
    id: finding.id,
    partition,
    status: error === null ? 'REPAIRED' : 'FAILED',
    durationMs: Math.round(performance.now() - beganAt),
    error,
  });
  try {
    if (subject?.state && subject.state !== 'migrated' && drift.needsAcceptance !== true) {
      throw new MigrationInProgress(`migration ${subject.foreignKey.migrationId} is ${subject.state}: finish it first`);
    }
    const migrationId = subject?.foreignKey.migrationId ?? null;
    // An earlier repair may have read rows for hours.
    if (subject) await refuseNewCode(client, subject.foreignKey);
    for (const step of drift.steps) {
      if (step.kind !== 'adopt') await runStep(client, step, { migrationId, budgetMs });
      else {
        const wantedName = subject?.wantedName ?? '';
        await adopt(client, { foreignKey: step.foreignKey, finding, wantedName }, budgetMs);
      }
    }
    if (subject) await settle(client, subject.foreignKey, drift);
    return outcome(null);
  } catch (error) {
    const named = toNamedError(error);
    const orphans =
      named instanceof OrphanedRows
        ? ` (list them with p2pfk verify --table ${shellWord(table)}, mend them, then audit again)`
        : '';
    return outcome(`${named.message}${orphans}`);
  }
}

async function runStep(
  client: Client,
  step: Exclude<RepairStep, { readonly kind: 'adopt' }>,
  { migrationId, budgetMs }: { migrationId: string | null; budgetMs: number },
): Promise<void> {
  const work = { migrationId, execution: null, pair: null, step: STEP };
  switch (step.kind) {
    case 'locked':
      await changeOnline(client, { step: STEP, migrationId, budgetMs, locks: step.locks }, async (budget) => {
        // Checked again under the locks, behind which no index and no CHECK can be added to the parents themselves.
        if (step.attaches) {
          await refuseNewCode(client, step.attaches.reads);
          await refuseCodeOfReferencedTables(client, step.attaches.parents);
        }
        await requireConstraints(client, step.constraints ?? []);
        for (const sql of step.sql) await budget.run(sql);
      });
      return;
    case 'ledger':
      // It may remove the migration with its events, so this event is about the ledger itself.
      await execute(client, step.sql);
      await noteEvent(client, null, { pair: null, step: STEP, sql: step.sql, durationMs: null, error: null });
      return;
    case 'concurrently':
      if (step.exclusiveOn.length > 0)
        await requireFreeReaders(client, { relations: step.exclusiveOn, budgetMs, step: STEP });
      // Its waits for older transactions block no session, and a wait that is cut leaves an INVALID index.
      await withSettings(client, { lock_timeout: '0' }, () => runNoted(client, work, step.sql));
      return;
    case 'validate': {
      const memory = `${validationMemory(await readServer(client), 1)}MB`;
      const settings = { lock_timeout: String(VALIDATE_LOCK_WAIT_MS), maintenance_work_mem: memory };
      await withSettings(client, settings, () => noted(client, work, step.sql, () => validate(client, step)));
    }
  }
}

/**
 * Validates. In the hours since the repair began an index may have been built, and the foreign key replaced by another one of its
 * name, so both are checked again under the lock, behind which neither can change.
 */
async function validate(
  client: Client,
  { lock, sql, constraint, reads }: Extract<RepairStep, { readonly kind: 'validate' }>,
): Promise<void> {
  await client.query('BEGIN');
  try {
    const code = await newCode(client, reads);
    await execute(client, code.by_owner ? lock.both_sql : lock.sql);
    await requireLocked(
      client,
      code.by_owner ? [reads.referencing_oid, reads.referenced_oid] : [reads.referencing_oid],
    );
    await requireConstraints(client, [constraint]);
    if (code.may) await refuseUntrustedCode(client, reads);
    await withJournal(client, () => executeDdl(client, sql));
    await client.query('COMMIT');
  } catch (error) {
    await rollBack(client);
    throw error;
  }
}

/** Runs `work` with settings for one statement outside a transaction block, and restores the session's own. */
async function withSettings<Result>(
  client: Client,
  settings: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  const before: [string, string][] = [];
  for (const [name, value] of Object.entries(settings)) {
    const { rows } = await client.query<{ now: string }>('SELECT current_setting($1) AS now', [name]);
    before.push([name, rows[0]?.now ?? '']);
    await client.query('SELECT set_config($1, $2, false)', [name, value]);
  }
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      await client.query('SELECT set_config($1, $2, false)', [name, value]).catch(() => undefined);
    }
  }
}

/** After the steps: notes in the ledger what was made, and counts rows that were inserted unchecked. */
async function settle(client: Client, foreignKey: ForeignKey, { makes, unchecked }: Drift): Promise<void> {
  const { migrationId } = foreignKey;
  if (makes && migrationId !== null) {
    const known = (await readPairs(client, migrationId)).find((noted) => isSamePair(noted, makes.pair));
    const now = (await readPairStatus(client, foreignKey, [makes.pair], { indexes: true })).get(makes.pair.pair);
    const pair: Pair = { ...makes.pair, ...now };
    if (known) {
      await changePair(client, migrationId, known.pair, {
        ...(makes.constraint ? { constraint_name: pair.constraint_name, constraint_added: true } : {}),
        ...(makes.index ? { index_name: pair.index_name, index_added: true } : {}),
      });
    } else {
      const noted = { ...pair, constraint_added: makes.constraint, index_added: makes.index };
      await addToLedger(client, migrationId, [noted]);
    }
  }
  if (!unchecked) return;
  const [count] = await countOrphans(client, foreignKey, [unchecked]);
  if (count && count.orphans > 0) {
    throw new OrphanedRows(
      `the foreign key fires again, but ${count.orphans} row(s) of ${unchecked.referencing} came in meanwhile without a row in ${unchecked.referenced}`,
    );
  }
}
