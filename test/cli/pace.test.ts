/** `p2pfk throttle`, `hold` and `resume` beside a migration that runs in another process, on a real server. */
import { describe, expect, it } from 'vitest';
import { databaseWith } from '../core/case.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { holdLock, waitUntil } from '../support/observe.ts';
import { start } from './cli.helpers.ts';
import { p2pfkHere } from './here.helpers.ts';

describe('a migration that runs', () => {
  it('is slowed down, held and let go on by its database alone, and never validates two pairs at once then', async () => {
    const { db, observer } = await databaseWith();
    const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };
    // Index builds wait until it ends.
    const { release } = await holdLock(
      await db.client(),
      'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM path',
    );
    const migration = start(['migrate', '-t', 'path', '--yes', '--max-concurrency', '2'], env);
    const at = async (step: string) => {
      const { rows } = await observer.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
            AND application_name LIKE 'p2pfk/%/run/' || $1 || '/%' AND query ~ '^(BEGIN;|CREATE INDEX)'`,
        [step],
      );
      return rows.length;
    };
    await waitUntil(async () => (await at('build-index')) === 2, 'two index builds');

    const slower = await p2pfkHere(['throttle', '-t', 'path', '--max-concurrency', '1', '--by', 'Ana'], env);
    expect(slower).toMatchObject({ code: 0, stderr: '' });
    expect(slower.stdout).toMatch(/\n✓ From now on 1 of 2 pairs side by side; what runs ends\n$/);
    expect(await p2pfkHere(['throttle', '-t', 'path', '--max-concurrency', '3'], env)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^p2pfk: --max-concurrency 3 is more than the 2 that the execution was started with,/,
      ),
    });
    expect(await p2pfkHere(['hold', '-t', 'path'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("required option '--reason <text>' not specified"),
    });
    const held = await p2pfkHere(['hold', '--by', 'Ana', '--reason', 'CHG-7'], env);
    expect(held.stdout).toMatch(
      /\n‖ Held by Ana \(login \w+\) since \S+Z: CHG-7 \(as stated, not verified\)\n.*\n {2}p2pfk resume --execution arn:\S+\n$/,
    );
    const status = await p2pfkHere(['status', '-t', 'path'], env);
    expect(status.stdout).toMatch(/\nPace {9}held by Ana .*: CHG-7; 1 of 2 pairs side by side, set by Ana /);
    expect(status.stdout).toMatch(/\nNext {9}it is held, and goes on with this:\n {2}p2pfk resume --table path\n/);
    expect((await p2pfkHere(['list'], env)).stdout).toMatch(/running, held by Ana since \S+Z/);

    await release();
    await migration.says('‖ Held back: held by Ana ');
    await waitUntil(async () => (await at('build-index')) === 0, 'both builds to end');
    let most = 0;
    let over = false;
    const looking = (async () => {
      while (!over) most = Math.max(most, await at('validate-foreign-key'));
    })();
    const document = JSON.parse((await p2pfkHere(['resume', '--json'], env)).stdout);
    expect(document).toMatchObject({ changed: true, hold: null, maxConcurrency: 1, maxConcurrencyAtStart: 2 });

    const { code, stdout } = await migration.finished;
    over = true;
    await looking;
    expect(most).toBeLessThanOrEqual(1);
    expect({ code, done: stdout.includes('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓') }).toEqual({ code: 0, done: true });
    expect(await p2pfkHere(['hold', '-t', 'path', '--reason', 'late'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is at its end: no execution works on it'),
    });
    const report = await p2pfkHere(['report', '--format', 'markdown'], env);
    expect(report.code, report.stderr).toBe(0);
    for (const step of ['Throttle to 1', 'Hold', 'Resume']) expect(report.stdout).toContain(step);
  });
});
