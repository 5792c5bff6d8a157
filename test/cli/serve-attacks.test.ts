/** What no request and no stray error may do: end the process of `p2pfk serve`, or the migration in it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.ts';
import { p2pfk, type Started, start } from './cli.helpers.ts';

/** `p2pfk serve` on a database of its own; it has to be alive at the end of the test. */
async function served(env: Readonly<Record<string, string>> = {}) {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  const process = start(['serve', '--port', '0'], { DATABASE_URL: db.url, ...env });
  onTestFinished(async () => {
    process.child.kill('SIGTERM');
    await process.finished;
  });
  await process.says('Ctrl-C ends it.');
  const port = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(process.output())?.[1]);
  return { process, port, url: `http://127.0.0.1:${port}` };
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  // A reset is what some of these attacks are.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const CALL = [
  'POST / HTTP/1.1',
  'Host: 127.0.0.1',
  'Content-Type: application/x-amz-json-1.0',
  'X-Amz-Target: AWSStepFunctions.ListStateMachines',
];

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`;

async function answers(url: string, process: Started): Promise<void> {
  // No token: refused, and so alive.
  expect((await fetch(url)).status).toBe(403);
  expect(process.child.exitCode).toBeNull();
}

const REQUESTS: readonly (readonly [what: string, bytes: string])[] = [
  ['a call that is cut off in its body', `${lines(...CALL, 'Content-Length: 1000')}{"a`],
  ['a call that is cut off in a chunk', `${lines(...CALL, 'Transfer-Encoding: chunked')}ffff\r\n{"a`],
  ['a form that is cut off in its body', `${lines('POST /login HTTP/1.1', 'Host: 127.0.0.1', 'Content-Length: 90')}a`],
  ['headers that are cut off', 'POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz'],
  ['what is no HTTP', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000'],
  ['a chunk of no length', `${lines(...CALL, 'Transfer-Encoding: chunked')}zzzz\r\n`],
  ['two lengths', `${lines(...CALL, 'Content-Length: 2', 'Content-Length: 3')}{}`],
  ['another protocol', lines('GET / HTTP/1.1', 'Host: 127.0.0.1', 'Connection: Upgrade', 'Upgrade: websocket')],
  ['a proxy request', lines('CONNECT 127.0.0.1:5432 HTTP/1.1', 'Host: 127.0.0.1')],
  ['a target that is no path', lines('GET http://[ HTTP/1.1', 'Host: 127.0.0.1')],
  ['a path that cannot be decoded', lines('GET /executions/%E0%A4%A HTTP/1.1', 'Host: 127.0.0.1')],
];

it('a request that is cut off, or is none, leaves the server alive', async () => {
  const { port, url, process } = await served();
  for (const [what, bytes] of REQUESTS) {
    for (const end of ['reset', 'close'] as const) {
      const socket = await open(port);
      socket.write(bytes, 'latin1');
      // It has arrived when another request on the same server has been answered.
      await answers(url, process);
      if (end === 'reset') socket.resetAndDestroy();
      else socket.destroy();
      await answers(url, process);
      expect(process.output(), what).not.toMatch(/Error|at .*\.ts/);
    }
  }
});

it('a client that asks and asks and never reads, and one that is gone before the answer, leave it alive', async () => {
  const { port, url, process } = await served();
  const deaf = await open(port);
  deaf.pause();
  for (let n = 0; n < 2_000; n++) deaf.write(lines('GET /assets/console.css HTTP/1.1', 'Host: 127.0.0.1'));
  const gone = await open(port);
  gone.write(lines('GET /assets/console.js HTTP/1.1', 'Host: 127.0.0.1'));
  gone.resetAndDestroy();
  await answers(url, process);
  deaf.resetAndDestroy();
  await answers(url, process);
});

it('a client that has the key is answered while 100 connections without it are opened again and again', async () => {
  const { port, url, process } = await served();
  const [, key = ''] = /#token=([\w-]+)/.exec(process.output()) ?? [];
  let over = false;
  const sockets = new Set<Socket>();
  onTestFinished(() => {
    over = true;
    for (const socket of sockets) socket.destroy();
  });
  let answered = 0;
  // Each comes again as soon as it is closed, asks for what is public, and then keeps the server waiting for more headers.
  const flood = (): void => {
    if (over) return;
    const socket = connect(port, '127.0.0.1');
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      sockets.delete(socket);
      setTimeout(flood, 5);
    });
    socket.once('data', () => {
      answered += 1;
      socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
    });
    socket.write(lines('GET / HTTP/1.1', 'Host: 127.0.0.1'));
  };
  for (let n = 0; n < 100; n++) flood();
  await expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(64);

  const authorization = `Bearer ${key}`;
  for (let n = 0; n < 5; n++) {
    const answer = await fetch(`${url}/start`, { headers: { authorization }, signal: AbortSignal.timeout(5_000) });
    expect(answer.status).toBe(200);
    await answer.text();
  }
  expect(process.child.exitCode).toBeNull();
});

it('an error that nobody caught is one line, and ends neither the server nor a migration', async () => {
  const stray = `
    process.on('SIGUSR2', () => {
      Promise.reject(new Error('a stray rejection\\u001b[31m\\nwith a second line'));
      setImmediate(() => { throw new TypeError('a stray exception'); });
      setImmediate(() => { process.stdout.emit('error', Object.assign(new Error('gone'), { code: 'EPIPE' })); });
    });`;
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(stray)}` };
  const { url, process } = await served(env);

  process.child.kill('SIGUSR2');
  await process.says('a stray exception');

  await answers(url, process);
  const told = process.output().split('\n');
  expect(told.filter((line) => line.includes('stray rejection'))).toEqual([
    expect.stringMatching(/^! .*a stray rejection\\x1b\[31m with a second line/),
  ]);
  expect(process.output()).not.toMatch(/\n\s+at /);

  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  const migration = start(['migrate', '-t', 'path', '--approval', 'manual'], { DATABASE_URL: db.url, ...env });
  await migration.says('Waiting for approval');
  migration.child.kill('SIGUSR2');
  await migration.says('a stray exception');
  const approved = await p2pfk(['approve', '-t', 'path'], { DATABASE_URL: db.url });
  expect(approved.code).toBe(0);
  expect((await migration.finished).code).toBe(0);
});

it('a reader of the progress that goes away does not end the migration', async () => {
  const db = await createDatabase('source-case');
  onTestFinished(() => db.drop());
  const migration = start(['migrate', '-t', 'path'], { DATABASE_URL: db.url });
  await migration.says('Added NOT VALID');
  migration.child.stdout.destroy();
  const { code } = await migration.finished;
  expect(code).toBe(0);
  expect((await p2pfk(['verify', '-t', 'path'], { DATABASE_URL: db.url })).code).toBe(0);
});

it('the SQL of an execution input is run only where the operator has allowed it', async () => {
  const ended = async (...flags: string[]) => {
    const db = await createDatabase('source-case');
    onTestFinished(() => db.drop());
    const process = start(['serve', '--port', '0', '--json', ...flags], { DATABASE_URL: db.url });
    await process.says('}');
    const text = process.output();
    const { endpointUrl, stateMachineArn, ...credentials } = JSON.parse(text.slice(0, text.indexOf('}') + 1));
    const client = new SFNClient({ region: 'local', endpoint: endpointUrl, credentials });
    const input = JSON.stringify({ table: 'path', holdBackQuery: `SELECT pg_read_file('/etc/passwd')::boolean` });
    const { executionArn } = await client.send(new StartExecutionCommand({ stateMachineArn, input }));
    const describe = () => client.send(new DescribeExecutionCommand({ executionArn }));
    await expect.poll(async () => (await describe()).status, { timeout: 60_000 }).toBe('FAILED');
    const { events } = await client.send(new GetExecutionHistoryCommand({ executionArn }));
    expect(JSON.stringify(events)).not.toContain('root:');
    const { cause = '' } = await describe();
    client.destroy();
    process.child.kill('SIGTERM');
    await process.finished;
    return cause;
  };

  expect(await ended()).toContain('holdBackQuery is not allowed here');
  expect(await ended('--allow-hold-back-query')).toContain('the hold-back query failed (SQLSTATE 22P02)');
});
