/** The queries of `sql/` take and return the same on every version: what `npm run sql:types` has written. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { makeTables, writeModule } from '../../scripts/sql-types/module.ts';
import { startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

describe('queries', () => {
  it('take and return the types that core/postgres/sql-types.ts has for them', async () => {
    const server = await startServer(majorUnderTest);
    onTestFinished(() => server.stop());
    const db = await server.database('');
    onTestFinished(() => db.drop());
    await makeTables(db.observer);

    const file = join(import.meta.dirname, '../../core/postgres/sql-types.ts');
    expect(await writeModule(db.observer)).toBe(readFileSync(file, 'utf8'));
  });
});
