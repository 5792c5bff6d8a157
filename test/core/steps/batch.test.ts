/** One iteration with several pairs, through the handlers: what it does, tells, and leaves to the next call. */
import { expect, it } from 'vitest';
import type { PairResult } from '../../../core/contracts/steps/results.ts';
import { handlers } from '../../../local/handlers.ts';
import { foreignKeys } from '../case.helpers.ts';
import { migratedTo } from '../execution.helpers.ts';

const [buildIndex, addForeignKey, validateForeignKey] = [
  handlers['build-index'],
  handlers['add-foreign-key'],
  handlers['validate-foreign-key'],
];

const done = (pairs: number[]) => pairs.map((pair) => expect.objectContaining({ status: 'DONE', pair }));

it('works on each of them, tells each, and finds them done when it is asked again', async () => {
  const { observer, execution } = await migratedTo('Plan');
  const event = { migrationId: execution.migrationId, execution: execution.arn, pair: 1, last: 3 };

  for (const handler of [buildIndex, addForeignKey, validateForeignKey]) {
    expect(await handler(event)).toMatchObject({ status: 'DONE', pair: 1, last: 3, batch: done([1, 2, 3]) });
    expect(await handler(event)).toMatchObject({ status: 'SKIPPED', pair: 1, last: 3, batch: [{ status: 'SKIPPED' }] });
  }
  expect(
    (await foreignKeys(observer)).filter((line) => line.includes('fk_path_to_') && line.endsWith('valid t')),
  ).toHaveLength(3);
});

it('begins no further pair when the time is nearly up, and goes on where it stopped', async () => {
  const { execution } = await migratedTo('BuildIndexes');
  const event = { migrationId: execution.migrationId, execution: execution.arn, pair: 1, last: 3 };
  const hurried = { getRemainingTimeInMillis: () => 14_000 };

  const first = (await addForeignKey(event, hurried)) as PairResult;
  expect(first).toMatchObject({ status: 'RUNNING', pair: 1, batch: done([1]) });
  expect(await addForeignKey(event)).toMatchObject({ status: 'DONE', batch: done([2, 3]) });
});

it('leaves a pair that is locked to the next call, so that its tries are counted for itself', async () => {
  const { observer, execution } = await migratedTo('BuildIndexes', { lockTimeoutMs: 100 });
  const event = { migrationId: execution.migrationId, execution: execution.arn, pair: 1, last: 3 };
  await observer.query(`BEGIN; LOCK TABLE ${execution.pairs[1]?.referencing} IN ROW EXCLUSIVE MODE`);

  expect(await addForeignKey(event)).toMatchObject({ status: 'RUNNING', batch: done([1]) });
  await expect(addForeignKey(event)).rejects.toMatchObject({ name: 'LockTimeout' });

  await observer.query('ROLLBACK');
  expect(await addForeignKey(event)).toMatchObject({ status: 'DONE', batch: done([2, 3]) });
});
