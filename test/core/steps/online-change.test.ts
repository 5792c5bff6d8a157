/** A change by a person's command: in one transaction, of which the application feels the lock budget at most. */
import { setTimeout as delay } from 'node:timers/promises';
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

  // The server itself would wait for some milliseconds more.
  const changed = changeOnline(client, change, () => delay(BUDGET_MS));

  await expect(changed).rejects.toMatchObject({
    name: 'StatementCanceled',
    message: expect.stringContaining('Test did not fit into the lock budget of 1000 ms; it was rolled back'),
  });
});
