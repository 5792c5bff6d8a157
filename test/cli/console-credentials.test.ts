/** A connection string in a form of the console: neither kept nor sent back. */
import { expect, it, onTestFinished } from 'vitest';
import { createConsole } from '../../cli/console/console.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { serve } from '../../local/step-functions/endpoint.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { databaseWith } from '../core/case.helpers.ts';

it('is refused in every form, and not sent back', async () => {
  const { db } = await databaseWith();
  const { client, service, close } = openLocalEndpoint({
    databaseUrl: db.url,
    store: ExecutionStore.inMemory(),
    warn: () => undefined,
  });
  const { listener, entrance } = createConsole({
    client,
    changed: (arn, longestMs) => service.changed(arn, longestMs),
    databaseUrl: db.url,
    database: 'test',
    password: null,
  });
  const { url, close: end } = await serve({ service, port: 0, listener });
  onTestFinished(async () => {
    await end();
    close();
  });
  const authorization = `Bearer ${entrance.split('#token=')[1]}`;
  const post = (path: string, values: Record<string, string>) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization, origin: url },
      body: new URLSearchParams({ by: 'ana', ...values }),
      redirect: 'manual',
    });

  for (const text of [
    'postgres://app:hunter2@db/orders',
    'see postgres://app:my hunter2@db/orders',
    'password=hunter2',
  ]) {
    for (const action of ['stop', 'approve', 'withdraw', 'rollback', 'resume'])
      for (const key of ['by', 'reason']) {
        const refused = await post(`/executions/any/${action}`, { [key]: text });
        const page = await refused.text();
        expect({ status: refused.status, page }).toEqual({
          status: 400,
          page: expect.stringMatching(/holds a connection string/),
        });
        expect(page).not.toContain('hunter2');
      }
    for (const path of ['/start', '/start/plan', '/start/form'])
      for (const key of [
        'table',
        'constraint',
        'reason',
        'searchPath',
        'deadline',
        'maxConcurrency',
        'approval',
        'accept',
      ]) {
        const refused = await post(path, { table: 'path', [key]: text });
        expect(refused.status).toBe(path === '/start/form' ? 200 : 422);
        expect(await refused.text(), `${path} ${key}`).not.toContain('hunter2');
      }
  }
  expect(service.running).toEqual([]);
});
