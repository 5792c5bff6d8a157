/** The count of orphans compares keys as the foreign key does: by its very operators and its collation, and not by others of their names. */
import { expect, it } from 'vitest';
import { verifyTable } from '../../../core/checks/verification.ts';
import { coreSession, databaseWith, oneRow, smuggle } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** Two pairs whose key has these types. */
const tables = (referenced: string, referencing: string) => `
  CREATE TABLE inode (part int, m ${referenced} NOT NULL, PRIMARY KEY (part, m)) PARTITION BY LIST (part);
  CREATE TABLE path (part int, m ${referencing}, name text) PARTITION BY LIST (part);
  CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
  CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
  CREATE TABLE inode_2 PARTITION OF inode FOR VALUES IN (2);
  CREATE TABLE path_2 PARTITION OF path FOR VALUES IN (2);
  INSERT INTO inode SELECT p, 'u' || n FROM generate_series(1, 2) p, generate_series(1, 30) n;
  INSERT INTO path SELECT part, m, 'a name' FROM inode;
  ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (part, m) REFERENCES inode ON DELETE CASCADE;
  ANALYZE;`;

it.each([
  ['both columns', 'email', 'email', 'email', 'email'],
  ['the referencing column', 'citext', 'email', 'citext', 'email'],
  ['the referenced column', 'email', 'citext', 'email', 'citext'],
])(
  'an operator that fits a domain of %s better is not taken, and an orphan is found',
  async (_, one, other, left, right) => {
    const testCase = await databaseWith(
      `CREATE EXTENSION citext; CREATE DOMAIN email AS citext; ${tables(one, other)}`,
    );
    const { db, observer } = testCase;
    const { role } = await plainRole(testCase);
    await observer.query(`GRANT CREATE ON SCHEMA public TO ${role}; SET ROLE ${role};
    CREATE FUNCTION public.grab(${left}, ${right}) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'captured by %', current_user; END $$;
    CREATE OPERATOR public.= (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = public.grab);
    RESET ROLE`);
    // Otherwise the test would prove nothing.
    await expect(observer.query(`SELECT FROM inode r JOIN path f ON r.m OPERATOR(public.=) f.m`)).rejects.toThrow(
      /captured by/,
    );

    const execution = new Execution();
    await execution.migrate('VerifyMigration', { recount: 'all', proofMaxAgeSeconds: 0 });
    await smuggle(observer, `INSERT INTO path VALUES (1, 'orphan', 'orphan')`);

    const { checks } = await verifyTable(await coreSession(db.url), { table: 'path' });
    expect(checks.find(({ id }) => id === 'orphans')).toMatchObject({
      passed: false,
      detail: expect.stringMatching(/\b1 (?:row|orphan)/),
    });
  },
);

it.each([
  ['by other collations, both deterministic', 'text COLLATE "C"', 'text COLLATE "POSIX"', 'orphan'],
  ['by a collation of its own that is not deterministic', 'text', 'text COLLATE caseless', 'U7'],
  ['without a collation of its own', 'name', 'text', 'orphan'],
])(
  'a column that compares %s is counted as the foreign key compares it',
  async (_, referenced, referencing, orphan) => {
    const { db, observer } = await databaseWith(
      `CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false); ${tables(referenced, referencing)}`,
    );
    await expect(observer.query(`INSERT INTO path VALUES (1, '${orphan}', 'orphan')`)).rejects.toThrow(
      /violates foreign/,
    );

    const execution = new Execution();
    await execution.migrate('VerifyMigration', { recount: 'all', proofMaxAgeSeconds: 0 });
    expect(await oneRow(observer, 'SELECT state FROM p2pfk.migration')).toEqual({ state: 'migrated' });
    await smuggle(observer, `INSERT INTO path VALUES (1, '${orphan}', 'orphan')`);

    const { checks } = await verifyTable(await coreSession(db.url), { table: 'path' });
    expect(checks.find(({ id }) => id === 'orphans')).toMatchObject({ passed: false });
  },
);
