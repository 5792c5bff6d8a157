/** What a database brings along into our sessions, and what the application's own code finds there. */
import { expect } from 'vitest';
import { plan } from '../migration.helpers.ts';
import type { Case } from './case.helpers.ts';

export const cases: readonly Case[] = [
  {
    schema: '02-numeral-text-keys',
    title: 'keys that are numerals are told apart where standard_conforming_strings is off',
    run: async ({ db, table, migrate }) => {
      expect((await plan(db, { table })).pairs).toHaveLength(2);
      expect(await migrate()).toMatchObject({ status: 'MIGRATED' });
      await db.observer.query(`INSERT INTO inode VALUES ('1', 1)`);
      await db.observer.query(`INSERT INTO path VALUES (1, '1', 1)`);
    },
  },
  {
    schema: '05-check-function-with-unqualified-name',
    title: 'a CHECK function finds its helper in all that fires it, and goes on doing so',
    since: 15,
    run: async ({ db, migrate }) => {
      expect(await migrate()).toMatchObject({ status: 'MIGRATED' });
      expect((await db.observer.query('DELETE FROM inode WHERE k = 1 AND ino = 1')).rowCount).toBe(1);
      expect(await migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
    },
  },
  {
    schema: '17-event-trigger',
    title: 'an event trigger finds its table, there and back',
    run: async ({ migrate, value }) => {
      expect(await migrate()).toMatchObject({ status: 'MIGRATED' });
      expect(await migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
      expect(Number(await value('SELECT count(*) FROM ddl_log'))).toBeGreaterThan(4);
    },
  },
  {
    schema: '17-event-trigger',
    title: 'an event trigger that does not find its table is named, and nothing is left behind',
    run: async ({ db, migrate, value }) => {
      await db.observer.query('DROP EVENT TRIGGER log_ddl; DROP TABLE ddl_log');
      await db.observer.query(
        `CREATE EVENT TRIGGER log_ddl ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION log_ddl()`,
      );
      const { status, error, message } = await migrate();
      expect({ status, error }).toEqual({ status: 'FAILED', error: 'StatementFailed' });
      expect(message).toMatch(/"ddl_log" does not exist.*in: .*log_ddl/);
      expect(Number(await value(`SELECT count(*) FROM pg_constraint WHERE conname LIKE 'fk\\_%'`))).toBe(0);
    },
  },
];
