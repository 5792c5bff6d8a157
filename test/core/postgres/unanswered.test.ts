/** Connections that died without a word: one of them, or all; and statements that only take long. */
import type { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../../core/ledger/connect.ts';
import { toNamedError } from '../../../core/postgres/postgres-errors.ts';
import { expectAnswersWithin } from '../../../core/postgres/session/unanswered.ts';
import type { LoopbackProxy } from '../../chaos/harness/proxy.ts';
import { oneRow } from '../case.helpers.ts';
import { proxiedCase } from '../steps/proxied.helpers.ts';

async function watched(
  lookAfterMs: number,
  parameters = '',
): Promise<{ proxy: LoopbackProxy; observer: Client; session: Client }> {
  const { proxy, observer } = await proxiedCase();
  const databaseUrl = `${process.env.DATABASE_URL}${parameters}`;
  const session = await connect({ databaseUrl, applicationName: 'test', lookAfterMs });
  onTestFinished(() => session.end().catch(() => undefined));
  return { proxy, observer, session };
}

/** The answers to statements that match are on their way for ever; other connections have theirs. */
function loseAnswers(proxy: LoopbackProxy, pattern: RegExp): void {
  proxy.listen({
    before: async () => undefined,
    after: async (_, { sql }) => (pattern.test(sql) ? new Promise(() => undefined) : undefined),
  });
}

const failure = (answer: Promise<unknown>): Promise<string> =>
  answer.then(
    () => 'answered',
    (error: unknown) => `${toNamedError(error).name}: ${toNamedError(error).message}`,
  );

it('an answer that got lost is given up when the server has done with the statement, and not before', async () => {
  const { proxy, observer, session } = await watched(200);
  loseAnswers(proxy, /pg_sleep/);
  const lost = failure(session.query('SELECT pg_sleep(2)'));
  const beganAt = performance.now();

  expect(await lost).toBe(
    'ConnectionLost: the connection to PostgreSQL was lost: the server has done with the statement, and its answer did not come',
  );
  expect(performance.now() - beganAt).toBeGreaterThan(2_000);
  expect(
    await oneRow(
      observer,
      `SELECT count(*)::int AS looks FROM pg_stat_activity WHERE application_name = 'p2pfk/-/look'`,
    ),
  ).toEqual({ looks: 0 });
});

it('a statement that takes long is waited for, through any number of looks', async () => {
  const { session } = await watched(100);
  expect(await failure(session.query('SELECT pg_sleep(2)'))).toBe('answered');
});

it('a server that no new session reaches either is given up after three looks', async () => {
  const { proxy, session } = await watched(100, '?connect_timeout=1');
  const thaw = proxy.freeze();
  onTestFinished(thaw);
  await expect(failure(session.query('SELECT 1'))).resolves.toMatch(
    /^ConnectionLost: the connection to PostgreSQL was lost: no answer from the server for \d+ s$/,
  );
}, 60_000);

it('a statement whose time the server bounds is given up some seconds after that time', async () => {
  const { proxy, session } = await watched(60_000);
  loseAnswers(proxy, /pg_sleep/);
  await session.query('BEGIN');
  expectAnswersWithin(session, 100);
  expect(await failure(session.query('SELECT pg_sleep(0)'))).toMatch(
    /^ConnectionLost: .*no answer in 5 s to a statement that may take 100 ms$/,
  );
});

it('a bound ends with its transaction', async () => {
  const { session } = await watched(60_000);
  await session.query('BEGIN');
  expectAnswersWithin(session, 1);
  await session.query('COMMIT');
  expect(await failure(session.query('SELECT pg_sleep(7)'))).toBe('answered');
});
