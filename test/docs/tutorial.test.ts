/** Every command of docs/tutorial.md, in its order, prints what the page says. */
import { expect, it, onTestFinished } from 'vitest';
import { start } from '../cli/cli.helpers.ts';
import { hasPsql } from '../psql/psql.helpers.ts';
import { followPage } from './console.helpers.ts';

it.runIf(hasPsql)(
  'does in each step of the tutorial what the page says',
  async () => {
    const { child, finished, says, output } = start(['demo', '--database', '--rows', '40000']);
    onTestFinished(async () => {
      child.kill('SIGINT');
      expect((await finished).code).toBe(0);
    });
    await says('export DATABASE_URL=');
    await says('p2pfk plan --table path');
    const databaseUrl = /export DATABASE_URL=(\S+)/.exec(output())?.[1] ?? '';
    expect(await followPage('docs/tutorial.md', { databaseUrl })).toBeGreaterThan(7);
  },
  300_000,
);
