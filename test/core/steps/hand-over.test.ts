/** What reconciliation hands over: one rollback by the migration's own state machine, taken up at once, and not without end. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import type { ReconcileResult, RollbackToStart } from '../../../core/contracts/steps/results.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { MOST_ROLLBACKS } from '../../../core/steps/operations/hand-over.ts';
import { handler as look } from '../../../lambdas/operations/look.ts';
import { handler } from '../../../lambdas/operations/reconcile.ts';
import { type ExecutionOutcome, startExecution } from '../../../local/engine/engine.ts';
import { builtDefinition } from '../../../local/executions.ts';
import { handlers } from '../../../local/handlers.ts';
import { holdLock, waitForQuery } from '../../support/observe.ts';
import { everything, foreignKeys, oneRow, smuggle } from '../case.helpers.ts';
import { Execution, type ForwardState, migratedTo } from '../execution.helpers.ts';

const PREFIX = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:';
const NOTHING = { status: 'NOTHING_TO_DO', migrationId: null, waitSeconds: 0 };

function reconcile(execution: string, refused?: string): Promise<ReconcileResult> {
  return handler({ execution, reason: 'ABORTED', refused }) as Promise<ReconcileResult>;
}

/** The rollback that it asks for. */
async function handedOver(execution: string, refused?: string): Promise<RollbackToStart> {
  const { status, rollback } = await reconcile(execution, refused);
  expect(status).toBe('ROLL_BACK');
  if (!rollback) throw new Error('no rollback is named');
  return rollback;
}

/** As Step Functions starts it: the built state machine, under that name and with that input. */
function started({ name, execution, input }: RollbackToStart): Promise<ExecutionOutcome> {
  const { definition } = builtDefinition();
  return startExecution({ definition, handlers, input, executionArn: execution, name }).outcome;
}

/** An execution in AWS that died in its rollback; its lease is not over. */
async function diedOnTheWayBack(last: ForwardState = 'DropParentForeignKey') {
  const found = await migratedTo(last, undefined, `${PREFIX}migrate-path`);
  await found.execution.fence();
  return { ...found, dead: found.execution.arn };
}

function stateOf(observer: Client) {
  return oneRow(
    observer,
    `SELECT state, execution, error ->> 'name' AS error, options ->> 'by' AS by FROM p2pfk.migration`,
  );
}

describe('the rollback that reconciliation asks for', () => {
  it('brings the parent foreign key back where a check failed after the drop, and the ledger tells why', async () => {
    const { observer, execution, original } = await migratedTo('DropParentForeignKey', undefined, `${PREFIX}one`);
    await observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1');

    const rollback = await handedOver(execution.arn);
    expect(await started(rollback)).toMatchObject({ status: 'SUCCEEDED', output: { status: 'ROLLED_BACK' } });

    expect(await everything(observer)).toBe(original);
    expect(await stateOf(observer)).toEqual({
      state: 'rolled-back',
      execution: rollback.execution,
      error: 'VerificationFailed',
      by: 'p2pfk reconciliation',
    });
    expect(await reconcile(execution.arn)).toEqual(NOTHING);
    expect(await reconcile(rollback.execution)).toEqual(NOTHING);
  });

  it.each([
    ['before the drop', 'ValidateForeignKeys', async () => undefined],
    [
      'with the parent foreign key back',
      'DropParentForeignKey',
      async (dead: Execution) => {
        for (const { pair } of (await dead.fence()).pairs) await dead.restoreParent(pair);
        await dead.attachParent();
      },
    ],
    [
      'before its last check',
      'DropParentForeignKey',
      async (dead: Execution) => {
        for (const { pair } of (await dead.fence()).pairs) await dead.restoreParent(pair);
        await dead.attachParent();
        await dead.dropPairForeignKeys();
      },
    ],
  ] as const)('finishes a rollback that died %s', async (_, last, leave) => {
    const { observer, execution, dead, original } = await diedOnTheWayBack(last);
    await leave(execution);

    expect(await started(await handedOver(dead))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await everything(observer)).toBe(original);
  });

  it('finds the table by the name that it has now', async () => {
    const { observer, dead } = await diedOnTheWayBack();
    await observer.query('ALTER TABLE path RENAME TO "Path"');

    const rollback = await handedOver(dead);
    expect(rollback.input.table).toBe('public."Path"');
    expect(await started(rollback)).toMatchObject({ status: 'SUCCEEDED' });
    expect((await foreignKeys(observer)).filter((line) => line.startsWith('"Path" path_fk'))).toHaveLength(1);
  });

  it('fails for a person where rows have no referenced row, and the pair foreign keys stay', async () => {
    const { observer, dead } = await diedOnTheWayBack();
    await smuggle(observer, `INSERT INTO path VALUES ('one', 4711, 'orphan')`);

    const rollback = await handedOver(dead);
    expect(await started(rollback)).toMatchObject({ status: 'FAILED', error: 'RollbackFailed' });

    const pairForeignKeys = (await foreignKeys(observer)).filter((line) => /fk_path_to_inode_\d/.test(line));
    expect(pairForeignKeys).toHaveLength(3);
  });

  it('leaves a later migration of the same foreign key alone', async () => {
    const { observer, dead } = await diedOnTheWayBack();
    const rollback = await handedOver(dead);
    // A person was faster, and has migrated again.
    const person = new Execution();
    await person.plan({ operation: 'rollback' });
    await person.rollBack(null);
    await new Execution().migrate();
    const migrated = await everything(observer);

    expect(await new Execution(rollback.execution).plan(rollback.input)).toMatchObject({
      status: 'NOTHING_TO_ROLL_BACK',
      reason: `migration ${rollback.input.migrationId} is no longer open`,
    });
    expect(await everything(observer)).toBe(migrated);
    await expect(new Execution().plan({ migrationId: '1' })).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringContaining('migration 1 of path_fk on public.path, which was to go on, is no longer open'),
    });
  });
});

describe('it is started once', () => {
  it('where two reconciliations are at work: one claims, the other asks again, both name one execution', async () => {
    const { db, observer, execution } = await migratedTo('DropParentForeignKey', undefined, `${PREFIX}one`);
    await observer.query('ALTER TABLE path_1 DROP CONSTRAINT fk_path_to_inode_1');
    const held = await holdLock(await db.client(), 'LOCK TABLE p2pfk.pair IN ACCESS EXCLUSIVE MODE');
    const first = reconcile(execution.arn);
    await waitForQuery(observer, /p2pfk\.pair/);

    expect(await reconcile(execution.arn)).toMatchObject({ status: 'RUNNING', waitSeconds: 10 });
    await held.release();
    const { rollback } = await first;
    expect(await handedOver(execution.arn)).toEqual(rollback);
  });

  it('where the first one works on it behind the fence, the second changes nothing', async () => {
    const { db, dead } = await diedOnTheWayBack();
    const rollback = await handedOver(dead);
    const session = await connect({ databaseUrl: db.url, applicationName: `p2pfk/${rollback.input.migrationId}/step` });

    expect(await reconcile(dead)).toMatchObject({ status: 'RUNNING' });
    await session.end();
    expect(await handedOver(dead)).toEqual(rollback);
  });

  it('and taken up at once; another execution is told who has it', async () => {
    const { observer, dead, migrationId } = await diedOnTheWayBack().then((found) => ({
      ...found,
      migrationId: found.execution.migrationId,
    }));
    const rollback = await handedOver(dead);
    const taken = new Execution(rollback.execution);

    expect(await taken.plan(rollback.input)).toMatchObject({ status: 'ROLLBACK_REQUESTED', migrationId });
    expect(await reconcile(dead)).toEqual(NOTHING);
    await expect(new Execution().plan({ operation: 'rollback' })).rejects.toMatchObject({
      name: 'MigrationInProgress',
      message: expect.stringContaining(rollback.name),
    });
    expect(await stateOf(observer)).toMatchObject({ state: 'rolling-back', execution: rollback.execution });
  });

  it('also where the reconciliation died before: the look finds it, and the name is the same', async () => {
    const { observer, dead } = await diedOnTheWayBack();
    const migrationId = (await handedOver(dead)).input.migrationId;
    const { name } = await handedOver(dead);
    const lease = (interval: string) =>
      observer.query(`UPDATE p2pfk.migration SET lease_until = now() + $1::interval`, [interval]);

    await lease('-6 minutes');
    expect(await look({ executions: PREFIX })).toEqual({ deadExecutions: 1, dead: [{ migrationId, execution: dead }] });
    expect((await handedOver(dead)).name).toBe(name);
    // The lease is not begun anew: the next look finds it, too.
    expect(await look({ executions: PREFIX })).toMatchObject({ deadExecutions: 1 });
    // It died between claim and hand-over.
    await lease('1 minute');
    const rollback = await handedOver(dead);
    expect(await new Execution(rollback.execution).plan(rollback.input)).toMatchObject({
      status: 'ROLLBACK_REQUESTED',
    });
  });
});

describe('a person who may start executions, and so chooses their names', () => {
  it('cannot know the name beforehand, and one that is refused is followed by another', async () => {
    const { observer, dead, original } = await diedOnTheWayBack();
    const names = new Set<string>();
    let refused: string | undefined;
    for (let turn = 0; turn < 2 * MOST_ROLLBACKS; turn++) {
      const { name } = await handedOver(dead, refused);
      expect(await handedOver(dead)).toMatchObject({ name });
      names.add(name);
      refused = name;
    }
    expect(names.size).toBe(2 * MOST_ROLLBACKS);
    // An execution that has the name that was refused, and dies, changes nothing.
    const [taken] = names;
    expect(await reconcile(`${PREFIX}${taken}`)).toEqual(NOTHING);

    const rollback = await handedOver(dead);
    expect(rollback.name).toBe(refused);
    expect(await started(rollback)).toMatchObject({ status: 'SUCCEEDED', output: { status: 'ROLLED_BACK' } });
    expect(await reconcile(dead, rollback.name)).toEqual(NOTHING);
    expect(await everything(observer)).toBe(original);
  });

  it('cannot end the tries by a name that says that there were enough', async () => {
    const name = `reconcile-1-0123456789ab-${MOST_ROLLBACKS}-0123456789abcdef`;
    const { execution } = await migratedTo('DropParentForeignKey', undefined, `${PREFIX}${name}`);
    await execution.fence();

    expect((await handedOver(execution.arn)).name).toMatch(/^reconcile-1-[0-9a-f]{12}-1-[0-9a-f]{16}$/);
  });
});

describe('a rollback that dies itself', () => {
  it('is started again under the next name, and after so many times no more', async () => {
    const { observer, dead, original } = await diedOnTheWayBack();
    const names: string[] = [];
    let execution = dead;
    for (let n = 1; n <= MOST_ROLLBACKS; n++) {
      const rollback = await handedOver(execution);
      names.push(rollback.name.replace(/-[0-9a-f]{12}-/, '-...-').replace(/[0-9a-f]{16}$/, '...'));
      ({ execution } = rollback);
      // The second one dies before its plan has taken the migration over.
      if (n !== 2) await new Execution(execution).plan(rollback.input);
    }
    const id = names[0]?.split('-')[1];
    expect(names).toEqual([1, 2, 3].map((n) => `reconcile-${id}-...-${n}-...`));

    for (let time = 0; time < 2; time++)
      expect(await reconcile(execution)).toMatchObject({
        status: 'GIVEN_UP',
        migrationId: id,
        reason: expect.stringContaining('p2pfk rollback --table public.path'),
      });
    // It is in the way of no person.
    const person = new Execution();
    expect(await person.plan({ operation: 'rollback' })).toMatchObject({ status: 'ROLLBACK_REQUESTED' });
    await person.rollBack(null);
    expect(await everything(observer)).toBe(original);
  });

  it('is told from another execution with such a name', async () => {
    const { observer, dead } = await diedOnTheWayBack();
    const { name } = await handedOver(dead);
    const before = await stateOf(observer);

    const others = [/-1(?=-[0-9a-f]+$)/, /(?<=-)[0-9a-f]{12}(?=-)/, /[0-9a-f]{16}$/].map((part) =>
      name.replace(part, (found) => found.replace(/[1-9a-f]/g, '2')),
    );
    for (const other of [...others, `${name}0`]) expect(await reconcile(`${PREFIX}${other}`)).toEqual(NOTHING);
    expect(await reconcile(`arn:aws:states:eu-west-1:1:execution:other:${name}`)).toEqual(NOTHING);
    expect(await stateOf(observer)).toEqual(before);
  });
});
