/** Deliveries to receivers that verify, hang, fail and redirect. */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Deliveries } from '../../../cli/hooks/deliveries.ts';
import { openHooks } from '../../../cli/hooks/hooks.ts';
import type { Milestone } from '../../../cli/hooks/milestones.ts';
import { webhook } from '../../../cli/hooks/webhook.ts';
import { createProgram } from '../../../cli/program.ts';
import { withTheseInstead } from '../../../cli/repeat.ts';
import { InvalidInput } from '../../../core/contracts/errors.ts';
import { withheld } from '../../../core/contracts/redact.ts';
import { p2pfkHere } from '../here.helpers.ts';
import { receiver, SECRET } from './receiver.helpers.ts';

const milestone = (type: Milestone['type'], text = 'news'): Milestone => ({
  type,
  timestamp: '2026-11-28T12:00:00.000Z',
  data: {
    severity: 'info',
    text,
    operation: 'migrate',
    table: 'public.path',
    constraint: null,
    database: null,
    server: null,
    migrationId: null,
    executionArn: 'arn',
    pairs: null,
    resumed: false,
    reason: null,
    error: null,
  },
});

interface Limits {
  readonly tryMs?: number;
  readonly waitsMs?: readonly number[];
}

/** With short waits, so that a test can see all of them. */
function deliveriesTo(url: string, { tryMs = 60_000, waitsMs = [1, 1, 1] }: Limits = {}) {
  const warnings: string[] = [];
  const deliveries = new Deliveries({
    name: '--notify-url',
    deliver: webhook({ url: new URL(url), secret: SECRET, tryMs, waitsMs }),
    warn: (line) => warnings.push(line),
    inOrder: false,
  });
  const add = (type: Milestone['type']): void => {
    const news = milestone(type);
    deliveries.add({ milestone: news, body: JSON.stringify(news) });
  };
  return { deliveries, warnings, add };
}

const LONG_MS = 60_000;
const AFFECTED = 'the migration is not affected, and this is reported once';

describe('a document', () => {
  it('is signed as Standard Webhooks has it, with an id of its own', async () => {
    const there = await receiver();
    const { deliveries, warnings, add } = deliveriesTo(`${there.url}/p2pfk?key=1`);

    add('migration.started');
    add('migration.finished');
    await deliveries.close(LONG_MS);

    expect(
      there
        .milestones()
        .map(({ type }) => type)
        .sort(),
    ).toEqual(['migration.finished', 'migration.started']);
    expect(there.requests).toEqual([
      expect.objectContaining({ method: 'POST', path: '/p2pfk?key=1' }),
      expect.objectContaining({ method: 'POST', path: '/p2pfk?key=1' }),
    ]);
    const [one, other] = there.requests.map(({ headers }) => headers);
    expect(one).toMatchObject({ 'content-type': 'application/json', 'webhook-id': expect.stringMatching(/^msg_/) });
    expect(one?.['webhook-id']).not.toBe(other?.['webhook-id']);
    expect(warnings).toEqual([]);
  });

  it.each([500, 503, 429])('is sent again after %i, as the same message, until it is taken', async (status) => {
    const there = await receiver((response, count) => void response.writeHead(count < 3 ? status : 204).end());
    const { deliveries, warnings, add } = deliveriesTo(there.url);

    add('migration.started');
    await expect.poll(() => there.requests.length, { timeout: LONG_MS }).toBe(3);
    await deliveries.close(LONG_MS);

    expect(new Set(there.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(there.milestones()).toHaveLength(3);
    expect(warnings).toEqual([]);
  });

  it('is given up after some tries, with one warning for all of them', async () => {
    const there = await receiver((response) => void response.writeHead(500).end('a long answer'));
    const { deliveries, warnings, add } = deliveriesTo(there.url);

    add('migration.started');
    add('migration.finished');
    await deliveries.close(LONG_MS);

    expect(there.requests).toHaveLength(8);
    expect(warnings).toEqual([`--notify-url: it answered 500, the last of 4 tries; ${AFFECTED}`]);
  });

  it.each([400, 401, 404, 410])('is not sent again after %i, which the next try would get too', async (status) => {
    const there = await receiver((response) => void response.writeHead(status).end());
    const { deliveries, warnings, add } = deliveriesTo(there.url);

    add('migration.started');
    await deliveries.close(LONG_MS);

    expect(there.requests).toHaveLength(1);
    expect(warnings).toEqual([`--notify-url: it answered ${status}; ${AFFECTED}`]);
  });

  it.each([301, 302, 307, 308])('follows no redirect: %i', async (status) => {
    const other = await receiver();
    const there = await receiver((response) => void response.writeHead(status, { location: other.url }).end());
    const { deliveries, warnings, add } = deliveriesTo(there.url);

    add('migration.started');
    await deliveries.close(LONG_MS);

    expect({ there: there.requests.length, other: other.requests.length }).toEqual({ there: 1, other: 0 });
    expect(warnings).toEqual([`--notify-url: it answered ${status}, and redirects are not followed; ${AFFECTED}`]);
  });

  it('that a receiver never answers is given up by its time limit, and tried again', async () => {
    const there = await receiver(() => undefined);
    const { deliveries, warnings, add } = deliveriesTo(there.url, { tryMs: 300 });

    add('migration.started');
    await expect
      .poll(() => warnings, { timeout: LONG_MS })
      .toEqual([`--notify-url: it did not answer in time, the last of 4 tries; ${AFFECTED}`]);
    expect(there.requests.length).toBeGreaterThan(1);
    await deliveries.close(LONG_MS);
  });

  it('that a receiver never answers does not delay the end of the process for longer than allowed', async () => {
    const there = await receiver(() => undefined);
    const { deliveries, warnings, add } = deliveriesTo(there.url);

    add('migration.started');
    await expect.poll(() => there.requests.length, { timeout: LONG_MS }).toBe(1);
    await deliveries.close(100);

    expect(warnings).toEqual([`--notify-url: it did not answer in time; ${AFFECTED}`]);
  });

  it('that waits for its next try is tried at once when the process ends', async () => {
    const there = await receiver((response, count) => void response.writeHead(count === 1 ? 500 : 204).end());
    const { deliveries, warnings, add } = deliveriesTo(there.url, { waitsMs: [3_600_000] });

    add('migration.finished');
    await expect.poll(() => there.requests.length, { timeout: LONG_MS }).toBe(1);
    await deliveries.close(LONG_MS);

    expect(there.milestones()).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  it('does not wait for an earlier one that hangs', async () => {
    const there = await receiver((response, count) => void (count > 1 && response.writeHead(204).end()));
    const { deliveries, add } = deliveriesTo(there.url);

    add('migration.started');
    await expect.poll(() => there.requests.length, { timeout: LONG_MS }).toBe(1);
    add('migration.rollback_failed');
    await expect.poll(() => there.milestones().at(-1)?.type, { timeout: LONG_MS }).toBe('migration.rollback_failed');
    await deliveries.close(1);
  });

  it('to a receiver that is not there is a warning without its URL', async () => {
    const { deliveries, warnings, add } = deliveriesTo('http://127.0.0.1:2/token-of-this-test');

    add('migration.started');
    await deliveries.close(LONG_MS);

    expect(warnings).toEqual([
      `--notify-url: it could not be reached (ECONNREFUSED), the last of 4 tries; ${AFFECTED}`,
    ]);
  });
});

describe('before anything begins', () => {
  const TOKEN = 'T0KEN-of-the-URL-1234567890';
  const HTTPS = `https://hooks.example.com/${TOKEN}`;

  it.each([
    ['a URL that is none', `hooks/${TOKEN}`, { P2PFK_NOTIFY_SECRET: SECRET }, 'must be a URL'],
    ['http to another machine', `http://hooks.example.com/${TOKEN}`, { P2PFK_NOTIFY_SECRET: SECRET }, 'https://'],
    [
      'a name that only begins as loopback',
      `http://127.0.0.1.example.com/${TOKEN}`,
      { P2PFK_NOTIFY_SECRET: SECRET },
      'https://',
    ],
    ['another scheme', `file:///tmp/${TOKEN}`, { P2PFK_NOTIFY_SECRET: SECRET }, 'https://'],
    ['a user', `https://${TOKEN}@hooks.example.com/`, { P2PFK_NOTIFY_SECRET: SECRET }, '--notify-url'],
    ['no key', HTTPS, {}, 'export P2PFK_NOTIFY_SECRET="whsec_$(openssl rand -base64 32)"'],
    ['a key that is too short', HTTPS, { P2PFK_NOTIFY_SECRET: 'whsec_c2hvcnQ=' }, '24 to 64 random bytes'],
    ['a key that is not Base64', HTTPS, { P2PFK_NOTIFY_SECRET: `${SECRET}!` }, '24 to 64 random bytes'],
  ])('%s is refused in one line without URL and key', async (_, url, env, expected) => {
    for (const command of [
      ['migrate', '-t', 'path'],
      ['rollback', '-t', 'path'],
      ['serve', '--port', '0'],
    ]) {
      const refused = await p2pfkHere([...command, '--notify-url', url], { PGPORT: '1', ...env });

      expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 2, stdout: '' });
      expect(refused.stderr).toMatch(/^p2pfk: [^\n]+\n$/);
      expect(refused.stderr).toContain(expected);
      expect(refused.stderr).not.toContain(TOKEN);
      expect(refused.stderr).not.toContain('c2hvcnQ');
    }
  });

  it.each([
    ['no such option, with a URL', [`--notify-ur=${HTTPS}`]],
    ['no such option, before a URL', ['--notify-ur', HTTPS]],
    ['no such option, with a value', ['--notify-secre=whsec_Zq7']],
    ['another option, with a URL', ['--recount', HTTPS]],
  ])('a mistyped option is refused without what was behind it: %s', async (_, typed) => {
    const { code, stderr } = await p2pfkHere(['migrate', '-t', 'path', ...typed], { PGPORT: '1' });

    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^p2pfk: [^\n]+\n$/),
    });
    expect(stderr).not.toContain(TOKEN);
    expect(stderr).not.toContain('Zq7');
  });

  it('a URL that was typed with what may be a token is warned about, and one of the environment is not', async () => {
    const env = { PGPORT: '1', P2PFK_NOTIFY_SECRET: SECRET };
    const typed = await p2pfkHere(['migrate', '-t', 'path', '--notify-url', HTTPS], env);
    const kept = await p2pfkHere(['migrate', '-t', 'path'], { ...env, P2PFK_NOTIFY_URL: HTTPS });

    expect(typed.stderr).toMatch(
      /^! the URL in --notify-url is visible in the process list.*P2PFK_NOTIFY_URL\np2pfk: /,
    );
    expect(kept.stderr).toMatch(/^p2pfk: [^\n]*no host is given[^\n]*\n$/);
    expect(`${typed.stderr}${kept.stderr}`).not.toContain(TOKEN);
  });
});

it('the domain of the receiver, which may be that of the database, is no secret', async () => {
  const url = 'https://hooks.mycompany-internal.example/p2pfk';
  vi.stubEnv('P2PFK_NOTIFY_SECRET', SECRET);
  onTestFinished(() => void vi.unstubAllEnvs());
  openHooks({ notifyUrl: url }, false, () => undefined);

  expect(withheld('no answer from db.mycompany-internal.example:5432')).toContain('mycompany-internal');
  openHooks({ notifyUrl: 'https://a1b2c3d4e5f6a7b8c9.lambda-url.eu-central-1.on.aws/' }, false, () => undefined);
  expect(withheld('at a1b2c3d4e5f6a7b8c9')).not.toContain('a1b2c3');
});

it('a command to copy does not repeat the URL', () => {
  const migrate = createProgram(() => undefined).commands.find((command) => command.name() === 'migrate');
  migrate?.setOptionValueWithSource('table', 'pth', 'cli');
  migrate?.setOptionValueWithSource('notifyUrl', 'https://hooks.example.com/token', 'cli');
  migrate?.setOptionValueWithSource('maxConcurrency', 2, 'cli');
  const error = new InvalidInput('there is no table pth', {}, { choices: [{ table: 'path' }] });

  expect(withTheseInstead(error, migrate ?? null)).toEqual(['p2pfk migrate --table path --max-concurrency 2']);
});
