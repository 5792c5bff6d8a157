/** Turns whatever was thrown into lines for a person. */
import { type LockHolder, messageOf, P2pfkError, type PostgresErrorContext } from '../core/contracts/errors.ts';
import { redact, withheld } from '../core/contracts/redact.ts';
import { oneLine, visible } from './text.ts';

/** `pid 4711 (psql, user app, idle in transaction since 10:02:11) holds RowExclusiveLock on public.path: UPDATE ...` */
function describeHolder(holder: LockHolder): string {
  const about = [
    holder.application || null,
    holder.user === null ? null : `user ${holder.user}`,
    [holder.state, holder.since === null ? null : `since ${holder.since}`].filter(Boolean).join(' ') || null,
  ].filter((part) => part !== null);
  const query = holder.query === null || holder.query === '' ? '' : `: ${oneLine(holder.query)}`;
  const who = holder.pid === 0 ? 'prepared transaction' : `pid ${holder.pid}`;
  return `${who} (${about.join(', ')}) holds ${holder.mode} on ${holder.relation}${query}`;
}

function contextLines(context: PostgresErrorContext): string[] {
  return [
    context.sqlState === undefined ? null : `SQLSTATE: ${context.sqlState}`,
    context.statement === undefined ? null : `statement: ${oneLine(context.statement)}`,
    context.detail === undefined ? null : `detail: ${oneLine(context.detail)}`,
    context.hint === undefined ? null : `hint: ${oneLine(context.hint)}`,
    ...(context.holders ?? []).map((holder) => `lock holder: ${describeHolder(holder)}`),
  ]
    .filter((line) => line !== null)
    .map((line) => `  ${line}`);
}

/** @returns the first line says what is wrong; the others, where there are any, are what PostgreSQL adds */
export function describeFailure(error: unknown): readonly string[] {
  const known = error instanceof P2pfkError;
  const lines = [
    `p2pfk: ${oneLine(messageOf(error))}`,
    ...(known ? contextLines(error.context) : []),
    ...(process.env.P2PFK_DEBUG === '1' && error instanceof Error ? stackLines(error) : []),
  ];
  if (!known && process.env.P2PFK_DEBUG !== '1') lines.push('  P2PFK_DEBUG=1 shows where this comes from');
  return lines.map((line) => visible(withheld(line)));
}

function stackLines(error: Error): string[] {
  const own = (error.stack ?? '').split('\n').slice(1);
  const cause = error.cause instanceof Error ? [`  caused by: ${error.cause.stack ?? error.cause.message}`] : [];
  return [...own, ...cause].map(redact);
}
