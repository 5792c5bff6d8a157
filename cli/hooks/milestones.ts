/**
 * The events of an execution that people want to know, of the many that it has: its beginning, a wanted approval, a hold, and how it
 * ended. Never one for each pair. Pure.
 */
import type { NamedError } from '../../core/contracts/cause.ts';
import type { MigrationReport } from '../../core/contracts/documents.ts';
import { NOTICE_TEXTS, type NoticeSeverity, PAGED, REFUSALS } from '../../core/contracts/notices.ts';
import { Steps } from '../../core/contracts/steps/catalogue.ts';
import { GateResult, PairResult, PlanResult } from '../../core/contracts/steps/results.ts';
import { INTERRUPTED } from '../exit-codes.ts';
import type { ExecutionOutcome } from '../outcome.ts';
import type { ProgressEvent } from '../progress/events.ts';
import { oneLine, sentence } from '../text.ts';

export type MilestoneType =
  | 'migration.started'
  | 'migration.approval_wanted'
  | 'migration.held'
  | 'migration.paused'
  | 'migration.stopped'
  | 'migration.checks_pending'
  | 'migration.finished'
  | 'migration.rolled_back'
  | 'migration.refused'
  | 'migration.failed'
  | 'migration.rollback_failed';

/** The document that other systems get: `type`, `timestamp` and `data`, as Standard Webhooks recommends. */
export interface Milestone {
  readonly type: MilestoneType;
  /** ISO 8601: when it happened, also where it is delivered later. */
  readonly timestamp: string;
  readonly data: {
    readonly severity: NoticeSeverity;
    /** A sentence for people. */
    readonly text: string;
    readonly operation: Operation;
    readonly table: string;
    /** Null as long as there is no plan. */
    readonly constraint: string | null;
    readonly database: string | null;
    /** `host:port` of the server. */
    readonly server: string | null;
    readonly migrationId: string | null;
    readonly executionArn: string;
    /** How many pairs the plan has. */
    readonly pairs: number | null;
    /** Whether an earlier execution began the migration. */
    readonly resumed: boolean;
    /** Why, where there is more to say than `text` does. */
    readonly reason: string | null;
    readonly error: NamedError | null;
  };
}

type Operation = 'migrate' | 'rollback';

export interface Subject {
  readonly executionArn: string;
  readonly operation: Operation;
  /** As it was given. */
  readonly table: string;
}

/** How an execution ended. */
export interface Ending {
  readonly report: Pick<MigrationReport, 'status' | 'migrationId' | 'error'>;
  readonly outcome: ExecutionOutcome;
  /** Milliseconds since 1970. */
  readonly at: number;
}

interface News {
  readonly type: MilestoneType;
  readonly severity: NoticeSeverity;
  readonly text: string;
  readonly reason?: string;
  readonly error?: NamedError | null;
}

const STARTED_TEXTS: Readonly<Record<string, string>> = {
  PLANNED: 'A migration has started: the plan is made, and pairs are worked on now.',
  ROLLBACK_REQUESTED: 'A rollback has started, as it was asked for.',
};
const RESUMED_TEXT =
  'A migration that an earlier execution began goes on: what is done stays done, and what is left of its pairs is worked on now.';
const HELD_TEXT = 'A migration is held, and goes on after: p2pfk resume --table TABLE. What runs in the server ends.';

/** Reads the events of one execution, as they happen. */
export class Milestones {
  readonly #subject: Subject;
  #plan: PlanResult | null = null;
  #gate = '';
  /** The reason of the hold that was reported last. */
  #hold = '';

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  /** @returns what the event means for people; null for nearly all events */
  read(event: ProgressEvent): Milestone | null {
    if (event.type !== 'TaskSucceeded') return null;
    const news = this.#newsOf(event.state ?? '', event.output);
    return news === null ? null : this.#milestone(news, event.at);
  }

  /** @returns null where nothing was done, or another execution has taken the migration over */
  end(ending: Ending): Milestone | null {
    const news = this.#newsOfEnd(ending);
    return news === null ? null : this.#milestone(news, ending.at, ending.report.migrationId);
  }

  #newsOf(state: string, output: unknown): News | null {
    switch (state) {
      case Steps.plan.state: {
        this.#plan = PlanResult.safeParse(output).data ?? null;
        const text = this.#plan?.resumed === true ? RESUMED_TEXT : STARTED_TEXTS[this.#plan?.status ?? ''];
        return text === undefined ? null : { type: 'migration.started', severity: 'info', text };
      }
      case Steps['verify-gate'].state:
        return this.#newsOfGate(GateResult.safeParse(output).data);
      default:
        return this.#newsOfHold(PairResult.safeParse(output).data?.note);
    }
  }

  #newsOfGate(gate: GateResult | undefined): News | null {
    if (gate === undefined) return null;
    const before = this.#gate;
    this.#gate = gate.status;
    if (gate.status === 'HELD') return this.#newsOfHold(gate.reason);
    if (gate.status !== 'AWAITING_APPROVAL' || before === gate.status) return null;
    return {
      type: 'migration.approval_wanted',
      severity: 'warning',
      text: NOTICE_TEXTS.approvalWanted,
      reason: gate.reason,
    };
  }

  /** Every pair that is not begun reports the hold, with its person and time: one of them is enough. */
  #newsOfHold(note: string | undefined): News | null {
    if (note === undefined || !note.startsWith('held ') || note === this.#hold) return null;
    this.#hold = note;
    return { type: 'migration.held', severity: 'warning', text: HELD_TEXT, reason: note };
  }

  #newsOfEnd({ report: { status, error }, outcome }: Ending): News | null {
    if (error?.name === INTERRUPTED) {
      const text = 'An execution was stopped. Nothing was undone, and the same command goes on from here.';
      return { type: 'migration.stopped', severity: 'warning', text, reason: error.message };
    }
    const planned = Object.hasOwn(STARTED_TEXTS, this.#plan?.status ?? '');
    if (!planned) return error === null ? null : refusal(error);
    if (PAGED.includes(error?.name ?? '') || status === 'ROLLBACK_FAILED')
      return { type: 'migration.rollback_failed', severity: 'page', text: NOTICE_TEXTS.rollbackFailed, error };
    switch (status) {
      case 'MIGRATED':
        return { type: 'migration.finished', severity: 'info', text: NOTICE_TEXTS.migrated };
      case 'ROLLED_BACK':
        return rolledBack(outcome, error);
      case 'PAUSED':
        return paused(outcome, error);
      default:
        return error === null ? null : failure(error);
    }
  }

  #milestone({ type, severity, text, reason, error }: News, at: number, migrationId?: string | null): Milestone {
    const { executionArn, operation, table } = this.#subject;
    const plan = this.#plan;
    return {
      type,
      timestamp: new Date(at).toISOString(),
      data: {
        severity,
        // In AWS the shared texts follow the name of the execution.
        text: /\.$/.test(text) ? text : `${sentence(text)}.`,
        operation,
        table: plan?.table ?? table,
        constraint: plan?.constraint ?? null,
        database: plan?.database.database ?? null,
        server: plan?.database.endpoint ?? null,
        migrationId: plan?.migrationId ?? migrationId ?? null,
        executionArn,
        pairs: plan === null ? null : (plan.pairCount ?? plan.pairs.length),
        resumed: plan?.resumed === true,
        reason: reason === undefined ? null : oneLine(reason),
        error: error === undefined || error === null ? null : { name: error.name, message: oneLine(error.message) },
      },
    };
  }
}

function refusal(error: NamedError): News {
  if (!REFUSALS.includes(error.name)) return failure(error);
  return { type: 'migration.refused', severity: 'info', text: NOTICE_TEXTS.refused, error };
}

function failure(error: NamedError): News {
  const text = 'A migration did not succeed. Nothing was undone, and the same command goes on from here.';
  return { type: 'migration.failed', severity: 'warning', text, error };
}

/** As a person asked for it, or because something failed. */
function rolledBack(outcome: ExecutionOutcome, error: NamedError | null): News {
  const type = 'migration.rolled_back';
  if (outcome.status === 'SUCCEEDED')
    return { type, severity: 'info', text: 'rolled back: the parent-level foreign key is as it was before' };
  const text = 'A migration did not succeed, and a rollback put everything back. The cause says why.';
  return { type, severity: 'warning', text, error };
}

function paused(outcome: ExecutionOutcome, error: NamedError | null): News | null {
  // Another execution has taken the migration over: nothing is wrong.
  if (error?.name === 'Superseded') return null;
  if (error?.name === 'ChecksPending') {
    const text =
      'paused after the drop: the parent-level foreign key is gone, in a verified transaction; the same command runs the checks that are left';
    return { type: 'migration.checks_pending', severity: 'warning', text, reason: error.message };
  }
  if (outcome.status !== 'SUCCEEDED') return error === null ? null : failure(error);
  return { type: 'migration.paused', severity: 'info', text: NOTICE_TEXTS.paused, ...reasonOf(error) };
}

function reasonOf(error: NamedError | null): { readonly reason?: string } {
  return error === null ? {} : { reason: error.message };
}
