/** Lines that name who stood in the way of a lock. Pure. */
import type { LockHolder } from '../../contracts/errors.ts';
import { redact } from '../../contracts/redact.ts';

const AUTOVACUUM = {
  ordinary: 'autovacuum',
  wraparound: 'an autovacuum that prevents transaction ID wraparound, and is never cancelled: let it end',
} as const;

/** What another session calls itself, and what it runs, without what looks like a secret: it goes into messages, ledger and history. */
export function withoutSecrets<Holder extends Pick<LockHolder, 'application' | 'query'>>(holder: Holder): Holder {
  const { application, query } = holder;
  return { ...holder, application: application && redact(application), query: query && redact(query) };
}

/** What is added to the line that names a blocker; empty where none has yielded. */
export function describeYielded(pids: readonly number[]): string {
  return pids.length === 0 ? '' : `; autovacuum (pid ${pids.join(', ')}) has yielded`;
}

/** One line a holder: whom to ask, and what it is doing. */
export function describeHolders(holders: readonly LockHolder[]): string {
  if (holders.length === 0) return 'the session that held it has gone by now';
  // An autovacuum that must not be cancelled is reported first, even if other sessions hold locks too.
  const first = holders.find(({ autovacuum }) => autovacuum === 'wraparound') ?? holders[0];
  const { pid, user, application, state, since, mode, relation, query, autovacuum, reader } = first as LockHolder;
  const who = `${autovacuum ? AUTOVACUUM[autovacuum] : (user ?? 'a background process')}${application ? `, ${application}` : ''}`;
  // No session can be ended there: only who prepared it, or a superuser, can.
  const by =
    pid === 0
      ? `a prepared transaction of ${user ?? 'an unknown role'} (see pg_prepared_xacts; COMMIT PREPARED or ROLLBACK PREPARED ends it)`
      : `pid ${pid} (${who}), ${state ?? 'state unknown'}`;
  const sessionOf = (holder: LockHolder) => `${holder.reader ?? ''} ${holder.pid}`;
  const more = new Set(holders.map(sessionOf)).size - 1;
  return `${mode} on ${relation}${reader === undefined ? '' : ` at reader ${reader}`} is held by ${by} since ${since ?? 'an unknown time'}${query ? `: ${query}` : ''}${more > 0 ? ` (and ${more} more session${more > 1 ? 's' : ''})` : ''}`;
}
