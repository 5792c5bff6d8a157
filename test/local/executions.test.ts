/** One execution from start to end, with handlers of our own and a real database. */
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { backends, waitUntil } from '../support/observe.ts';
import { runExecution } from '../support/run-execution.ts';
import { fn, gate, machine, Named } from './engine.helpers.ts';

const definition = machine({
  Work: {
    Type: 'Task',
    Resource: fn('work'),
    Parameters: { 'input.$': '$', 'execution.$': '$$.Execution.Id' },
    End: true,
  },
});

async function database() {
  vi.stubEnv('DATABASE_URL', undefined);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  return { db, observer: await db.client() };
}

/** The session that holds an advisory lock of one key, which is how an execution shows that it lives. */
async function holder(observer: Client): Promise<number | undefined> {
  const { rows } = await observer.query<{ pid: number }>(
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows[0]?.pid;
}

describe('a local execution', () => {
  it('gives the handlers input, execution and database, and returns how it ended', async () => {
    const { db } = await database();

    const ended = await runExecution({
      input: { table: 'public."we""ird; DROP TABLE x"' },
      databaseUrl: db.url,
      definition,
      handlers: { work: async (event) => ({ event, database: process.env.DATABASE_URL }) },
    });

    expect(ended.outcome).toEqual({
      status: 'SUCCEEDED',
      output: {
        event: { input: { table: 'public."we""ird; DROP TABLE x"' }, execution: ended.executionArn },
        database: db.url,
      },
    });
    expect(ended.executionArn).toMatch(
      /^arn:aws:states:local:000000000000:execution:p2pfk:migrate-public-we-ird-DROP-TABLE-x--\d{8}T\d{6}Z-[0-9a-f]{8}$/,
    );
  });

  it('keeps its name within 80 characters', async () => {
    const { db } = await database();

    const { executionArn } = await runExecution({
      input: { table: createHash('sha512').update('x').digest('hex'), operation: 'rollback' },
      databaseUrl: db.url,
      definition,
      handlers: { work: async () => null },
    });

    const name = executionArn.split(':').at(-1) ?? '';
    expect(name).toMatch(/^rollback-[\w-]+$/);
    expect(name.length).toBeLessThanOrEqual(80);
  });

  it('shows the database that this process lives, for exactly as long as a handler runs', async () => {
    const { db, observer } = await database();
    const { open, opened } = gate();

    const running = runExecution({
      input: { table: 'x' },
      databaseUrl: db.url,
      definition,
      handlers: { work: () => opened },
    });
    await waitUntil(() => holder(observer), 'the execution to be held');
    open();
    await running;

    await waitUntil(async () => (await holder(observer)) === undefined, 'the execution to be released');
    expect(await backends(observer)).toEqual([]);
  });

  it('shows it again after the session was lost', async () => {
    const { db, observer } = await database();
    const { open, opened } = gate();
    const running = runExecution({
      input: { table: 'x' },
      databaseUrl: db.url,
      definition,
      handlers: { work: () => opened },
    });
    const first = await waitUntil(() => holder(observer), 'the execution to be held');

    await observer.query('SELECT pg_terminate_backend($1)', [first]);

    const second = await waitUntil(async () => {
      const pid = await holder(observer);
      return pid !== first && pid;
    }, 'the execution to be held again');
    open();
    await running;
    expect(second).not.toBe(first);
  });

  it('is aborted by its signal, and stays alive for others until the handler in flight has ended', async () => {
    const { db, observer } = await database();
    const { open, opened } = gate();
    const started = gate();
    const controller = new AbortController();
    const running = runExecution({
      input: { table: 'x' },
      databaseUrl: db.url,
      definition,
      handlers: {
        work: () => {
          started.open();
          return opened;
        },
      },
      signal: controller.signal,
    });
    await started.opened;

    controller.abort();

    expect((await running).outcome).toEqual({ status: 'ABORTED' });
    expect(await holder(observer)).toBeDefined();
    open();
    await waitUntil(async () => (await holder(observer)) === undefined, 'the execution to be released');
  });

  it('tells a failure by the name of the error', async () => {
    const { db } = await database();

    const { outcome } = await runExecution({
      input: { table: 'x' },
      databaseUrl: db.url,
      definition,
      handlers: { work: () => Promise.reject(new Named('PreflightFailed', 'two findings')) },
    });

    expect(outcome).toMatchObject({ status: 'FAILED', error: 'PreflightFailed' });
  });

  it('calls no handler when there is no database', async () => {
    const { db } = await database();
    const work = vi.fn();
    const url = new URL(db.url);
    url.pathname = '/nowhere';

    await expect(
      runExecution({ input: { table: 'x' }, databaseUrl: url.href, definition, handlers: { work } }),
    ).rejects.toThrow(/nowhere/);

    expect(work).not.toHaveBeenCalled();
  });
});
