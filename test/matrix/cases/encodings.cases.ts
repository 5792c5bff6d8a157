/** Databases whose encoding knows no characters: identifiers are bytes there, and a cut may be in the middle of one. */
import { expect } from 'vitest';
import type { Case } from './case.helpers.ts';

/** 56 bytes: the names of foreign key and index have to be shortened. */
const LONG = 'é'.repeat(28);

export const cases: readonly Case[] = [
  {
    schema: '11-latin1',
    title: 'in SQL_ASCII names beyond ASCII are shortened to names that are none of half a character, there and back',
    since: 18,
    database: "ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
    run: async ({ db, migrate, value }) => {
      await db.observer.query(`
        CREATE TABLE "inode_${LONG}" PARTITION OF inode FOR VALUES IN (3); INSERT INTO inode VALUES (3, 1);
        CREATE TABLE "path_${LONG}" PARTITION OF path FOR VALUES IN (3); INSERT INTO path VALUES (1, 3, 1);`);
      const leaf = `conrelid = '"path_${LONG}"'::regclass AND contype = 'f' AND conparentid = 0`;
      expect(await migrate({ lockTimeoutMs: 10_000 })).toMatchObject({ status: 'MIGRATED' });
      expect(await value(`SELECT conname FROM pg_constraint WHERE ${leaf}`)).toMatch(/^fk_path_to_inode__[0-9a-f]{8}$/);
      expect(await migrate({ operation: 'rollback' })).toMatchObject({ status: 'ROLLED_BACK' });
      expect(await value(`SELECT count(*)::int FROM pg_constraint WHERE ${leaf}`)).toBe(0);
    },
  },
];
