/** A failover: the name of the primary leads to a server that takes no writes, for a while or from the beginning. */
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { LoopbackProxy } from '../../chaos/harness/proxy.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { type Replicated, replicatedDatabase, startReplicated } from '../../support/standby.ts';
import { foreignKeys, oneRow, THREE_PAIRS } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

let servers: Replicated;
beforeAll(async () => {
  servers = await startReplicated();
});
afterAll(() => servers?.stop());

it('a primary that is a standby by now counts as a lost connection; when the name leads to the primary, the step goes on', async () => {
  const { observer, url } = await replicatedDatabase(servers, THREE_PAIRS);
  const proxy = await LoopbackProxy.start(servers.primary.port);
  onTestFinished(() => proxy.stop());
  const named = new URL(url);
  named.port = String(proxy.port);
  vi.stubEnv('DATABASE_URL', named.href);
  const execution = new Execution();
  await execution.migrate('AddForeignKeys');

  proxy.leadTo(servers.standby.port);
  await expect(execution.validateForeignKey(1)).rejects.toMatchObject({
    name: 'ConnectionLost',
    message: expect.stringMatching(/ is a standby by now and takes no writes: another server has become the primary/),
  });
  await expect(execution.pause({ Error: 'ConnectionLost', Cause: '' })).rejects.toMatchObject({
    name: 'ConnectionLost',
  });

  proxy.leadTo(servers.primary.port);
  await execution.runUntil('VerifyMigration');
  expect(await foreignKeys(observer)).toHaveLength(3);
  expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
});

it('at the first connection it is bad input for what writes, and no hindrance for what reads', async () => {
  const { readerUrl } = await replicatedDatabase(servers, THREE_PAIRS);

  for (const command of ['migrate', 'rollback']) {
    const { code, stderr } = await p2pfk([command, '--table', 'path', '--yes', '-d', readerUrl]);
    expect(stderr).toMatch(/refused, nothing was changed: .* is a standby and takes no writes; connect to the primary/);
    expect(code).toBe(2);
  }
  expect((await p2pfk(['plan', '--table', 'path', '-d', readerUrl])).stdout).toMatch(
    /read-only-server[\s\S]*Refused: 1 error/,
  );
});
