/** An execution's history, its definition and the ledger -> the report as a document. Pure. */
import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import { overBudget } from '../core/contracts/blocked.ts';
import { notApproved } from '../core/contracts/decisive-options.ts';
import type { MigrationStatus } from '../core/contracts/documents.ts';
import { ExecutionInput, ExecutionInputKeys } from '../core/contracts/execution-input.ts';
import type { HistoryEvent } from '../core/contracts/history-event.ts';
import { cleanTexts } from '../core/contracts/redact.ts';
import { withoutSchemaOf } from '../core/contracts/safe-text.ts';
import { ledgerStepOf } from '../core/contracts/steps/catalogue.ts';
import { PlannedDatabase } from '../core/contracts/steps/events.ts';
import type { Trail, TrailMigration } from '../core/contracts/trail.ts';
import { inputOf, type Json, numberOf, stringOf } from '../core/history/json.ts';
import { type History, planOf, readHistory, resultOf } from '../core/history/read-history.ts';
import type {
  Compared,
  DatabaseFacts,
  ExecutionFacts,
  People,
  Report,
  ReportStatement,
  ReportStatus,
  ReportSubject,
} from './contracts.ts';
import { costsOf } from './reading/costs.ts';
import { readDefinition } from './reading/definition.ts';
import { errorsOf } from './reading/errors.ts';
import { eventsOf } from './reading/events.ts';
import { type DescribedExecution, executionsOf, PROCESS_ENDED } from './reading/executions.ts';
import { pairsOf } from './reading/pairs.ts';
import { barsOfPairs, barsOfSteps, type Clock } from './reading/stages.ts';
import { blockedIn, statementsOf } from './reading/statements.ts';
import { statesOf, transitionsOf } from './reading/states.ts';
import { summaryOf } from './summary.ts';
import { commandsToVerify } from './verify-again.ts';

export interface ReportSources {
  /** Of DescribeExecution. */
  readonly execution: Pick<
    DescribeExecutionOutput,
    'executionArn' | 'stateMachineArn' | 'name' | 'status' | 'startDate' | 'stopDate' | 'input' | 'output' | 'error'
  >;
  /** All pages of GetExecutionHistory. */
  readonly history: readonly HistoryEvent[];
  /** Of DescribeStateMachineForExecution. */
  readonly definition: string;
  /** Null where the database is out of reach. */
  readonly trail: Trail | null;
  /** Other executions of the same migration, as far as they can still be described. */
  readonly others?: readonly DescribedExecution[];
  /** How it ended, by the one mapping of outcomes; null while it runs. */
  readonly verdict: {
    readonly status: MigrationStatus;
    readonly error: { readonly name: string; readonly message: string } | null;
  } | null;
  readonly version: string;
  readonly now: Date;
  /** Measured around the migration, by the demo. */
  readonly comparison?: readonly Compared[];
  readonly notes?: readonly string[];
  /** Takes secrets out of what people and servers wrote; identity where there can be none. */
  readonly clean?: (text: string) => string;
}

/** No text of it has what {@link ReportSources.clean} takes out, also where another person or role has written it. */
export function buildReport(sources: ReportSources): Report {
  const { clean } = sources;
  const report = assemble(sources);
  return clean === undefined ? report : cleanTexts(report, clean);
}

function assemble(sources: ReportSources): Report {
  const { execution, trail, verdict, clean = (text) => text } = sources;
  const machine = readDefinition(sources.definition);
  const history = readHistory(sources.history);
  const clock = clockOf(sources, history);
  const input = inputOf(execution.input);
  const status = statusOf(sources);
  const subject = subjectOf(trail, history, input);
  const pairs = pairsOf(trail, history, barsOfPairs(history.visits, trail, clock));
  const checks = checksOf(sources, history);
  const rehearsal = rehearsalOf(sources);
  const people = peopleOf(sources, input);
  const statements = trail === null ? [] : statementsOf(trail, clock);
  const facts = executionFacts(sources, clock, input);
  const lockedMs = lockedMsOf(history);
  const blocked = blockedIn(statements.filter(({ during }) => during === 'this'));
  const blockedOverall = blockedIn(statements);
  const error = verdict?.error ? { ...verdict.error, message: clean(verdict.error.message) } : null;
  const parentWasDropped = history.visits.some(
    (visit) => visit.state === 'AttachParent' || visit.state === 'RestoreParent',
  );
  const told = { status, subject, execution: facts, pairs, checks, rehearsal, statements, people };
  return {
    version: 1,
    generator: `p2pfk ${sources.version}`,
    generatedAt: sources.now.toISOString(),
    status,
    summary: summaryOf({
      ...told,
      error,
      parentWasDropped,
      nothingToDo: planOf(history).status === 'NOTHING_TO_ROLL_BACK',
      lockedMs,
      blocked,
      blockedOverall,
    }),
    subject,
    execution: facts,
    workedOn: workedOn(history),
    reviewedPlan: reviewedPlanOf(input, history),
    database: databaseOf(trail),
    people,
    executions: executionsOf({ execution, others: sources.others ?? [], trail }),
    states: statesOf(machine, history),
    transitions: transitionsOf(machine, history),
    pairs,
    blocked,
    blockedOverall,
    lockedMs,
    costs: costsOf(history),
    steps: barsOfSteps(history.visits, machine, clock),
    comparison: [...compareDelete(trail, checks, rehearsal), ...(sources.comparison ?? [])],
    checks,
    rehearsal,
    statements: statements.map((one) => ({ ...one, error: one.error === null ? null : clean(one.error) })),
    findings: trail?.migration.plan?.findings ?? null,
    accepted: acceptedOf(trail),
    errors: errorsOf(history).map((one) => ({ ...one, message: clean(one.message) })),
    verifyAgain: commandsToVerify({ subject, status, executionArn: facts.arn }),
    notes: [...lateTries(sources, statements), ...notesOf(sources, history)].map(clean),
    events: eventsOf(history, clock.begin).map((event) => ({ ...event, detail: clean(event.detail) })),
  };
}

function clockOf({ execution, now }: ReportSources, history: History): Clock {
  const first = history.events[0]?.at;
  const begin = execution.startDate?.getTime() ?? first ?? now.getTime();
  const end =
    execution.stopDate?.getTime() ?? (execution.status === 'RUNNING' ? now.getTime() : history.events.at(-1)?.at);
  return { begin, end: Math.max(begin, end ?? begin) };
}

function statusOf({ execution, verdict }: ReportSources): ReportStatus {
  if (execution.status === 'RUNNING' || verdict === null) return 'RUNNING';
  if (execution.status === 'ABORTED' && execution.error === PROCESS_ENDED) return 'INTERRUPTED';
  return execution.status === 'ABORTED' || execution.status === 'TIMED_OUT' ? 'STOPPED' : verdict.status;
}

function subjectOf(trail: Trail | null, history: History, input: Json): ReportSubject {
  const plan = planOf(history);
  const migration = trail?.migration;
  return {
    operation: input.operation === 'rollback' ? 'rollback' : 'migrate',
    table: migration?.table ?? stringOf(plan.table) ?? stringOf(input.table) ?? '',
    referencedTable: migration?.referencedTable ?? stringOf(plan.referencedTable),
    constraint: migration?.constraint ?? stringOf(plan.constraint) ?? stringOf(input.constraint),
    definition: migration?.definition ?? null,
    migrationId: migration?.id ?? stringOf(plan.migrationId),
  };
}

function executionFacts({ execution }: ReportSources, clock: Clock, input: Json): ExecutionFacts {
  return {
    arn: execution.executionArn ?? '',
    name: execution.name ?? '',
    stateMachineArn: execution.stateMachineArn ?? null,
    status: execution.status ?? '',
    startedAt: new Date(clock.begin).toISOString(),
    stoppedAt: execution.stopDate?.toISOString() ?? null,
    durationMs: clock.end - clock.begin,
    input,
  };
}

function workedOn(history: History): PlannedDatabase | null {
  return PlannedDatabase.safeParse(planOf(history).database).data ?? null;
}

/**
 * Of an input without the hash that is compared, as older editions took it, nothing is shown: nothing was compared. Nor is a value that the
 * schema refuses, and with which an execution can be started all the same.
 */
function reviewedPlanOf(input: Json, history: History): Report['reviewedPlan'] {
  const { planHash, planDocumentHash, planRestHash, planMadeAt, planMadeBy } = ExecutionInputKeys.shape;
  const catalogHash = planHash.safeParse(input.planHash).data;
  if (catalogHash === undefined) return null;
  return {
    catalogHash,
    compared: planOf(history).asReviewed === true,
    hash: planDocumentHash.safeParse(input.planDocumentHash).data ?? null,
    // The plan step proves it, and without the proof it does not return.
    proven: planRestHash.safeParse(input.planRestHash).data !== undefined && stringOf(planOf(history).status) !== null,
    madeAt: planMadeAt.safeParse(input.planMadeAt).data ?? null,
    madeBy: planMadeBy.safeParse(input.planMadeBy).data ?? null,
  };
}

function databaseOf(trail: Trail | null): DatabaseFacts | null {
  if (trail === null) return null;
  const { target, migration } = trail;
  return {
    target,
    serverVersion: migration.plan?.serverVersion ?? trail.serverVersion,
    standingDefinition: migration.standingDefinition,
  };
}

/** Of this execution; the ledger would tell that of an earlier one as well. */
function lockedMsOf(history: History): number | null {
  return numberOf(resultOf(history.visits.findLast((visit) => visit.state === 'DropParentForeignKey')).lockedMs);
}

function peopleOf({ trail, execution }: ReportSources, input: Json): People {
  const migration = trail?.migration;
  const { role = null, approvalAskedAt = null, approvedAt = null, approvedBy = null } = migration ?? {};
  return {
    role,
    startedBy: stringOf(input.by),
    reason: stringOf(input.reason),
    approvalAskedAt,
    approvedAt,
    approvedBy,
    approvedLogin: migration?.approvedLogin ?? null,
    approvalReason: migration?.approvalReason ?? null,
    approvalProblem: migration === undefined ? null : approvalProblem(migration, execution, input),
    withdrawn: migration?.withdrawnAt
      ? {
          at: migration.withdrawnAt,
          by: migration.withdrawnBy,
          login: migration.withdrawnLogin,
          reason: migration.withdrawnReason,
        }
      : null,
  };
}

/** The options of this execution are the migration's as long as no other one has taken it over; else they are its input. */
function approvalProblem(
  migration: TrailMigration,
  { executionArn, startDate }: ReportSources['execution'],
  input: Json,
): string | null {
  const { approvedAt, approvedOptions, droppedAt, state, options, execution } = migration;
  if (approvedAt === null || input.operation === 'rollback') return null;
  // What an older edition dropped was approved by the rules of its time.
  if (approvedOptions === null && (droppedAt !== null || (state !== 'running' && state !== 'paused'))) return null;
  if (execution !== executionArn) return notApproved(approvedOptions, input);
  // Begun after the drop, to verify it: the approval was another execution's.
  if (droppedAt !== null && startDate !== undefined && Date.parse(droppedAt) < startDate.getTime()) return null;
  return notApproved(approvedOptions, options);
}

function acceptedOf(trail: Trail | null): Report['accepted'] {
  const accepted = trail?.migration.options.accepted;
  return Array.isArray(accepted) ? (accepted as Report['accepted']) : [];
}

/** The last one, if it was not after this execution: the ledger has that of a later one, too. */
function rehearsalOf({ trail, execution: { stopDate } }: ReportSources): Report['rehearsal'] {
  const rehearsal = trail?.migration.rehearsal ?? null;
  const isLater = rehearsal !== null && stopDate !== undefined && Date.parse(rehearsal.at) > stopDate.getTime();
  return isLater ? null : rehearsal;
}

/**
 * Of this execution. The ledger has details whole that a payload had to cut, but of the last verification alone, which may be another
 * execution's: it is taken only where every check says the same, as far as the payload goes. One of them tells milliseconds.
 */
function checksOf({ trail }: ReportSources, history: History): Report['checks'] {
  const result = resultOf(history.visits.findLast((visit) => visit.state === 'VerifyMigration'));
  const own = Array.isArray(result.checks) ? (result.checks as Report['checks']) : [];
  const last = trail?.migration.verification?.checks ?? [];
  const isOwn =
    last.length === own.length &&
    own.every(({ id, passed, detail }, index) => {
      const whole = last[index];
      return whole?.id === id && whole.passed === passed && isBeginning(detail, whole.detail);
    });
  return isOwn ? last : own;
}

/** As verify-migration cuts it: with three dots at the end. */
function isBeginning(cut: string, whole: string): boolean {
  return cut === whole || (cut.endsWith('...') && whole.startsWith(cut.slice(0, -3)));
}

function compareDelete(trail: Trail | null, checks: Report['checks'], rehearsal: Report['rehearsal']): Compared[] {
  const before = trail?.migration.plan?.deleteBefore?.detail;
  const isProbe = (check: { readonly id: string }): boolean => check.id === 'delete-performance';
  const after = checks.find(isProbe)?.detail;
  const rehearsed = rehearsal?.checks.find(isProbe)?.detail;
  if (before === undefined && after === undefined && rehearsed === undefined) return [];
  return [
    {
      what: 'DELETE of ten rows on the referenced side, taken back',
      before: before ?? 'not recorded',
      after: after ?? (rehearsed === undefined ? 'it did not come to that' : `${rehearsed} (in the rehearsal)`),
    },
  ];
}

/** Tries that fit into the budget, or are rolled back; the way back after the drop may have announced more in its plan. */
function lateTries({ execution }: ReportSources, statements: readonly ReportStatement[]): string[] {
  const given = inputOf(execution.input);
  const budgetMs = ExecutionInput.safeParse({ ...given, table: stringOf(given.table) ?? 'T' }).data?.lockTimeoutMs;
  const tries = statements
    .filter(({ during, step }) => during === 'this' && step !== ledgerStepOf('attach-parent'))
    .flatMap(({ lockHeldMs }) => lockHeldMs ?? []);
  const line = budgetMs === undefined ? null : overBudget(tries, budgetMs);
  return line === null ? [] : [`${line}.`];
}

function notesOf({ trail, notes = [], execution }: ReportSources, history: History): string[] {
  const unread =
    trail === null
      ? ['The ledger was not read, so this report has no SQL statements, locks, sizes, bounds or findings.']
      : trail.migration.plan === null
        ? ['This migration was begun by an edition that did not record the findings of its plan.']
        : [];
  const superseded =
    trail !== null && trail.migration.execution !== execution.executionArn
      ? [
          `Another execution has worked on this migration since: ${trail.migration.execution}. All of them are listed; pairs are shown as they are now.`,
        ]
      : [];
  const empty = history.visits.length === 0 ? ['The history of this execution is empty or has expired.'] : [];
  return [...notes, ...unread, ...superseded, ...empty];
}

/** Names as people read them: without the schema where it is the table's own. */
export function shortNameIn(report: Pick<Report, 'subject'>, qualified: string): string {
  return withoutSchemaOf(report.subject.table, qualified);
}
