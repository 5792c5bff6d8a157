/** What is started is what was shown. */
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { beforeStart } from '../../cli/before-start.ts';
import { createOutput } from '../../cli/output.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { Execution, migratedTo } from '../core/execution.helpers.ts';

it('a rollback is of the migration that was shown, and not of one that is open by the time it begins', async () => {
  const { db, execution } = await migratedTo('AddForeignKeys');
  const { migrationId } = execution;
  const screen = new PassThrough();
  const output = createOutput({ color: false }, { stdout: screen, stderr: screen });
  const asked = ExecutionInput.parse({ table: 'path', operation: 'rollback' });

  const input = await beforeStart({ input: new PassThrough(), output }, asked, { databaseUrl: db.url, yes: true });

  expect(String(screen.read())).toContain(`Migration    ${migrationId}, running`);
  expect(input).toMatchObject({ operation: 'rollback', migrationId });
  await execution.rollBack();
  const other = new Execution();
  await other.migrate('AddForeignKeys');
  await other.pause({ Error: 'WindowClosed' });
  expect(await new Execution().plan(input)).toMatchObject({
    status: 'NOTHING_TO_ROLL_BACK',
    reason: `migration ${migrationId} is no longer open`,
  });
});
