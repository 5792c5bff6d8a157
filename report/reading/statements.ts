/** The ledger's notes as statements of the report. */
import { blockedBy } from '../../core/contracts/blocked.ts';
import type { Blocked } from '../../core/contracts/documents.ts';
import { isPaceStep } from '../../core/contracts/pace.ts';
import { visible } from '../../core/contracts/safe-text.ts';
import type { Trail, TrailEvent } from '../../core/contracts/trail.ts';
import type { ReportStatement } from '../contracts.ts';
import type { Clock } from './stages.ts';

/** Two clocks, the database's and the engine's, may differ by as much. */
const CLOCK_TOLERANCE_MS = 2_000;

/** What made the ledger is told where it ran: in this execution, and in no other one. */
export function statementsOf(trail: Trail, clock: Clock): ReportStatement[] {
  return trail.events.flatMap((event) => {
    // That an execution began, or a person approved, is no statement. How fast it went on is told among them.
    if (event.sql === null && event.error === null && !isPaceStep(event.step)) return [];
    const statement = statementOf(event, clock);
    return event.ofLedger === true && statement.during !== 'this' ? [] : [statement];
  });
}

/** Null where no try says how long it held its locks: the ledger of an older edition. */
export function blockedIn(statements: readonly ReportStatement[]): Blocked | null {
  const tries = statements.flatMap(({ lockHeldMs }) => lockHeldMs ?? []);
  return tries.length === 0 ? null : blockedBy(tries);
}

function statementOf(event: TrailEvent, clock: Clock): ReportStatement {
  const at = Date.parse(event.at);
  const early = at < clock.begin - CLOCK_TOLERANCE_MS;
  const late = at > clock.end + CLOCK_TOLERANCE_MS;
  const { pair, role, step, locks, lockWaitMs, lockHeldMs = null, durationMs, error } = event;
  return {
    at: event.at,
    offsetMs: Number.isFinite(at) ? at - clock.begin : null,
    during: early ? 'before' : late ? 'after' : 'this',
    pair,
    role,
    step,
    sql: event.sql ?? (isPaceStep(step) ? personOf(event) : ''),
    locks: locks ?? [],
    lockWaitMs,
    lockHeldMs,
    durationMs,
    error,
  };
}

/** As a comment, because it stands where statements do. */
function personOf({ person, login, role, reason }: TrailEvent): string {
  return `-- by ${visible(person ?? 'a person who is not stated')} (login ${visible(login ?? role)})${reason === null ? '' : `: ${visible(reason)}`}`;
}
