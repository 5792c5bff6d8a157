/** The faults of the network really strike, and where they are wanted. */
import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { waitUntil } from '../../support/observe.ts';
import { session } from '../faults/scene.ts';
import { binariesOf, ChaosServer } from './chaos-server.ts';
import { plantable } from './own-settings.ts';
import { LoopbackProxy } from './proxy.ts';

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;

let server: ChaosServer;
let proxy: LoopbackProxy;

beforeAll(async () => {
  server = await ChaosServer.start(await binariesOf(process.env.P2PFK_TEST_POSTGRES));
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = await LoopbackProxy.start(server.port);
  onTestFinished(() => proxy.stop());
});

async function proxied(name = 'p2pfk/7/add-foreign-key/3'): Promise<Client> {
  const client = await session(server.url('postgres', proxy.port), name);
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

/** Sessions of that name, as the server sees them. */
async function standing(name: string): Promise<number> {
  const observer = await session(server.url('postgres'), 'observer');
  const { rows } = await observer.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [name]);
  await observer.end();
  return rows.length;
}

describe('statements', () => {
  it('are told with their step and backend, before and after, whatever protocol they use', async () => {
    const told: string[] = [];
    proxy.listen({
      before: async ({ step, backendPid }, { sql }) => void told.push(`before ${step} ${backendPid} ${sql}`),
      after: async (_, { sql }) => void told.push(`after ${sql}`),
    });
    const client = await proxied();
    await client.query('SELECT 1');
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, $1::int', [2]);

    const pid = rows[0]?.pid;
    const extended = 'SELECT pg_backend_pid() AS pid, $1::int';
    expect(told).toEqual([
      `before add-foreign-key ${pid} SELECT 1`,
      'after SELECT 1',
      `before add-foreign-key ${pid} ${extended}`,
      `after ${extended}`,
    ]);
  });

  it('that run detached have a step of their own', async () => {
    const steps: string[] = [];
    proxy.listen({ before: async ({ step }) => void steps.push(step), after: async () => undefined });
    await (await proxied('p2pfk/7/run/ValidateForeignKeys/3')).query('SELECT 1');
    await (await proxied('p2pfk/-/plan')).query('SELECT 1');
    await (await proxied('p2pfk execution')).query('SELECT 1');

    expect(steps).toEqual(['run/ValidateForeignKeys', 'plan', 'execution']);
  });
});

describe('the network', () => {
  it('cut: both sides see it', async () => {
    const client = await proxied('cut');
    const lost = expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow();
    await waitUntil(async () => (await standing('cut')) === 1, 'the session');

    for (const connection of proxy.connections) connection.cut();

    await lost;
  });

  it('frozen: nothing passes, not even the end of a connection', async () => {
    const client = await proxied('frozen');
    const thaw = proxy.freeze();
    let answered = false;
    const answer = client.query('SELECT 1').then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toBe(false);

    thaw();
    await answer;
    const again = proxy.freeze();
    client.connection.stream.destroy();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await standing('frozen')).toBe(1);
    again();
    await waitUntil(async () => (await standing('frozen')) === 0, 'the session to end');
  });

  it('half closed: the server believes in a client that has seen the end', async () => {
    const client = await proxied('half');
    const [connection] = proxy.connections;
    const { serverSees } = connection?.loseClient() ?? {};

    await expect(client.query('SELECT 1')).rejects.toThrow();
    expect(await standing('half')).toBe(1);
    serverSees?.();
    await waitUntil(async () => (await standing('half')) === 0, 'the session to end');
  });

  it('half closed: the client waits for a server that has seen the end', async () => {
    const client = await proxied('half');
    const [connection] = proxy.connections;
    const { clientSees } = connection?.loseServer() ?? {};
    const waiting = client.query('SELECT 1').then(
      () => 'answered',
      () => 'failed',
    );

    await waitUntil(async () => (await standing('half')) === 0, 'the session to end');
    expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(() => resolve('waits'), 200))])).toBe(
      'waits',
    );
    clientSees?.();
    expect(await waiting).toBe('failed');
  });
});

describe('the network, for good', () => {
  it('lost in both directions: neither side hears of it until the server is told', async () => {
    const client = await proxied('half open');
    const waiting = client.query('SELECT pg_sleep(60)').then(
      () => 'answered',
      () => 'failed',
    );
    await waitUntil(async () => (await standing('half open')) === 1, 'the session');
    const { serverSees } = proxy.connections[0]?.loseBoth() ?? {};
    const other = await proxied('another');
    await other.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'half open'`);

    const silent = new Promise((resolve) => setTimeout(() => resolve('waits'), 200));
    expect(await Promise.race([waiting, silent])).toBe('waits');
    expect(await standing('half open')).toBe(1);
    serverSees?.();
    await waitUntil(async () => (await standing('half open')) === 0, 'the session to end');
  });

  it('refused: each connection is reset, and new ones are, until it is over', async () => {
    const client = await proxied('refused');
    const over = proxy.refuse();
    await expect(client.query('SELECT 1')).rejects.toThrow();
    await expect(proxied('refused, too')).rejects.toThrow();
    over();
    expect((await (await proxied('back')).query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});

it('a setting that is planted reaches new sessions, except those that have their own', async () => {
  const admin = await session(server.url('postgres'), 'admin');
  onTestFinished(async () => {
    await admin.query('ALTER DATABASE postgres RESET ALL');
    await admin.end();
  });
  const settings = await plantable(admin);
  for (const [name, value] of settings) await admin.query(`ALTER DATABASE postgres SET ${name} = ${quoted(value)}`);
  const read = async (url: string): Promise<Record<string, string>> => {
    const client = await session(url, 'reads');
    try {
      const { rows } = await client.query<{ name: string; setting: string }>(
        'SELECT name, setting FROM pg_settings WHERE name = ANY ($1)',
        [settings.map(([name]) => name)],
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    } finally {
      await client.end();
    }
  };

  const before = await read(server.ownUrl('template1'));
  expect(await read(server.ownUrl('postgres'))).toEqual(before);
  expect(await read(server.url('postgres'))).not.toEqual(before);
});

it('a primary that is demoted takes no writes, keeps what was committed, and is the primary again when it is promoted', async () => {
  const client = await session(server.url('postgres'), 'demoted');
  await client.query('CREATE TABLE IF NOT EXISTS demoted (n int)');
  await server.demote();
  await server.up();
  const standby = await session(server.url('postgres'), 'demoted');
  onTestFinished(() => standby.end());
  await expect(standby.query('INSERT INTO demoted VALUES (1)')).rejects.toMatchObject({ code: '25006' });

  await server.promote();

  await standby.query('INSERT INTO demoted VALUES (1)');
});

describe.each(['fast', 'immediate'] as const)('a %s shutdown', (shutdown) => {
  it('ends every session, keeps what was committed, and the server comes back', async () => {
    const client = await session(server.url('postgres'), 'shutdown');
    await client.query('CREATE TABLE IF NOT EXISTS kept (n int)');
    await client.query('INSERT INTO kept VALUES (1)');
    const lost = expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow();

    await server.restart(shutdown);

    await lost;
    await server.up();
    const again = await session(server.url('postgres'), 'again');
    onTestFinished(() => again.end());
    expect((await again.query('SELECT n FROM kept LIMIT 1')).rows).toEqual([{ n: 1 }]);
  });
});
