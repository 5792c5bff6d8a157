/**
 * One session for several steps, each of which finds it as a new one would be: reset behind each step, its settings and its role set again
 * before the next. A session in which anything is not as it should be is not used again.
 */
import dns from 'node:dns/promises';
import { isIP, Socket } from 'node:net';
import { isAbsolute } from 'node:path';
import { type Client, escapeLiteral } from 'pg';
import { endReaderSessions } from '../../core/checks/readers.ts';
import { isLost, pinAgain } from '../../core/ledger/connect.ts';
import { forgetLink } from '../../core/ledger/schema/identity.ts';
import { checkLedgerAtBeginning, hasLedgerOwner } from '../../core/ledger/schema/state.ts';
import { inOnePacket } from '../../core/postgres/session/packet.ts';
import { usesSessionPooler } from '../../core/postgres/session/pooler.ts';
import { expectAnswersWithin } from '../../core/postgres/session/unanswered.ts';
import { forgetPlans, keepPlans, plansKept, type Row, runOne } from '../../core/postgres/sql.ts';

/** Name of a session while no step uses it. No migration's name begins like that, so it shows no owner at work. */
const BETWEEN_STEPS = 'p2pfk/-/kept';

/** Milliseconds that the server may take for an answer before or behind a step; a connection that died silently is not waited for. */
const ANSWER_MS = 5_000;

/**
 * All of DISCARD ALL but the plans of our queries, by name the most expensive part of a step. Each part is grammar alone, or qualified: they
 * run under the settings of the step, then under those that the session has begun with.
 */
const RESET = `
  CLOSE ALL;
  SET SESSION AUTHORIZATION DEFAULT;
  RESET ROLE;
  RESET ALL;
  UNLISTEN *;
  SELECT pg_catalog.pg_advisory_unlock_all();
  DISCARD TEMP;
  DISCARD SEQUENCES;
  SET application_name = '${BETWEEN_STEPS}'`;

/** Our queries are planned once for all values; `sql/session.sql` has set what is usual. */
const GENERIC_PLANS = 'SET plan_cache_mode = force_generic_plan';

/** What a session began with: see sql/kept/origin.sql. */
const origins = new WeakMap<Client, string>();

/**
 * To be called once for a session that was just opened.
 *
 * @returns false: it belongs to one step alone
 */
export async function mayBeKept(client: Client): Promise<boolean> {
  // The pooler decides which of the server's sessions it is.
  if (usesSessionPooler()) return false;
  const { origin } = await runOne(client, 'kept/origin');
  origins.set(client, origin);
  await client.query(GENERIC_PLANS);
  keepPlans(client);
  return true;
}

/**
 * Takes away what a step has left behind.
 *
 * @returns whether the session may wait for the next step: it has no transaction, no lock, and no prepared statement that is not ours
 */
export async function reset(client: Client): Promise<boolean> {
  endReaderSessions(client);
  if (isLost(client) || client.getTransactionStatus() !== 'I') return false;
  const expected = plansKept(client);
  // Not by its name before it is known whose statement that is.
  forgetPlans(client);
  return answeredSoon(client, async () => {
    const [, left] = await inOnePacket<[unknown, Row<'kept/left-behind'>]>(
      client,
      () => client.query(RESET),
      () => runOne(client, 'kept/left-behind'),
    );
    const names = new Set(left.statements);
    const isOurs = names.size === expected.length && expected.every((name) => names.has(name));
    return left.locks === 0 && left.by_sql === 0 && isOurs;
  });
}

/**
 * Prepares it for the next step: settings, role and name, and the check of the ledger, as in a new session.
 *
 * @returns false: a new session would not begin as this one has, or it cannot be used
 */
export async function begin(client: Client, applicationName: string): Promise<boolean> {
  if (isLost(client)) return false;
  forgetLink(client);
  keepPlans(client);
  return answeredSoon(client, async () => {
    // The check of the ledger asks as the role that the ledger's owner is.
    const check = (): Promise<void> => checkLedgerAtBeginning(client);
    const isOwned = hasLedgerOwner(client);
    const named = nameLeadsTo(client);
    const [, , , now] = await inOnePacket<[unknown, unknown, unknown, Row<'kept/origin'>, unknown]>(
      client,
      () => client.query(GENERIC_PLANS),
      () => pinAgain(client),
      () => client.query(`${GENERIC_PLANS}; SET application_name = ${escapeLiteral(applicationName)}`),
      () => runOne(client, 'kept/origin'),
      isOwned ? async () => undefined : check,
    );
    if (now.is_other_role || now.origin !== origins.get(client)) return false;
    if (isOwned) await check();
    return named;
  });
}

/** Whether the server's name still leads to this server: after a failover another one may have it, and a new session would go there. */
async function nameLeadsTo(client: Client): Promise<boolean> {
  const { host } = client;
  if (isIP(host) !== 0 || isAbsolute(host)) return true;
  const stream: unknown = Reflect.get(Object(Reflect.get(client, 'connection')), 'stream');
  const address = stream instanceof Socket ? stream.remoteAddress : undefined;
  const found = await dns.lookup(host, { all: true }).catch(() => []);
  return found.some((one) => one.address === address);
}

/** False also where the session cannot answer: why, a new one finds out. */
async function answeredSoon(client: Client, ask: () => Promise<boolean>): Promise<boolean> {
  expectAnswersWithin(client, ANSWER_MS);
  try {
    return await ask();
  } catch {
    return false;
  } finally {
    expectAnswersWithin(client, null);
  }
}
