/** The console asks for the acceptance of findings on the plan, and starts nothing without it. */
import { expect, it, onTestFinished } from 'vitest';
import { createConsole } from '../../cli/console/console.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { serve } from '../../local/step-functions/endpoint.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { databaseWith, THREE_PAIRS } from '../core/case.helpers.ts';

it('shows a checkbox for each finding to accept, and starts nothing without it', async () => {
  const { db } = await databaseWith(`${THREE_PAIRS}
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER audit AFTER DELETE ON path FOR EACH STATEMENT EXECUTE FUNCTION nothing();`);
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
    await service.stopAll({ error: 'Interrupted', cause: 'the test is over' });
    await service.settled();
    close();
  });
  const authorization = `Bearer ${entrance.split('#token=')[1]}`;
  const post = (path: string, values: Record<string, string>) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization, origin: url },
      body: new URLSearchParams({ table: 'path', lockTimeoutMs: '10000', ...values }),
      redirect: 'manual',
    });

  const planned = await (await post('/start/plan', {})).text();
  expect(planned).toMatch(
    /<input type="checkbox" name="accept\.statement-trigger" value="statement-trigger:[0-9a-f]{12}"/,
  );

  const refused = await post('/start', {});
  expect(refused.status).toBe(422);
  expect(await refused.text()).toContain('Not started');

  const started = await post('/start', { 'accept.statement-trigger': 'on' });
  expect(started.status).toBe(303);
  const wrong = await post('/start', { 'accept.nothing-like-it': 'on' });
  expect(await wrong.text()).toContain('must be the id of a finding');
});
