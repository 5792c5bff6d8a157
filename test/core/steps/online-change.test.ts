/** A change by a person's command: in one transaction, of which the application feels the lock budget at most. */
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { changeOnline } from '../../../core/steps/locks/online-change.ts';
import { coreSession, databaseWith, oneRow } from '../case.helpers.ts';

const BUDGET_MS = 1_000;

it('that is too late for its end has not passed, also where no statement was too long', async () => {
  const { db } = await databaseWith();
  const client = await coreSession(db.url);
  const { oid } = await oneRow<{ oid: number }>(client, `SELECT 'public.path_1'::regclass::oid AS oid`);
  const lock = {
    sql: 'LOCK TABLE public.path_1 IN SHARE ROW EXCLUSIVE MODE',
    mode: 'SHARE ROW EXCLUSIVE',
    relations: [oid],
  } as const;
  const change = { step: 'Test', migrationId: null, budgetMs: BUDGET_MS, locks: [lock], rehearsal: true };

  let askedAt = 0;
  const { query } = client;
  const noticed = (...args: unknown[]): unknown => {
    if (String(args[0]).includes('LOCK TABLE')) askedAt = performance.now();
    return Reflect.apply(query, client, args);
  };
  Object.assign(client, { query: noticed });
  // The server itself would wait for some milliseconds more. A timer could miss these on a busy machine.
  const changed = changeOnline(client, change, async () => {
    while (performance.now() <= askedAt + BUDGET_MS) await setImmediate();
  });

  await expect(changed).rejects.toMatchObject({
    name: 'StatementCanceled',
    message: expect.stringContaining('Test did not fit into the lock budget of 1000 ms; it was rolled back'),
  });
});
