/** The ledger's notes as statements of the report. */
import type { Trail, TrailEvent } from '../../core/trail/contracts.ts';
import type { ReportStatement } from '../contracts.ts';
import type { Clock } from './stages.ts';

/** Two clocks, the database's and the engine's, may differ by as much. */
const CLOCK_TOLERANCE_MS = 2_000;

export function statementsOf(trail: Trail, clock: Clock): ReportStatement[] {
  return trail.events.map((event) => statementOf(event, clock));
}

function statementOf(event: TrailEvent, clock: Clock): ReportStatement {
  const at = Date.parse(event.at);
  const early = at < clock.begin - CLOCK_TOLERANCE_MS;
  const late = at > clock.end + CLOCK_TOLERANCE_MS;
  const { pair, role, step, locks, lockWaitMs, durationMs, error } = event;
  return {
    at: event.at,
    offsetMs: Number.isFinite(at) ? at - clock.begin : null,
    during: early ? 'before' : late ? 'after' : 'this',
    pair,
    role,
    step,
    sql: event.sql ?? '',
    locks: locks ?? [],
    lockWaitMs,
    durationMs,
    error,
  };
}
