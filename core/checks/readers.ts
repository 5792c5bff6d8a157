/**
 * Readers: standbys of the same cluster that applications read from, named with `--reader`. An ACCESS EXCLUSIVE lock is replayed
 * there, and new queries wait behind the replay, so each reader is asked before such a lock is taken on the primary.
 *
 * They are configuration of this process, like the database URL, because their URLs may contain passwords: an execution input,
 * which is kept in histories, never names them.
 */
import type { Client } from 'pg';
import { ConnectionLost, InvalidInput, LockTimeout, type P2pfkError, PrivilegeMissing } from '../contracts/errors.ts';
import { openReader, readersOf } from '../ledger/connect.ts';
import { type DatabaseIdentity, describeIdentity, readIdentity } from '../ledger/schema/identity.ts';
import { showsBlockingQueries } from '../postgres/locks/blockers.ts';
import { describeHolders, withoutSecrets } from '../postgres/locks/describe-holders.ts';
import { isConnectionError, messageOf, toNamedError } from '../postgres/postgres-errors.ts';
import { asLogin, runAsLogin } from '../postgres/session/as-login.ts';
import { type Row, runOne } from '../postgres/sql.ts';

/** A reader is in use: retried like a lock that is not free. The holders are sessions of another server than the primary. */
export class ReaderBusy extends LockTimeout {}

/** A reader, as the plan reports it. */
export interface Reader extends Record<string, unknown> {
  /** `host:port` */
  readonly name: string;
  /** `max_standby_streaming_delay` as the reader shows it: `30s`, `-1`. */
  readonly streaming_delay: string;
}

/** A lock that is about to be requested, and for which readers are checked. */
export interface WantedLock {
  /** Oids; their partitions are included. */
  readonly relations: readonly number[];
  /** Milliseconds: younger transactions are ignored. */
  readonly budgetMs: number;
  /** What the lock is for; used in messages. */
  readonly step: string;
}

/** Time limit of a question to a reader, in milliseconds: a try must not hang. */
const ANSWER_MS = 5_000;

/** Sessions on readers, by the reader's URL, for each session on the primary. They end with it. */
const sessions = new WeakMap<Client, Map<string, Client>>();

/**
 * Connects to every reader, and describes it.
 *
 * @throws InvalidInput when one is no standby of the database that `client` is connected to
 * @throws PrivilegeMissing when the role cannot see on a reader what it needs to know
 * @throws ConnectionLost, ConnectionRefused when one cannot be reached
 */
export async function readReaders(client: Client): Promise<Reader[]> {
  return eachReader(client, async (session, name) => {
    const state = await readState(session);
    if (!state.sees_all)
      throw new PrivilegeMissing(
        `reader ${name}: this role cannot see how long the transactions of other roles have been open; GRANT pg_monitor to it on the primary`,
      );
    return { name, streaming_delay: state.streaming_delay };
  });
}

/**
 * Asks every reader for transactions that would delay the replay of an ACCESS EXCLUSIVE lock. Call it right before the lock is
 * requested, outside a transaction: the replay waits for what begins on a reader after its answer.
 *
 * @throws ReaderBusy with the holders
 * @throws ConnectionLost when a reader does not answer, or is no standby any more
 */
export async function requireFreeReaders(client: Client, { relations, budgetMs, step }: WantedLock): Promise<void> {
  const holders = await eachReader(client, async (session, name) => {
    const { in_recovery } = await readState(session);
    if (!in_recovery) throw new ConnectionLost('it is no standby any more');
    const found = await runAsLogin(session, 'checks/reader-holders', {
      relations,
      older_than_ms: budgetMs,
      blocking_queries: showsBlockingQueries(),
    });
    return found.map((holder) => ({ ...withoutSecrets(holder), reader: name }));
  }).catch((error: unknown) => {
    // The reader answered when the plan was made. A problem with a reader now is a reason to wait, but not to undo anything.
    throw error instanceof ConnectionLost ? error : new ConnectionLost(messageOf(error), {}, { cause: error });
  });
  const all = holders.flat();
  if (all.length === 0) return;
  const message = `a reader is in use, so no lock was asked for by ${step}: ${describeHolders(all)}`;
  throw new ReaderBusy(message, { holders: all });
}

function readState(session: Client): Promise<Row<'checks/reader'>> {
  return asLogin(session, () => runOne(session, 'checks/reader'));
}

/** Asks all readers in parallel. A session that was lost since the last question is opened once more. */
async function eachReader<Answer>(
  primary: Client,
  ask: (session: Client, name: string) => Promise<Answer>,
): Promise<Answer[]> {
  // All of them settle before a failure is thrown, because no session may be opened after the primary's session has ended.
  const answers = await Promise.allSettled(
    readersOf(primary).map(async ({ url, name }) => {
      const known = sessionsOf(primary).has(url);
      try {
        return await answer(primary, url, name, ask);
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        if (!known) throw unreachable(name, error);
      }
      return answer(primary, url, name, ask).catch((error: unknown) => {
        throw isConnectionError(error) ? unreachable(name, error) : error;
      });
    }),
  );
  return answers.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

async function answer<Answer>(
  primary: Client,
  url: string,
  name: string,
  ask: (session: Client, name: string) => Promise<Answer>,
): Promise<Answer> {
  const session = await sessionOf(primary, url, name);
  try {
    return await ask(session, name);
  } catch (error) {
    const named = toNamedError(error);
    if (isConnectionError(named)) forget(primary, url);
    throw named;
  }
}

async function sessionOf(primary: Client, url: string, name: string): Promise<Client> {
  const known = sessionsOf(primary).get(url);
  if (known) return known;
  const session = await openReader(primary, url, ANSWER_MS);
  try {
    await requireStandby(primary, session, name);
  } catch (error) {
    void session.end().catch(() => undefined);
    throw error;
  }
  sessionsOf(primary).set(url, session);
  return session;
}

/** Checked for every new session: after a failover, a name may lead to another server. */
async function requireStandby(primary: Client, session: Client, name: string): Promise<void> {
  const [here, there] = [await readIdentity(primary), await readIdentity(session)];
  const { in_recovery } = await readState(session);
  const isSame = here.systemIdentifier !== null && here.systemIdentifier === there.systemIdentifier;
  if (isSame && here.databaseOid === there.databaseOid && in_recovery) return;
  if (here.systemIdentifier === null || there.systemIdentifier === null)
    throw new PrivilegeMissing(
      `reader ${name}: this role may not ask for the system identifier, so it is not known whether this is a standby of the database; GRANT EXECUTE ON FUNCTION pg_control_system() to it`,
    );
  throw new InvalidInput(`${name} is not a reader of this database: ${mismatch(here, there, in_recovery)}`);
}

function mismatch(here: DatabaseIdentity, there: DatabaseIdentity, inRecovery: boolean): string {
  if (!inRecovery && here.systemIdentifier === there.systemIdentifier)
    return 'it is no standby, it accepts changes itself';
  return `it leads to ${describeIdentity(there)}, and the migration is in ${describeIdentity(here)}`;
}

function unreachable(name: string, error: unknown): P2pfkError {
  return new ConnectionLost(
    `reader ${name} cannot be asked whether it is free, so no lock was asked for: ${messageOf(error)}; leave it out of --reader if it has no readers any more`,
    {},
    { cause: error },
  );
}

function sessionsOf(primary: Client): Map<string, Client> {
  const known = sessions.get(primary);
  if (known) return known;
  const made = new Map<string, Client>();
  sessions.set(primary, made);
  primary.once('end', () => endReaderSessions(primary));
  return made;
}

/** Ends the sessions on readers of a session on the primary: with it, and where it is used for another step. */
export function endReaderSessions(primary: Client): void {
  for (const url of sessions.get(primary)?.keys() ?? []) forget(primary, url);
}

function forget(primary: Client, url: string): void {
  const session = sessions.get(primary)?.get(url);
  sessions.get(primary)?.delete(url);
  void session?.end().catch(() => undefined);
}
