/**
 * A deadline for a transaction whose locks others wait for. Neither a statement nor the pauses between statements may outlast it:
 *
 * - This process sends no statement after the deadline.
 * - Each statement is sent with its limits: how long it may take, and how long the server waits for the next one.
 * - PostgreSQL 17 and newer end the transaction by `transaction_timeout`. On older versions each statement is followed by one that lowers
 *   the limits by the time that it took.
 *
 * The limits travel in the packet of the statement, and statements that do not depend on each other's answers travel together: a round
 * trip to a distant server takes longer than most statements.
 *
 * Each statement is one message, with its values as literals. A statement with parameters is several messages, and while the server has
 * received only some of them it counts as at work: idle_in_transaction_session_timeout does not end it, and no other limit before 17.
 */
import type { Client, ClientBase, QueryResult } from 'pg';
import { asOneMessage } from '../literals.ts';
import { sqlStateOf } from '../postgres-errors.ts';
import { expectAnswersWithin } from './unanswered.ts';

/** What a statement may take, its wait for locks, and the pause after it; milliseconds, 0: without a limit. */
export interface Limits {
  readonly statementMs: number;
  readonly lockMs: number;
  readonly idleMs: number;
}

export interface Deadline {
  /** For a statement that is sent now; undefined: the moment has passed. */
  limits(): Limits | undefined;
  /** What is thrown where a statement would be sent too late. */
  over(): Error;
}

/** The server waits for the next statement so much longer than the deadline: a COMMIT that was sent in time still arrives. */
export const SERVER_MARGIN_MS = 50;
/** The transaction ends so long after the deadline. PostgreSQL ignores every other limit of the session that is not shorter. */
const TRANSACTION_MARGIN_MS = 2 * SERVER_MARGIN_MS;

/** Of sql/session.sql: work that may take as long as it takes is not to end because the network was away for a moment. */
const UNANSWERED_MS = 60_000;

type Send = (text: string, values?: readonly unknown[] | undefined) => Promise<QueryResult>;
/** A statement, and values of its parameters. */
type Sent = readonly [text: string, values?: readonly unknown[] | undefined];

interface Bounded {
  readonly deadline: Deadline;
  readonly send: Send;
  /** Statements that have no answer yet. */
  readonly inFlight: Set<Promise<unknown>>;
  /** How the deadline holds while statements run: not yet in the server, by {@link LOWER_LIMITS} after each, or by transaction_timeout. */
  enforcedBy: 'client' | 'statements' | 'server';
  /** Of {@link withShorterLimits}. */
  shorter: ShorterLimits | undefined;
  /** With which the last statement was sent. */
  sentWith: ShorterLimits | undefined;
}

type ShorterLimits = Pick<Limits, 'statementMs' | 'lockMs'>;

const bounded = new WeakMap<ClientBase, Bounded>();

/**
 * Runs `work` in a transaction that has begun. Each statement of this session gets the limits of the deadline.
 *
 * @throws what {@link Deadline.over} returns, once the deadline has passed
 */
export async function underDeadline<Result>(
  client: Client,
  deadline: Deadline,
  work: () => Promise<Result>,
): Promise<Result> {
  if (bounded.has(client)) throw new Error('this session has a deadline already');
  const { query } = client;
  const sendMessage = query.bind(client) as (text: string) => Promise<QueryResult>;
  const session: Bounded = {
    deadline,
    send: (text, values) => sendMessage(asOneMessage(text, values)),
    inFlight: new Set(),
    enforcedBy: 'client',
    shorter: undefined,
    sentWith: undefined,
  };
  bounded.set(client, session);
  const boundedQuery: Send = async (text, values) => {
    const [result] = await send(client, session, [[text, values]]);
    return result as QueryResult;
  };
  // pg then sends a query before the answer of the last one has arrived. Only for this work: in this mode end() waits for answers, and some
  // sessions are ended while a statement runs on in the server.
  Object.assign(client, { query: boundedQuery, pipeline: true });
  try {
    return await work();
  } finally {
    bounded.delete(client);
    Object.assign(client, { query });
    await Promise.allSettled(session.inFlight);
    Object.assign(client, { pipeline: false });
  }
}

/**
 * Tells the server the deadline, and takes a lock.
 *
 * @param limits.leftMs milliseconds until then; Infinity: there is none
 * @param limits.limitMs milliseconds that `lock` may take; it travels in the same packet
 */
export async function lockUntil(
  client: Client,
  { leftMs, limitMs }: { readonly leftMs: number; readonly limitMs: number },
  lock?: string,
): Promise<void> {
  const session = bounded.get(client);
  if (!session) throw new Error('lockUntil needs a deadline');
  const isBounded = Number.isFinite(leftMs);
  session.enforcedBy = isBounded ? 'statements' : 'client';
  const keep = keepDeadline(leftMs, limitMs);
  const left = session.deadline.limits();
  if (!left) throw session.deadline.over();
  // At once the limits of the lock give way to those of the rest, under which a busy machine answers what comes next.
  const locking: Sent[] = lock === undefined ? [] : [[lock], [setting(left)]];
  const [kept] = await send(client, session, [keep, ...locking]);
  if (isBounded && (kept?.rows[0] as { ended: boolean } | undefined)?.ended) session.enforcedBy = 'server';
}

function keepDeadline(leftMs: number, limitMs: number): Sent {
  const isBounded = Number.isFinite(leftMs);
  const left = isBounded ? Math.ceil(leftMs) : 0;
  const limit = Math.max(1, Math.ceil(limitMs));
  const idle = (isBounded ? left : limit) + SERVER_MARGIN_MS;
  const whole = isBounded ? left + TRANSACTION_MARGIN_MS : 0;
  return [KEEP_DEADLINE, [left, limit, idle, whole, isBounded ? whole : UNANSWERED_MS]];
}

/** Set within a transaction, transaction_timeout (17 and newer) counts from that moment; a later change to another time has no effect. */
const KEEP_DEADLINE = `
  SELECT set_config('p2pfk.deadline', (clock_timestamp() + $1::int * interval '1 millisecond')::text, true),
         set_config('lock_timeout', $2, true), set_config('statement_timeout', $2, true),
         set_config('idle_in_transaction_session_timeout', $3, true),
         -- Where an answer is not taken off the network, no other limit counts before it is gone. Of TCP alone.
         set_config('tcp_user_timeout', $5, true),
         CASE WHEN current_setting('server_version_num')::int >= 170000
              THEN set_config('transaction_timeout', $4, true) END IS NOT NULL AS ended`;

/** Lowers the limits to the time that is left. Never raises them: the server's clock may be set back. */
const LOWER_LIMITS = `
  SELECT set_config('statement_timeout', least(r.ms, $1::int)::text, true), set_config('lock_timeout', least(r.ms, $2::int)::text, true),
         set_config('idle_in_transaction_session_timeout', least(r.ms + ${SERVER_MARGIN_MS}, $3::int)::text, true)
    FROM (SELECT greatest(1, ceil(extract(epoch FROM current_setting('p2pfk.deadline')::timestamptz - clock_timestamp()) * 1000))::int AS ms) r`;

/** Undoes {@link KEEP_DEADLINE}, where that came after the savepoint. */
const ROLLBACK_TO = /^ROLLBACK TO /;

/** Sends statements that belong together: in one packet where the session has a deadline, else one after the other. */
export async function sendAsOne(client: Client, texts: readonly string[]): Promise<QueryResult[]> {
  const session = bounded.get(client);
  if (session)
    return send(
      client,
      session,
      texts.map((text): Sent => [text]),
    );
  const results: QueryResult[] = [];
  for (const text of texts) results.push(await client.query(text));
  return results;
}

export function hasDeadline(client: ClientBase): boolean {
  return bounded.has(client);
}

/**
 * Runs work whose statements do not depend on each other's answers: at the same time where the session has a deadline, so that they
 * travel together, else one after the other.
 *
 * @throws the first error, in their order: a statement that fails aborts the transaction, so those after it fail, too
 */
export async function together<Results extends readonly unknown[]>(
  client: Client,
  ...asked: { readonly [Index in keyof Results]: () => Promise<Results[Index]> }
): Promise<Results> {
  const results: unknown[] = [];
  const answers = bounded.has(client) ? asked.map((ask) => ask()) : undefined;
  await Promise.allSettled(answers ?? []);
  for (const [index, ask] of asked.entries()) results.push(await (answers?.[index] ?? ask()));
  return results as unknown as Results;
}

/** Shorter limits for the statements of `work`, where the session has a deadline. Elsewhere the caller sets them. */
export async function withShorterLimits<Result>(
  client: Client,
  limits: ShorterLimits,
  work: () => Promise<Result>,
): Promise<Result> {
  const session = bounded.get(client);
  if (!session) return work();
  session.shorter = limits;
  try {
    return await work();
  } finally {
    session.shorter = undefined;
  }
}

async function send(client: Client, session: Bounded, statements: readonly Sent[]): Promise<QueryResult[]> {
  const longest = session.deadline.limits();
  if (!longest) throw session.deadline.over();
  const limits = shortened(longest, session.shorter);
  expectAnswersWithin(client, limits.statementMs === 0 ? null : Math.ceil(limits.statementMs));
  // While others are under way the limits are set, and may be lower by the time that this one runs.
  const areSet = session.inFlight.size > 0 && session.sentWith === session.shorter;
  const before = areSet ? [] : [session.send(setting(limits))];
  session.sentWith = session.shorter;
  const answers = statements.map((args) => session.send(...args));
  const isBack = statements.some(([text]) => ROLLBACK_TO.test(text));
  const keep =
    isBack && session.enforcedBy !== 'client' ? [keepDeadline(longest.statementMs, longest.statementMs)] : [];
  const whole = [limits.statementMs, limits.lockMs, limits.idleMs].map((ms) => Math.ceil(ms));
  const lower: Sent[] = session.enforcedBy === 'statements' ? [[LOWER_LIMITS, whole]] : [];
  const after = [...keep, ...lower].map((args) => session.send(...args));
  const all = Promise.allSettled([...before, ...answers, ...after]);
  session.inFlight.add(all);
  const settled = await all.finally(() => session.inFlight.delete(all));
  const results = settled.slice(before.length, before.length + answers.length);
  // In a transaction that is aborted a ROLLBACK TO succeeds, and the settings around it fail.
  const failures = settled.filter((one) => one.status === 'rejected').map(({ reason }) => reason as unknown);
  const failure = failures.find((reason) => sqlStateOf(reason) !== ABORTED) ?? failures[0];
  if (failures.length > 0 && !(sqlStateOf(failure) === ABORTED && results.every(isFulfilled))) throw failure;
  return results.filter(isFulfilled).map(({ value }) => value);
}

/** in_failed_sql_transaction: another statement has failed. */
const ABORTED = '25P02';

function isFulfilled<Value>(one: PromiseSettledResult<Value>): one is PromiseFulfilledResult<Value> {
  return one.status === 'fulfilled';
}

function shortened(limits: Limits, shorter: ShorterLimits | undefined): Limits {
  if (!shorter) return limits;
  const least = (own: number, other: number) => (own === 0 ? other : Math.min(own, other));
  return {
    ...limits,
    statementMs: least(limits.statementMs, shorter.statementMs),
    lockMs: least(limits.lockMs, shorter.lockMs),
  };
}

/** By SET, which needs no plan: it comes before each statement. */
function setting({ statementMs, lockMs, idleMs }: Limits): string {
  return `SET LOCAL statement_timeout = ${Math.ceil(statementMs)}; SET LOCAL lock_timeout = ${Math.ceil(lockMs)}; SET LOCAL idle_in_transaction_session_timeout = ${Math.ceil(idleMs)}`;
}
