/** The sign-in page of the console on another address: what somebody without the password can do there. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { createConsole } from '../../cli/console/console.ts';
import { listenElsewhere } from '../../cli/console/elsewhere.ts';
import { LoginThrottle } from '../../cli/console/login-throttle.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { ONE_TASK } from '../local/endpoint.helpers.ts';
import { start } from './cli.helpers.ts';

const PASSWORD = 'correct horse battery';

async function openLogin() {
  const endpoint = openLocalEndpoint({ store: ExecutionStore.inMemory(), warn: () => undefined, definition: ONE_TASK });
  const { listener } = createConsole({
    client: endpoint.client,
    changed: () => Promise.resolve(),
    databaseUrl: undefined,
    database: 'nowhere',
    password: PASSWORD,
  });
  const { url, close } = await listenElsewhere('127.0.0.1', 0, listener);
  onTestFinished(async () => {
    await close();
    endpoint.close();
  });
  const signIn = (password: string, headers: Record<string, string> = {}) =>
    fetch(`${url}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: url, ...headers },
      body: new URLSearchParams({ password }),
    }).then(({ status }) => status);
  return { url, signIn };
}

it('looks at one password a second, however many come at once and from wherever', async () => {
  const { url, signIn } = await openLogin();
  const began = performance.now();
  // Nineteen are on their way, and were let in, before the first of them is looked at.
  const guesses = Array.from({ length: 20 }, (_, n) => {
    const body = `password=guess-${n + 10}`;
    const sent = request(`${url}/login`, {
      method: 'POST',
      headers: {
        origin: url,
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': body.length,
        'x-forwarded-for': `192.0.2.${n}`,
      },
    });
    const status = once(sent, 'response').then(([answer]) => answer.resume().statusCode);
    sent.write(body.slice(0, 1));
    return { status, send: () => sent.end(body.slice(1)) };
  });
  for (let n = 0; n < 3; n++) expect((await fetch(url)).status).toBe(401);
  for (const { send } of guesses) send();
  const statuses = await Promise.all(guesses.map(({ status }) => status));
  expect(statuses.sort()).toEqual([403, ...Array(19).fill(429)]);
  expect(performance.now() - began).toBeGreaterThan(990);
  // As soon as the refusal is there, the right one gets in.
  expect(await signIn(PASSWORD)).toBe(200);
});

it('does not even read a password that comes too early', async () => {
  const { url, signIn } = await openLogin();
  const wrong = signIn('a wrong one');
  await expect.poll(() => signIn('another'), { interval: 20 }).toBe(429);
  const sent = request(`${url}/login`, { method: 'POST', headers: { origin: url, 'content-length': 1_000 } });
  sent.on('error', () => undefined);
  sent.write('password=');
  const [answer] = await once(sent, 'response');
  expect(answer.statusCode).toBe(429);
  expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  sent.destroy();
  await wrong;
});

it('makes the pause longer with each wrong password, and short again after the right one', () => {
  let now = 0;
  const throttle = new LoginThrottle(() => now);
  expect(throttle.waitMs).toBe(0);
  for (const pause of [1_000, 2_000, 4_000, 8_000, 16_000, 16_000]) {
    expect(throttle.failed()).toBe(pause);
    expect(throttle.waitMs).toBe(pause);
    now += pause;
    expect(throttle.waitMs).toBe(0);
  }
  throttle.succeeded();
  expect(throttle.failed()).toBe(1_000);
});

it('takes no form from another site', async () => {
  const { url, signIn } = await openLogin();
  expect(await signIn(PASSWORD, { origin: 'http://evil.example' })).toBe(403);
  expect(await signIn(PASSWORD, { origin: 'null' })).toBe(403);
  expect(await signIn(PASSWORD, { origin: `${url}1` })).toBe(403);
});

it.each([
  ['says how long it is', true],
  ['does not say how long it is', false],
])('keeps nothing of a body that is too long and %s: the process does not grow', async (_, says) => {
  const served = start(['serve', '--port', '0', '--host', '127.0.0.2'], {
    DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
    P2PFK_CONSOLE_PASSWORD: PASSWORD,
  });
  onTestFinished(async () => {
    served.child.kill('SIGTERM');
    await served.finished;
  });
  await served.says('Ctrl-C ends it.');
  const [url = ''] = /http:\/\/127\.0\.0\.2:\d+/.exec(served.output()) ?? [];
  const before = residentMb(served.child.pid);
  const body = Buffer.alloc(60 * 1024 * 1024, 'a');
  const statuses = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const sent = request(`${url}/login`, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          ...(says ? { 'content-length': body.length } : { 'transfer-encoding': 'chunked' }),
        },
      });
      // Cut off in the middle of what it sends, which is as good an answer.
      const refused = once(sent, 'response').then(
        ([answer]) => answer.statusCode,
        () => 413,
      );
      sent.end(body);
      const status = await refused;
      sent.destroy();
      return status;
    }),
  );
  expect(new Set(statuses)).toEqual(new Set([413]));
  expect(residentMb(served.child.pid) - before).toBeLessThan(150);
});

function residentMb(pid: number | undefined): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}
