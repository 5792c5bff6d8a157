/** Repairs drift while the application works: each step waits for locks no longer than the budget, or stops nobody. */
import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { isSamePair, type Pair, readPairStatus } from '../catalog/pairs.ts';
import { readServer, validationMemory } from '../catalog/server-facts.ts';
import { refuseNewCode } from '../catalog/untrusted-code.ts';
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
import { toNamedError } from '../postgres/postgres-errors.ts';
import { withJournal } from '../postgres/statement-journal.ts';
import { addToLedger } from '../provision/add-to-ledger.ts';
import { refuseCodeOfReferencedTables } from '../provision/referenced-tables.ts';
import { changeOnline } from '../steps/locks/online-change.ts';
import { adopt } from './adopt.ts';
import type { Drift, RepairOutcome, RepairStep } from './drift.ts';
import { type Audited, audit, counts } from './find-drift.ts';

/** Name of the step in the ledger. */
const STEP = 'AuditRepair';

/** A waiter for SHARE UPDATE EXCLUSIVE stops nobody; after a second PostgreSQL cancels an autovacuum in its way. */
const VALIDATE_LOCK_WAIT_MS = 10_000;

/**
 * A repair may uncover the next finding: the ledger gets its entry, a partition's partner is made, their pair lacks its foreign key,
 * and with that a foreign key to the whole referenced table can go.
 */
const ROUNDS = 5;

export interface RepairOptions {
  readonly table?: string | undefined;
  readonly constraint?: string | undefined;
  /** Ids of findings that need acceptance and are accepted, or `all`. */
  readonly accept?: readonly string[] | undefined;
  /** Milliseconds. */
  readonly lockTimeoutMs: number;
  /** Told before each repair, and with its outcome after it. */
  readonly onRepair?: (audited: Audited, drift: Drift, outcome: RepairOutcome | null) => void;
}

export interface Repaired {
  readonly outcomes: readonly RepairOutcome[];
  /** What is there after the repairs. */
  readonly audited: readonly Audited[];
}

/** Audits, repairs what can be repaired, and audits again. One failed repair does not stop the others. */
export async function auditAndRepair(client: Client, options: RepairOptions): Promise<Repaired> {
  await prepareLedger(client);
  const outcomes: RepairOutcome[] = [];
  const accepted = ({ needsAcceptance, finding }: Drift): boolean =>
    needsAcceptance !== true || options.accept?.some((id) => id === 'all' || id === finding.id) === true;
  let audited = await audit(client, options);
  for (let round = 1; round <= ROUNDS; round++) {
    // What failed once on a partition is not tried again in another form: a validation may have read it all.
    const failed = new Set(outcomes.filter(({ status }) => status === 'FAILED').map(keyOf));
    const todo = audited.flatMap((one) =>
      one.drift.flatMap((drift) => {
        const key = keyOf({ table: one.table, id: drift.finding.id, partition: drift.partition });
        return counts(drift) && drift.steps.length > 0 && accepted(drift) && !failed.has(key) ? [{ one, drift }] : [];
      }),
    );
    if (todo.length === 0) break;
    // An entry in the ledger first: what else is to be done is seen in its light.
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

/** Where a repair was to forget the only migration there was, nothing is left to audit. */
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
        // Again under the locks, behind which no index and no CHECK can come to the parents themselves.
        if (step.attaches) {
          await refuseNewCode(client, step.attaches.reads);
          await refuseCodeOfReferencedTables(client, step.attaches.parents);
        }
        for (const sql of step.sql) await budget.run(sql);
      });
      return;
    case 'ledger':
      // It may forget the migration, and its notes with it: so this one is about the ledger itself.
      await execute(client, step.sql);
      await noteEvent(client, null, { pair: null, step: STEP, sql: step.sql, durationMs: null, error: null });
      return;
    case 'concurrently':
      if (step.exclusiveOn.length > 0)
        await requireFreeReaders(client, { relations: step.exclusiveOn, budgetMs, step: STEP });
      // Its waits for older transactions stop nobody; a wait that is cut would leave an INVALID index.
      await withSettings(client, { lock_timeout: '0' }, () => runNoted(client, work, step.sql));
      return;
    case 'validate': {
      const memory = `${validationMemory(await readServer(client), 1)}MB`;
      const settings = { lock_timeout: String(VALIDATE_LOCK_WAIT_MS), maintenance_work_mem: memory };
      await withSettings(client, settings, () => noted(client, work, step.sql, () => validate(client, step)));
    }
  }
}

/** An index may have been built for hours since the repair began: asked again under the lock, behind which the partition stays as it is. */
async function validate(
  client: Client,
  { lock, sql, reads }: Extract<RepairStep, { readonly kind: 'validate' }>,
): Promise<void> {
  await client.query('BEGIN');
  try {
    await execute(client, lock);
    await requireLocked(client, [reads.referencing_oid]);
    await refuseNewCode(client, reads);
    await withJournal(client, () => executeDdl(client, sql));
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** Settings for one statement outside a transaction block; then the session's own again. */
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

/** After the steps: the ledger is told what was made, and rows that nobody checked are counted. */
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
