/** A maintenance window that a schedule opens: its deadline, and an opening that is delivered twice. */
import { expect, it } from 'vitest';
import { databaseWith, oneRow } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

const opening = { opensAt: '2099-01-31T03:00:00Z', windowMinutes: 90 };

it('ends when the window does: the plan adds its length to its opening', async () => {
  const { observer } = await databaseWith();
  await new Execution().plan(opening);
  const { deadline } = await oneRow<{ deadline: string }>(
    observer,
    "SELECT options ->> 'deadline' AS deadline FROM p2pfk.migration",
  );
  expect(deadline).toBe('2099-01-31T04:30:00.000Z');
});

it('is worked on once: a second delivery does nothing, whether the first one is at work or at rest', async () => {
  const { observer } = await databaseWith();
  const first = new Execution();
  await first.plan(opening);
  const duplicate = { status: 'DUPLICATE', migrationId: first.migrationId, reason: expect.stringContaining(first.arn) };

  expect(await new Execution().plan(opening)).toMatchObject(duplicate);
  await observer.query("UPDATE p2pfk.migration SET state = 'paused'");
  expect(await new Execution().plan(opening)).toMatchObject(duplicate);

  const { execution } = await oneRow<{ execution: string }>(observer, 'SELECT execution FROM p2pfk.migration');
  expect(execution).toBe(first.arn);
});

it('is worked on once where both deliveries come at the same moment', async () => {
  await databaseWith();
  const results = await Promise.all([new Execution().plan(opening), new Execution().plan(opening)]);
  expect(results.map(({ status }) => status).sort()).toEqual(['DUPLICATE', 'PLANNED']);
});

it('goes on in the next window, and its own plan may be asked twice', async () => {
  const { observer } = await databaseWith();
  const first = new Execution();
  await first.plan(opening);
  expect((await first.plan(opening)).status).toBe('PLANNED');
  await observer.query("UPDATE p2pfk.migration SET state = 'paused'");

  expect((await new Execution().plan({ ...opening, opensAt: '2099-02-07T03:00:00Z' })).status).toBe('PLANNED');
});

it.each([{ opensAt: opening.opensAt }, { windowMinutes: 90 }, { ...opening, deadline: '2099-01-31T03:10:00Z' }])(
  'is refused as %o: neither part means anything alone, nor beside a deadline',
  async (input) => {
    await databaseWith();
    await expect(new Execution().plan(input)).rejects.toThrow(/opensAt and windowMinutes belong together/);
  },
);
