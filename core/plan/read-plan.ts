/** The plan: everything that a migration would do, read from the catalog. Nothing is written. */

import type { Client } from 'pg';
import type { ForeignKey } from '../catalog/foreign-key.ts';
import { type FinalName, readFinalNames, renameStatements } from '../catalog/pair-names.ts';
import { type Pair, type Pairing, readPairing } from '../catalog/pairs.ts';
import { readGuards, wantsGuard } from '../catalog/row-movement-guard.ts';
import { forecastDrop, forecastRollback, readServer, type Server } from '../catalog/server-facts.ts';
import { statementsFor } from '../catalog/statements.ts';
import { countedBeforeDrop, forecastSnapshots, longWork } from '../checks/long-steps.ts';
import { SAMPLE_SECONDS, sampleOf } from '../checks/orphan-count.ts';
import { type Acceptance, judgeAcceptance } from '../checks/preflight/acceptance.ts';
import { checkOrphans } from '../checks/preflight/orphan-findings.ts';
import { bySeverity, type Intent, preflight } from '../checks/preflight/preflight.ts';
import type { Estimate, Plan, PlannedStatement } from '../contracts/documents.ts';
import { eventBudget } from '../contracts/event-budget.ts';
import type { ExecutionInput } from '../contracts/execution-input.ts';
import { PACE } from '../contracts/forecast.ts';
import { ledgerStepOf, type StepName } from '../contracts/steps/catalogue.ts';
import { approvalOfPlan } from '../ledger/approval-check.ts';
import { planLedger, readLedgerEntry } from '../ledger/entry.ts';
import { type Migration, type MigrationState, nextMigrationId, readMigration } from '../ledger/migrations.ts';
import { resolveForeignKey } from '../ledger/resolve-foreign-key.ts';
import { waitLimit } from '../postgres/locks/lock-wait.ts';
import { runOne } from '../postgres/sql.ts';
import { forecastIndexWal } from './forecast-wal.ts';
import { forecastWrites } from './forecast-writes.ts';

/** The plan and what it was made from. */
export interface PlanReading {
  readonly server: Server;
  readonly foreignKey: ForeignKey;
  readonly pairing: Pairing;
  readonly document: Plan;
  /** Whether no parent FK exists, and every pair has a valid, enforced pair FK. */
  readonly migrated: boolean;
  /** Findings that need acceptance, and which of them are accepted. */
  readonly acceptance: Acceptance;
  /** State of the open migration in the ledger, if there is one. */
  readonly state: MigrationState | null;
  /** The execution that works on it, or did last. */
  readonly execution: string | null;
}

/**
 * The document that `p2pfk plan --json` prints. Only reads; works with a role that can only read, and on a standby.
 *
 * @param options `countOrphans` reads all rows of all pairs
 */
export async function planMigration(
  client: Client,
  input: ExecutionInput,
  { countOrphans = false }: { readonly countOrphans?: boolean } = {},
): Promise<Plan> {
  const { document, foreignKey, pairing } = await readPlan(client, input, 'plan');
  if (!countOrphans) return document;
  return {
    ...document,
    findings: bySeverity([...document.findings, ...(await checkOrphans(client, { foreignKey, pairing }))]),
  };
}

/**
 * Reads the plan.
 *
 * @param intent for `plan`, missing privileges are warnings; for `migrate` they are errors
 * @throws as resolveForeignKey
 */
export async function readPlan(client: Client, input: ExecutionInput, intent: Intent): Promise<PlanReading> {
  const server = await readServer(client);
  const foreignKey = await resolveForeignKey(client, input, 'migrate');
  const pairing = await readPairing(client, foreignKey);
  const { pairs } = pairing;
  const { findings, unpaired } = await preflight(client, { server, foreignKey, pairing, input }, intent);
  const finalNames = new Map((await readFinalNames(client, foreignKey, pairs, input)).map((name) => [name.pair, name]));
  const migrated =
    foreignKey.constraint_oid === null && pairs.length > 0 && pairs.every((pair) => pair.validated && pair.enforced);
  const ledger = await readLedgerEntry(client, foreignKey);
  const covered = pairs.filter((pair) => pair.constraint_oid !== null).length;
  const migration = foreignKey.migrationId === null ? null : await readMigration(client, foreignKey.migrationId);
  const acceptance = judgeAcceptance(findings, { ...input, accepted: migration?.options.accepted }, server);
  const document: Plan = {
    ledger: {
      ...planLedger(ledger, foreignKey, { role: server.role, covered }),
      ...(migration === null ? {} : approvalFor(migration, input, acceptance)),
    },
    table: foreignKey.table,
    referencedTable: foreignKey.referencedTable,
    constraint: foreignKey.constraint_name,
    definition: foreignKey.displayDefinition,
    serverVersion: server.version,
    pairs: pairs.map((pair) => ({
      referencing: pair.referencing,
      referenced: pair.referenced,
      bound: pair.bound,
      rows: pair.rows,
      bytes: pair.bytes,
      hasIndex: pair.has_index,
      pairConstraint: finalNames.get(pair.pair)?.constraint_name ?? pair.constraint_name,
    })),
    unpaired,
    findings,
    statements: migrated ? [] : await plannedStatements(client, foreignKey, pairs, { input, finalNames }),
    estimate: {
      ...estimate(server, pairs, input),
      ...(await forecastIndexWal(client, foreignKey, migrated ? [] : longWork(pairs, input).index)),
      ...(foreignKey.constraint_oid === null || server.in_recovery
        ? {}
        : { writes: await forecastWrites(client, pairing) }),
    },
  };
  return {
    server,
    foreignKey,
    pairing,
    document,
    migrated,
    acceptance,
    state: migration?.state ?? null,
    execution: migration?.execution ?? null,
  };
}

/** What is not accepted yet will have to be, before the drop. */
function approvalFor(
  migration: Migration,
  input: ExecutionInput,
  { accepted, open }: Acceptance,
): { readonly approval?: string } {
  const approval = approvalOfPlan(migration, { ...input, accepted: [...accepted, ...open] });
  return approval === undefined ? {} : { approval };
}

/** Pair number -> a statement with its lock. */
type Texts = ReadonlyMap<number, { readonly sql: string; readonly lock: string }>;

/** Every statement that has to be run, in order, with the lock that it takes. */
async function plannedStatements(
  client: Client,
  foreignKey: ForeignKey,
  pairs: readonly Pair[],
  { input, finalNames }: { readonly input: ExecutionInput; readonly finalNames: ReadonlyMap<number, FinalName> },
): Promise<PlannedStatement[]> {
  const statements: PlannedStatement[] = [];
  // Pair by pair, as they run: the lock and the statements under it share a transaction.
  const add = (name: StepName, chosen: readonly Pair[], ...texts: readonly Texts[]) => {
    for (const { pair } of chosen) {
      for (const text of texts) {
        const statement = text.get(pair);
        if (statement) statements.push({ step: ledgerStepOf(name), ...statement });
      }
    }
  };
  const leftover = pairs.filter((pair) => pair.index_leftover && !input.noIndexes);
  add(
    'build-index',
    leftover,
    await statementsFor(client, 'statements/drop-index', { ...foreignKey, pairs: leftover }),
  );
  const unindexed = pairs.filter((pair) => !pair.has_index && !input.noIndexes);
  add(
    'build-index',
    unindexed,
    await statementsFor(client, 'statements/create-index', { ...foreignKey, pairs: unindexed }),
  );
  const added = pairs.filter((pair) => pair.constraint_oid === null);
  const guards = wantsGuard(foreignKey, input)
    ? await readGuards(client, foreignKey, foreignKey.migrationId ?? (await nextMigrationId(client)), added)
    : [];
  add(
    'add-foreign-key',
    added,
    await statementsFor(client, 'statements/lock-pair', { pairs: added }),
    new Map(guards.filter(({ stands }) => !stands).map(({ pair, sql, lock }) => [pair, { sql, lock }])),
    await statementsFor(client, 'statements/add-pair-foreign-key', {
      ...foreignKey,
      constraint_oid: String(foreignKey.constraint_oid ?? ''),
      pairs: added,
    }),
  );
  const unchecked = pairs.filter((pair) => !pair.validated);
  add(
    'validate-foreign-key',
    unchecked,
    await statementsFor(client, 'statements/lock-validation', { pairs: unchecked }),
    await statementsFor(client, 'statements/validate-pair-foreign-key', { pairs: unchecked }),
  );
  if (foreignKey.constraint_oid !== null) {
    const dropStep = ledgerStepOf('drop-parent-foreign-key');
    for (const name of ['statements/lock-tables', 'statements/drop-parent-foreign-key'] as const) {
      const { sql, lock } = await runOne(client, name, { ...foreignKey });
      statements.push({ step: dropStep, sql, lock });
    }
    for (const name of finalNames.values())
      for (const sql of renameStatements(name)) statements.push({ step: dropStep, sql, lock: name.lock });
  }
  return statements;
}

/** Seconds for starting and committing one pair's work, all steps together. */
const OVERHEAD_PER_PAIR = 0.05;

/** What the migration of these pairs takes. */
export function estimate(server: Server, pairs: readonly Pair[], input: ExecutionInput): Estimate {
  const rows = sum(pairs, (pair) => pair.rows);
  const sessions = Math.max(1, Math.min(input.maxConcurrency, pairs.length));
  // No concurrency makes it faster than the largest pair.
  const sideBySide = (work: (pair: Pair) => number) => Math.max(sum(pairs, work) / sessions, ...pairs.map(work), 0);
  const made = sideBySide(
    ({ rows, has_index, validated }) =>
      (has_index || input.noIndexes ? 0 : rows / PACE.index) + (validated ? 0 : rows / PACE.validate),
  );
  const isCounted = countedBeforeDrop(input);
  const counted = sideBySide((pair) => (isCounted(pair) ? pair.rows / PACE.count : 0));
  const seconds = made + counted + recountSeconds(pairs, input, sideBySide) + OVERHEAD_PER_PAIR * pairs.length;
  return {
    rows,
    bytes: sum(pairs, (pair) => pair.bytes),
    seconds: Math.ceil(seconds),
    dropLockedMs: forecastDrop(pairs.length),
    dropWaitMs: waitLimit({
      budgetMs: input.lockTimeoutMs,
      heldMs: forecastDrop(pairs.length),
      deadlockTimeoutMs: server.deadlock_timeout_ms,
    }),
    rollback: forecastRollback(server, { ...input, pairs: pairs.length, rows }),
    snapshots: forecastSnapshots(longWork(pairs, input)),
    execution: eventBudget(pairs, input.approval === 'manual' ? input.approvalTimeoutSeconds : 0),
  };
}

/** Seconds of the count after the drop. */
function recountSeconds(
  pairs: readonly Pair[],
  { recount }: ExecutionInput,
  sideBySide: (work: (pair: Pair) => number) => number,
): number {
  const work = ({ rows }: Pair) => rows / PACE.count;
  if (recount === 'all') return sideBySide(work);
  return recount === 'none' ? 0 : sum(sampleOf(pairs), (pair) => Math.min(work(pair), SAMPLE_SECONDS));
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
