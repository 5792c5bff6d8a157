/** The execution store, on real files, with other processes where one is needed. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { openStore } from '../../local/local-endpoint.ts';
import { ExecutionStore, STORE_FILE } from '../../local/store/execution-store.ts';
import { isAlive, type Owner, thisProcess } from '../../local/store/owner.ts';
import { eventOf, type NewExecution } from '../../local/store/records.ts';
import { stateDirectory } from '../../local/store/state-directory.ts';

const MACHINE = 'arn:aws:states:local:000000000000:stateMachine:p2pfk';
const DAY = 24 * 3_600_000;

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'p2pfk-store-')), 'state');
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

function execution(name: string, more: Partial<NewExecution> = {}): NewExecution {
  return {
    arn: `${MACHINE.replace('stateMachine', 'execution')}:${name}`,
    name,
    stateMachineArn: MACHINE,
    definition: '{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}',
    input: '{"table":"public.path"}',
    startDate: new Date(),
    ...more,
  };
}

function started(id: number): HistoryEvent {
  return { id, previousEventId: id - 1, type: 'PassStateEntered', timestamp: new Date(1_800_000_000_000 + id) };
}

describe('the execution store', () => {
  it('has after a restart what it had before, times included', () => {
    const before = ExecutionStore.open(directory);
    const first = execution('first');
    before.create(first);
    for (const id of [1, 2, 3]) before.append(first.arn, started(id));
    const stopDate = new Date();
    before.end(first.arn, { status: 'SUCCEEDED', output: '{"status":"MIGRATED"}', error: null, cause: null, stopDate });
    before.close();

    const after = ExecutionStore.open(directory);

    expect(after.find(first.arn)).toEqual({
      ...first,
      status: 'SUCCEEDED',
      output: '{"status":"MIGRATED"}',
      error: null,
      cause: null,
      stopDate,
    });
    expect(after.events(first.arn, { limit: 10 })).toEqual([started(1), started(2), started(3)]);
    expect(after.events(first.arn, { limit: 1, after: 1 })).toEqual([started(2)]);
    expect(after.events(first.arn, { limit: 2, reverse: true })).toEqual([started(3), started(2)]);
    expect(after.events(first.arn, { limit: 2, reverse: true, after: 3 })).toEqual([started(2), started(1)]);
    after.close();
  });

  it('takes a name once', () => {
    const store = ExecutionStore.open(directory);

    expect(store.create(execution('same'))).toBe(true);
    expect(store.create(execution('same', { input: '{}' }))).toBe(false);
    store.close();
  });

  it('ends what ran in a process that is gone, and says how to go on', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const owner: Owner = { host: thisProcess().host, pid: child.pid ?? 0, started: '' };
    const theirs = ExecutionStore.open(directory, owner);
    const lost = execution('lost');
    theirs.create(lost);
    theirs.append(lost.arn, started(1));
    theirs.close();
    const store = ExecutionStore.open(directory);
    expect(store.find(lost.arn)?.status).toBe('RUNNING');

    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;

    const cause = expect.stringMatching(/ledger.*p2pfk migrate --table public\.path goes on from there/);
    expect(store.find(lost.arn)).toMatchObject({ status: 'ABORTED', error: 'ProcessEnded', cause });
    expect(store.events(lost.arn, { limit: 10 })[1]).toMatchObject({
      id: 2,
      previousEventId: 0,
      type: 'ExecutionAborted',
      executionAbortedEventDetails: { error: 'ProcessEnded', cause },
    });
    expect(store.list({ stateMachineArn: MACHINE, status: 'RUNNING', limit: 10, offset: 0 })).toEqual([]);
    store.close();
  });

  it('knows another process by its number and its start, and one on another host by its last word', () => {
    const self = thisProcess();
    const now = Date.now();

    expect(isAlive(self, 0, now)).toBe(true);
    if (self.started !== '') expect(isAlive({ ...self, started: '1' }, now, now)).toBe(false);
    expect(isAlive({ ...self, host: 'elsewhere' }, now - 1_000, now)).toBe(true);
    expect(isAlive({ ...self, host: 'elsewhere' }, now - 120_000, now)).toBe(false);
  });

  it('hands a request to stop to the process that runs it', () => {
    const ours = ExecutionStore.open(directory);
    const running = execution('running');
    ours.create(running);
    const theirs = ExecutionStore.open(directory, { host: 'elsewhere', pid: 1, started: '' });

    expect(ours.beat(running.arn)).toBeNull();
    theirs.requestStop(running.arn, { error: 'Stopped', cause: 'enough' });

    expect(ours.beat(running.arn)).toEqual({ error: 'Stopped', cause: 'enough' });
    ours.close();
    theirs.close();
  });

  it('forgets what ended 90 days ago, and never what runs', () => {
    const store = ExecutionStore.open(directory);
    const old = new Date(Date.now() - 91 * DAY);
    store.create(execution('ended', { startDate: old }));
    store.create(execution('runs', { startDate: old }));
    store.end(execution('ended').arn, { status: 'FAILED', output: null, error: 'E', cause: null, stopDate: old });
    store.append(execution('ended').arn, started(1));

    store.create(execution('new'));

    expect(store.find(execution('ended').arn)).toBeNull();
    expect(store.events(execution('ended').arn, { limit: 1 })).toEqual([]);
    expect(store.find(execution('runs').arn)?.status).toBe('RUNNING');
    store.close();
  });

  it.skipIf(process.platform === 'win32')(
    'is for its user alone, and leaves a directory that was there as it was',
    () => {
      ExecutionStore.open(directory).close();
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      expect(statSync(join(directory, STORE_FILE)).mode & 0o777).toBe(0o600);

      const shared = join(directory, '..');
      chmodSync(shared, 0o755);
      ExecutionStore.open(shared).close();
      expect(statSync(shared).mode & 0o777).toBe(0o755);
    },
  );

  it.skipIf(process.platform === 'win32')('closes a directory and files of its user that others may write to', () => {
    for (const name of [STORE_FILE, `${STORE_FILE}-wal`]) {
      mkdirSync(directory, { recursive: true });
      chmodSync(directory, 0o777);
      writeFileSync(join(directory, name), '');
      chmodSync(join(directory, name), 0o666);
      ExecutionStore.open(directory).close();
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      for (const file of readdirSync(directory)) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600);
      rmSync(directory, { recursive: true });
    }

    mkdirSync(directory);
    writeFileSync(join(directory, 'notes'), '');
    chmodSync(directory, 0o777);
    expect(() => ExecutionStore.open(directory)).toThrow(/because other users may write to it: chmod go-w/);
    expect(statSync(directory).mode & 0o777).toBe(0o777);
    expect(readdirSync(directory)).toEqual(['notes']);
  });

  it.skipIf(process.platform === 'win32')('follows no link in place of one of its files', () => {
    const victim = join(directory, '..', 'victim');
    for (const link of [linkSync, symlinkSync]) {
      mkdirSync(directory);
      writeFileSync(victim, 'as it was');
      link(victim, join(directory, STORE_FILE));
      expect(() => ExecutionStore.open(directory)).toThrow(/because it is a link or no regular file/);
      expect(readFileSync(victim, 'utf8')).toBe('as it was');
      rmSync(directory, { recursive: true });
    }
  });

  it.runIf(process.getuid?.() === 0)('uses nothing that another user owns or can put in its place', () => {
    const thief = join(directory, '..');
    const refused = (path: string, reason: RegExp) => {
      expect(() => ExecutionStore.open(path)).toThrow(reason);
      // Named by the operator: no other place is taken instead.
      expect(() => openStore(path, () => undefined)).toThrow(reason);
    };
    ExecutionStore.open(directory).close();
    chownSync(join(directory, STORE_FILE), 65534, 65534);
    refused(directory, /executions\.sqlite is not used .* belongs to another user \(uid 65534\)/);
    chownSync(directory, 65534, 65534);
    refused(directory, /state is not used .* belongs to another user \(uid 65534\)/);
    chownSync(directory, 0, 0);
    chownSync(join(directory, STORE_FILE), 0, 0);

    chownSync(thief, 65534, 65534);
    refused(directory, /above it: it belongs to another user \(uid 65534\)/);
    refused(join(thief, 'new', 'state'), /above it: it belongs to another user \(uid 65534\)/);
    expect(readdirSync(thief)).toEqual(['state']);
    chownSync(thief, 0, 0);
    chmodSync(thief, 0o777);
    refused(directory, /above it: it may be written by every user/);
    chmodSync(thief, 0o1777);
    ExecutionStore.open(directory).close();
    const link = join(thief, 'link');
    symlinkSync(directory, link);
    ExecutionStore.open(link).close();
    lchownSync(link, 65534, 65534);
    refused(link, /is a link, and it belongs to another user/);

    // A group of several people can rename what is in a directory; that of root alone cannot.
    chmodSync(thief, 0o770);
    ExecutionStore.open(directory).close();
    chownSync(thief, 0, 65534);
    refused(directory, /above it: it may be written by its group \(gid 65534\)/);
    // Nor may the way lead through a directory in which another user can put another link.
    const way = mkdtempSync(join(tmpdir(), 'p2pfk-way-'));
    onTestFinished(() => rmSync(way, { recursive: true }));
    chownSync(thief, 0, 0);
    symlinkSync(thief, join(way, 'link'));
    ExecutionStore.open(join(way, 'link', 'state')).close();
    chownSync(way, 0, 65534);
    chmodSync(way, 0o770);
    refused(join(way, 'link', 'state'), /of \S*p2pfk-way-\w+ above it: it may be written by its group/);
  });

  it('lies where the user says, else where the XDG specification says', () => {
    const env = { P2PFK_STATE_DIR: '/from/env', XDG_STATE_HOME: '/xdg' };

    expect(stateDirectory('/given', env)).toBe('/given');
    expect(stateDirectory(undefined, env)).toBe('/from/env');
    if (process.platform === 'win32') return;
    expect(stateDirectory(undefined, { XDG_STATE_HOME: '/xdg' })).toBe('/xdg/p2pfk');
    expect(stateDirectory(undefined, { XDG_STATE_HOME: 'relative' })).toMatch(/\/\.local\/state\/p2pfk$/);
  });
});

it('an event that was kept in another shape is refused, and its field named', () => {
  expect(() => eventOf('{"id":"1","type":"ExecutionStarted"}')).toThrow(/holds an event that cannot be read: .*id/s);
});
