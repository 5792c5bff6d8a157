/** Who stands in the way of a statement that waits without a limit, because its wait stops nobody: it is never refused. */
import type { Client } from 'pg';
import { runAsLogin } from '../session/as-login.ts';
import { type Row, run } from '../sql.ts';
import { withoutSecrets } from './describe-holders.ts';

/** Environment variable behind `--show-blocking-queries` and the construct's `showBlockingQueries`; `true` switches it on. */
const BLOCKING_QUERIES = 'P2PFK_SHOW_BLOCKING_QUERIES';

/**
 * Whether the operator wants the text of other sessions' queries told, without literals. It is theirs, and goes into ledger,
 * history and report: so it is no part of the execution input, which anyone with the right to start an execution writes.
 */
export function showsBlockingQueries(): boolean {
  return process.env[BLOCKING_QUERIES] === 'true';
}

export type Blocker = Row<'checks/blockers'>;

/** Empty where the session with that process id does not wait, or only for another of ours. */
export async function readBlockers(client: Client, pid: number): Promise<Blocker[]> {
  const blockers = await runAsLogin(client, 'checks/blockers', {
    pid,
    ours: await readOurSessions(client),
    blocking_queries: showsBlockingQueries(),
  });
  return blockers.map(withoutSecrets);
}

/** Process ids of the sessions of p2pfk: named as such, by a login that may own a migration. */
export async function readOurSessions(client: Client): Promise<number[]> {
  return (await run(client, 'ledger/our-sessions')).map(({ pid }) => pid);
}

/** One line: whom to ask, and what it is doing. */
export function describeBlockers([first, ...others]: readonly Blocker[]): string | undefined {
  if (!first) return undefined;
  const { pid, user, application, state, since, query } = first;
  const more = others.length > 0 ? ` (and ${others.length} more session${others.length > 1 ? 's' : ''})` : '';
  if (pid === 0) return `waits for a prepared transaction, see pg_prepared_xacts${more}`;
  const who = `${user ?? 'a background process'}${application ? `, ${application}` : ''}`;
  return `waits for pid ${pid} (${who}), ${state ?? 'state unknown'} since ${since ?? 'an unknown time'}${query ? `: ${query}` : ''}${more}`;
}
