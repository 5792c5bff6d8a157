/** Plan: reads everything, refuses what cannot succeed, and only then opens the migration in the ledger. */

import type { Client } from 'pg';
import type { ForeignKey } from '../../catalog/foreign-key.ts';
import { type Pairing, readPairing } from '../../catalog/pairs.ts';
import { acceptFlags } from '../../checks/preflight/acceptance.ts';
import { LEDGER_FINDINGS, readFindings } from '../../checks/preflight/sql-findings.ts';
import { readReaders } from '../../checks/readers.ts';
import type { Plan } from '../../contracts/documents.ts';
import { InvalidInput, LedgerMissing, MigrationInProgress, PreflightFailed } from '../../contracts/errors.ts';
import { iterationsOf } from '../../contracts/event-budget.ts';
import { ExecutionInput } from '../../contracts/execution-input.ts';
import { problemOf } from '../../contracts/problems.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { PlanEvent } from '../../contracts/steps/events.ts';
import type { PlanResult } from '../../contracts/steps/results.ts';
import { type MigrationOptions, openMigration, RolledBackMeanwhile, workedOnOpening } from '../../ledger/migrations.ts';
import { asNote } from '../../ledger/notes/notes.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { resolveForeignKey } from '../../ledger/resolve-foreign-key.ts';
import { readIdentity, refuseStandby } from '../../ledger/schema/identity.ts';
import { ensureLedger, prepareLedger } from '../../ledger/schema/make-ledger.ts';
import { relink } from '../../ledger/schema/relink.ts';
import { notePlan } from '../../plan/note-plan.ts';
import { refuseUnprovenPlan } from '../../plan/plan-document.ts';
import { type PlanReading, readPlan } from '../../plan/read-plan.ts';
import { refuseUnreviewed } from '../../plan/reviewed-plan.ts';
import { trustedOwners } from '../../postgres/libpq/keywords.ts';
import { useCallerSearchPath } from '../../postgres/session/caller-search-path.ts';
import type { StepContext } from '../context.ts';
import { pauseIfOwnerDead } from '../operations/reconcile.ts';
import { releaseGonePairs } from '../release-pairs.ts';
import { defineStep } from '../step.ts';
import { refuseHoldBackQuery, throttleReason } from '../throttle.ts';

/**
 * @throws InvalidInput when the execution input is not valid, or names nothing that can be migrated
 * @throws ConnectionRefused on a standby
 * @throws PreflightFailed with every finding of severity `error`, or every finding that needs acceptance
 * @throws MigrationInProgress when another execution works on the same foreign key
 * @throws LedgerElsewhere when the ledger belongs to another database, or this may be a copy of that database
 */
export async function plan(context: StepContext, event: PlanEvent): Promise<PlanResult> {
  const input = await withNotedPeople(context, withDeadline(parseExecutionInput(event.input)));
  refuseContradiction(input);
  refuseUnprovenPlan(input);
  refuseHoldBackQuery(input);
  if (!input.dryRun) await refuseStandby(context.client);
  await useCallerSearchPath(context.client, input.searchPath);
  if (input.relink) await relinkFor(context, input);
  const planned =
    input.operation === 'rollback'
      ? await planRollback(context, input, event.execution)
      : await planMigration(context, input, event.execution);
  return { ...planned, database: await readIdentity(context.client) };
}

type Planned = Omit<PlanResult, 'database'>;

async function relinkFor({ client, logger }: StepContext, input: ExecutionInput): Promise<void> {
  if (input.dryRun)
    throw new InvalidInput('the execution input is not valid: relink writes to the ledger, and dryRun changes nothing');
  const { identity, changed } = await relink(client);
  if (changed) logger.warn('ledger linked to this database', { ...identity });
}

async function planMigration(context: StepContext, input: ExecutionInput, execution: string): Promise<Planned> {
  const reading = await readPlan(context.client, input, 'migrate');
  refuseOtherMigration(reading.foreignKey, input);
  if (isMigrated(reading)) return alreadyMigrated(reading, input);
  const before = await duplicateOf(context, reading, input, execution);
  if (before) return before;
  refuse(reading);
  const asReviewed = (await refuseUnreviewed(context.client, reading.foreignKey, input)) ? { asReviewed: true } : {};
  if (input.dryRun) return { ...result('DRY_RUN', reading, input), ...asReviewed };
  refuseUnaccepted(reading);

  // A hold-back query that fails, or a lag that cannot be measured, is reported before anything begins.
  await throttleReason(context.client, optionsOf(input));
  const viewsKept = await ensureLedger(context.client);
  if (viewsKept !== '') context.logger.warn(viewsKept);
  try {
    return { ...(await open(context, reading, input, execution)), ...asReviewed };
  } catch (error) {
    // Two deliveries of one opening at the same moment: the ledger accepted the other one.
    const beside = error instanceof MigrationInProgress && (await duplicateOf(context, reading, input, execution));
    if (beside) return beside;
    throw error;
  }
}

async function open(
  context: StepContext,
  reading: PlanReading,
  input: ExecutionInput,
  execution: string,
): Promise<Planned> {
  const { foreignKey, pairing } = reading;
  const options = {
    ...optionsOf(input),
    accepted: reading.acceptance.accepted,
    trustedOwners: trustedOwners(),
    // The gate compares with the findings that were accepted here: a finding that appears later was not shown to a person.
    accept: [],
    plannedAt: new Date().toISOString(),
    forecastSeconds: reading.document.estimate.seconds,
  };
  const opened = await openMigration(context.client, foreignKey, pairing, options, execution);
  if (opened.state === 'running')
    await releaseGonePairs(context, { migrationId: opened.id, execution, foreignKey, pairing, options });
  if (opened.state === 'running') await notePlan(context.client, opened.id, reading, input.lockTimeoutMs);
  const pairs = await readPairs(context.client, opened.id);
  context.logger.info('migration opened', { migrationId: opened.id, state: opened.state, pairs: pairs.length });
  // A rollback that died half-way is finished first: the fence stops forward DDL, and the next execution starts from the original
  // state.
  const status = opened.state === 'rolling-back' ? 'ROLLBACK_REQUESTED' : 'PLANNED';
  return {
    ...result(status, reading, input),
    migrationId: opened.id,
    pairs: iterationsOf(pairs),
    pairCount: pairs.length,
    ...(isResumed(reading, execution) ? { resumed: true } : {}),
  };
}

/** The plan step of this very execution may be tried again. */
function isResumed({ state, execution: before }: PlanReading, execution: string): boolean {
  return (state === 'running' || state === 'paused') && before !== execution;
}

/** Adds the deadline to an input of a schedule, which contains the time at which its window opened and the window's length. */
function withDeadline(input: ExecutionInput): ExecutionInput {
  const { opensAt, windowMinutes, deadline } = input;
  if (opensAt === undefined && windowMinutes === undefined) return input;
  if (opensAt === undefined || windowMinutes === undefined || deadline !== undefined) {
    throw new InvalidInput(
      'the execution input is not valid: opensAt and windowMinutes belong together, and stand in the place of deadline',
    );
  }
  return { ...input, deadline: new Date(Date.parse(opensAt) + windowMinutes * 60_000).toISOString() };
}

function refuseContradiction({ approverMustDiffer, approval }: ExecutionInput): void {
  if (approverMustDiffer && approval !== 'manual')
    throw new InvalidInput('the execution input is not valid: approverMustDiffer needs approval "manual"');
}

async function duplicateOf(
  { client }: StepContext,
  reading: PlanReading,
  input: ExecutionInput,
  execution: string,
): Promise<Planned | undefined> {
  if (input.opensAt === undefined) return undefined;
  const first = await workedOnOpening(client, reading.foreignKey, input.opensAt, execution);
  if (!first) return undefined;
  const reason = `the window that opened at ${input.opensAt} is ${first.execution}'s (state ${first.state}); to go on within it, start an execution with a deadline and without opensAt`;
  return { ...result('DUPLICATE', reading, input), migrationId: first.id, reason };
}

/**
 * Parses and checks the input of an execution.
 *
 * @throws InvalidInput with one line that lists the problems, each with its place
 */
function parseExecutionInput(input: unknown): ExecutionInput {
  const parsed = ExecutionInput.safeParse(input);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const problems = issues.slice(0, MOST_PROBLEMS).map((issue) => cut(problemOf(issue)));
  const left = issues.length - problems.length;
  const more = left > 0 ? `; and ${left} more` : '';
  throw new InvalidInput(`the execution input is not valid: ${problems.join('; ')}${more}`);
}

/** An input of 256 KB may have very many problems, or one in a key of that length. The error has to fit into the history. */
const MOST_PROBLEMS = 10;
const LONGEST_PROBLEM = 300;

function cut(problem: string): string {
  return problem.length > LONGEST_PROBLEM ? `${problem.slice(0, LONGEST_PROBLEM)}...` : problem;
}

/** A person was shown one migration, and is not to go on with another one. */
function refuseOtherMigration(
  { migrationId: open, constraint_name, table }: ForeignKey,
  { migrationId }: ExecutionInput,
): void {
  if (migrationId === undefined || migrationId === open) return;
  const now = open === null ? 'none is open' : `migration ${open} is the open one`;
  throw new PreflightFailed(
    `refused, nothing was changed: migration ${migrationId} of ${constraint_name} on ${table}, which was to go on, is no longer open: ${now}`,
  );
}

/** The parent FK is dropped, and no open migration died between the drop and its verification. */
function isMigrated({ migrated, foreignKey, state }: PlanReading): boolean {
  return migrated && (foreignKey.migrationId === null || state === 'migrated');
}

/**
 * The result where `migrate` has nothing left to do. That does not mean that everything is in order.
 *
 * @throws PreflightFailed when something else has to be repaired, with the command to do it
 */
function alreadyMigrated(reading: PlanReading, input: ExecutionInput): Planned {
  const findings = reading.document.findings.filter(({ id }) => LEDGER_FINDINGS.some((known) => known === id));
  refuse({ document: { findings } });
  const [note] = findings.map(({ message, remedy }) => `${message}; ${remedy}`);
  return { ...result('ALREADY_MIGRATED', reading, input), ...(note === undefined ? {} : { reason: note }) };
}

function refuse({ document }: { readonly document: Pick<Plan, 'findings'> }): void {
  const errors = document.findings.filter((finding) => finding.severity === 'error');
  if (errors.length === 0) return;
  const lines = errors.map(({ id, message, remedy }) => `[${id}] ${message}; ${remedy}`);
  throw new PreflightFailed(`refused, nothing was changed: ${lines.join(' | ')}`);
}

/**
 * Refuses findings that need acceptance: whether something may fail or be lost is a person's decision. Once the parent FK is
 * dropped there is nothing left to decide.
 */
function refuseUnaccepted({ foreignKey, acceptance: { open } }: PlanReading): void {
  if (foreignKey.constraint_oid === null || open.length === 0) return;
  const lines = open.map(({ id, message, remedy }) => `[${id}] ${message}; ${remedy}`);
  throw new PreflightFailed(
    `refused, nothing was changed: ${open.length === 1 ? 'a finding needs' : `${open.length} findings need`} acceptance: ${lines.join(' | ')}; accept with ${acceptFlags(open)}`,
  );
}

/** A rollback that uses a ledger row older than the current schema of the database would leave pair FKs without a guard. */
async function refuseOutdated(client: Client, foreignKey: ForeignKey, pairing: Pairing): Promise<void> {
  const [outdated] = await readFindings(client, { foreignKey, pairing, input: {} }, ['ledger-outdated']);
  if (outdated) throw new LedgerMissing(`refused, nothing was changed: ${outdated.message}; ${outdated.remedy}`);
}

async function planRollback(context: StepContext, input: ExecutionInput, execution: string): Promise<Planned> {
  const { client } = context;
  const { foreignKey, note } = await findForRollback(context, input);
  const { migrationId } = foreignKey;
  if (input.migrationId !== undefined && migrationId !== input.migrationId)
    return nothingToRollBack(foreignKey, input, `migration ${input.migrationId} is no longer open`);
  if (migrationId === null) return nothingToRollBack(foreignKey, input, note);
  // A reader that cannot be asked would stop the rollback at its first lock.
  await readReaders(client);
  await prepareLedger(client);
  const pairing = await readPairing(client, foreignKey);
  await refuseOutdated(client, foreignKey, pairing);
  await pauseIfOwnerDead(context, migrationId, `when ${execution} came to roll back`);
  try {
    const opened = await openMigration(client, foreignKey, pairing, optionsOf(input), execution, 'rollback');
    const pairs = await readPairs(client, opened.id);
    return {
      ...nothingToRollBack(foreignKey, input, null),
      status: 'ROLLBACK_REQUESTED',
      migrationId: opened.id,
      pairs: iterationsOf(pairs),
      pairCount: pairs.length,
    };
  } catch (error) {
    if (!(error instanceof RolledBackMeanwhile)) throw error;
    return nothingToRollBack(foreignKey, input, `migration ${migrationId} was rolled back meanwhile`);
  }
}

function nothingToRollBack(foreignKey: ForeignKey, input: ExecutionInput, reason: string | null): Planned {
  const { table, referencedTable, constraint_name: constraint } = foreignKey;
  return {
    status: 'NOTHING_TO_ROLL_BACK',
    migrationId: null,
    table,
    referencedTable,
    constraint,
    pairs: [],
    pairCount: 0,
    maxConcurrency: input.maxConcurrency,
    ...(reason === null ? {} : { reason }),
  };
}

/**
 * The foreign key of the open migration in the ledger. If there is none, and the parent FK exists, there is nothing to roll back,
 * unless pair FKs beside it show that the ledger was lost.
 *
 * @returns `note`: what else exists, although there is nothing to roll back
 * @throws LedgerMissing with what was found, and the command that makes a rollback possible
 */
async function findForRollback(
  { client }: StepContext,
  input: ExecutionInput,
): Promise<{ readonly foreignKey: ForeignKey; readonly note: string | null }> {
  try {
    const foreignKey = await resolveForeignKey(client, input, 'rollback');
    if (foreignKey.migrationId !== null) return { foreignKey, note: null };
    await pairsBeside(client, foreignKey);
    throw new InvalidInput(`there is nothing to roll back: the ledger has no open migration of ${foreignKey.table}`);
  } catch (nothingOpen) {
    if (!(nothingOpen instanceof InvalidInput)) throw nothingOpen;
    const foreignKey = { ...(await resolveForeignKey(client, input, 'migrate')), migrationId: null };
    if (foreignKey.constraint_oid === null) throw nothingOpen;
    return { foreignKey, note: await pairsBeside(client, foreignKey) };
  }
}

/**
 * Pair FKs beside a parent FK. After a rollback, a person added them; but where the ledger knows nothing at all, it may have been
 * lost.
 */
async function pairsBeside(client: Client, foreignKey: ForeignKey): Promise<string | null> {
  const pairing = await readPairing(client, foreignKey);
  const covered = pairing.pairs.filter((pair) => pair.constraint_oid !== null).length;
  if (covered === 0) return null;
  const [missing] = await readFindings(client, { foreignKey, pairing, input: {} }, ['ledger-missing']);
  if (missing) throw new LedgerMissing(`refused, nothing was changed: ${missing.message}; ${missing.remedy}`);
  return `${covered} pair foreign key(s) of ${foreignKey.table} exist beside it, which no migration of the ledger counts as its own`;
}

function optionsOf({
  table: _table,
  constraint: _constraint,
  operation: _operation,
  migrationId: _migrationId,
  dryRun: _dryRun,
  relink: _relink,
  ...options
}: ExecutionInput): MigrationOptions {
  return options;
}

/** Names and reasons in the form of notes: they may contain characters that the database's encoding lacks. */
async function withNotedPeople({ client }: StepContext, input: ExecutionInput): Promise<ExecutionInput> {
  const { by, reason } = input;
  return { ...input, ...(await asNote(client, { by, reason })) };
}

function result(status: PlanResult['status'], { foreignKey, pairing }: PlanReading, input: ExecutionInput): Planned {
  return {
    status,
    migrationId: foreignKey.migrationId,
    table: foreignKey.table,
    referencedTable: foreignKey.referencedTable,
    constraint: foreignKey.constraint_name,
    pairs: iterationsOf(pairing.pairs),
    pairCount: pairing.pairs.length,
    maxConcurrency: input.maxConcurrency,
  };
}

export const step = defineStep(Steps.plan, plan);
