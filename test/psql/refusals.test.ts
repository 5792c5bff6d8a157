/** What the psql scripts refuse: one clear line, exit code 3, nothing changed. */
import { expect, it } from 'vitest';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { planMigration } from '../../core/plan/read-plan.ts';
import { coreSession, databaseWith, everything, oneRow, smuggle, THREE_PAIRS } from '../core/case.helpers.ts';
import { describeWithPsql, psql, psqlInOrder, type Script } from './psql.helpers.ts';

const LATE_TRIGGER = `
  CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
  CREATE TRIGGER "~z" BEFORE UPDATE ON inode FOR EACH ROW EXECUTE FUNCTION late()`;

const SHAPES = `
  CREATE TABLE plain (a int PRIMARY KEY);
  CREATE TABLE plain_child (a int REFERENCES plain);
  CREATE TABLE r (k int, i int, PRIMARY KEY (k, i)) PARTITION BY LIST (k);
  CREATE TABLE r1 PARTITION OF r FOR VALUES IN (1);
  CREATE TABLE r2 PARTITION OF r FOR VALUES IN (2);
  CREATE TABLE no_fk (k int, i int) PARTITION BY LIST (k);
  CREATE TABLE to_plain (k int, a int CONSTRAINT "To Plain" REFERENCES plain) PARTITION BY LIST (k);
  CREATE TABLE two (k int, i int, j int, CONSTRAINT fk_i FOREIGN KEY (k, i) REFERENCES r, CONSTRAINT "FK j" FOREIGN KEY (k, j) REFERENCES r)
    PARTITION BY LIST (k);
  CREATE TABLE two1 PARTITION OF two FOR VALUES IN (1);
  CREATE TABLE by_range (k int, i int, FOREIGN KEY (k, i) REFERENCES r) PARTITION BY RANGE (k);
  CREATE TABLE by_other (k int, i int, FOREIGN KEY (k, i) REFERENCES r) PARTITION BY LIST (i);
  CREATE TABLE by_expression (k int, i int, FOREIGN KEY (k, i) REFERENCES r) PARTITION BY LIST ((k + 1));
  CREATE TABLE lone (k int, i int, CONSTRAINT lone_fk FOREIGN KEY (k, i) REFERENCES r) PARTITION BY LIST (k);
  CREATE TABLE lone1 PARTITION OF lone FOR VALUES IN (1);
  CREATE TABLE r3 PARTITION OF r FOR VALUES IN (3);
  CREATE TABLE lone23 PARTITION OF lone FOR VALUES IN (2, 3);
  INSERT INTO r VALUES (2, 1);
  INSERT INTO lone VALUES (2, 1);
  CREATE TABLE again (k int, i int, CONSTRAINT again_1 FOREIGN KEY (k, i) REFERENCES r, CONSTRAINT again_2 FOREIGN KEY (k, i) REFERENCES r)
    PARTITION BY LIST (k);
  CREATE TABLE again1 PARTITION OF again FOR VALUES IN (1);
  CREATE TABLE unchecked (k int, i int, CONSTRAINT unchecked_fk FOREIGN KEY (k, i) REFERENCES r) PARTITION BY LIST (k);
  CREATE TABLE unchecked1 PARTITION OF unchecked FOR VALUES IN (1);
  CREATE TABLE owned (k int, i int, CONSTRAINT owned_fk FOREIGN KEY (k, i) REFERENCES r ON DELETE CASCADE) PARTITION BY LIST (k);
  CREATE TABLE owned1 PARTITION OF owned FOR VALUES IN (1);
  CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN old; END $$;
  CREATE TRIGGER noted AFTER DELETE ON owned FOR EACH ROW EXECUTE FUNCTION noted();
  ALTER TABLE owned1 OWNER TO pg_monitor;
  -- As 18 and newer have it.
  UPDATE pg_constraint SET convalidated = false WHERE conrelid = 'unchecked'::regclass;`;

/** What the plan refuses that table with, as the command line would say it. */
async function planRefusal(url: string, table: string, constraint?: string): Promise<string> {
  const client = await coreSession(url);
  const input = ExecutionInput.parse({ table, ...(constraint === undefined ? {} : { constraint }) });
  try {
    const { findings } = await planMigration(client, input);
    const errors = findings.filter(({ severity }) => severity === 'error');
    return `refused, nothing was changed: ${errors.map(({ id, message, remedy }) => `[${id}] ${message}; ${remedy}`).join(' | ')}`;
  } catch (error) {
    return (error as Error).message.replace('with --constraint', 'with -v constraint=NAME');
  }
}

describeWithPsql('step 1 refuses, in the words of the plan,', () => {
  it.each([
    ['an unknown table', 'nosuch', undefined],
    ['a name that is none', 'a.b.c.d', undefined],
    ['a table that is not partitioned', 'plain_child', undefined],
    ['a table without a foreign key', 'no_fk', undefined],
    ['a foreign key to a table that is not partitioned', 'to_plain', undefined],
    ['such a one that was named', 'to_plain', 'To Plain'],
    ['several foreign keys and none chosen', 'two', undefined],
    ['an unknown foreign key', 'two', 'fk_k'],
    ['a name that SQL would fold', 'two', 'FK J'],
    ['another strategy', 'by_range', undefined],
    ['another partition key', 'by_other', undefined],
    ['an expression as partition key', 'by_expression', undefined],
    ['a partition without a partner that holds rows', 'lone', undefined],
    ['a foreign key that there is twice', 'again', 'again_1'],
    ['a foreign key that is NOT VALID', 'unchecked', undefined],
    ['a trigger that a cascade would run as another role', 'owned', undefined],
  ])('%s', async (_, table, constraint) => {
    const { db, observer } = await databaseWith(SHAPES);
    const before = await everything(observer);

    // What needs acceptance is refused as well, and no error of the plan.
    const values = { table, accept: 'leaf-owner', ...(constraint ? { constraint } : {}) };
    const { code, lines, errors } = await psql(db.url, 'step1', values);

    expect({ code, lines }).toEqual({ code: 3, lines: [] });
    expect(errors).toEqual([`ERROR:  ${await planRefusal(db.url, table, constraint)}`]);
    expect(await everything(observer)).toBe(before);
    expect(await oneRow(observer, `SELECT to_regnamespace('p2pfk') AS ledger`)).toEqual({ ledger: null });
  });

  it('a partition, for which the command line names the table as well', async () => {
    const { db, observer } = await databaseWith(SHAPES);
    const before = await everything(observer);
    expect(await planRefusal(db.url, 'two1')).toMatch(
      /^table public.two1 is not partitioned: it is a partition of public.two, which is migrated as a whole/,
    );
    const { code, errors } = await psql(db.url, 'step1', { table: 'two1' });
    expect({ code, errors }).toEqual({
      code: 3,
      errors: [
        expect.stringMatching(/^ERROR: {2}table public.two1 is not partitioned: there is no foreign key between/),
      ],
    });
    expect(await everything(observer)).toBe(before);
  });

  it('a role that lacks what it takes', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(
      `DROP ROLE IF EXISTS psql_reader; CREATE ROLE psql_reader LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO psql_reader`,
    );
    try {
      const { code, errors } = await psql(db.urlAs('psql_reader', 'secret'), 'step1');

      expect({ code, lines: errors.length }).toEqual({ code: 3, lines: 1 });
      for (const id of ['not-owner', 'missing-references', 'ledger-privilege']) expect(errors[0]).toContain(`[${id}]`);
    } finally {
      await observer.query('DROP OWNED BY psql_reader; DROP ROLE psql_reader');
    }
  });
});

describeWithPsql('bad usage', () => {
  it.each([
    ['no table', {}, /^ERROR: {2}which table\? .* psql URL -v table=path/],
    [
      'a lock budget that is no number',
      { table: 'path', lock_timeout_ms: '1; DROP TABLE path' },
      /must be whole numbers$/,
    ],
    [
      'a reason with a connection string',
      { table: 'path', reason: 'see postgres://app:my hunter2@db/x' },
      /^(?!.*hunter2).*by or reason holds a connection string/,
    ],
    [
      'a name with a connection string',
      { table: 'path', by: 'PASSWORD = hunter2' },
      /^(?!.*hunter2).*by or reason holds a connection string/,
    ],
    ['a lock budget out of range', { table: 'path', lock_timeout_ms: '0' }, /1 to 60000 milliseconds/],
  ])('%s', async (_, variables, message) => {
    const { db, observer } = await databaseWith();
    const before = await everything(observer);

    const { code, lines, errors } = await psql(db.url, 'step1', variables);

    expect({ code, lines, errors }).toEqual({ code: 3, lines: [], errors: [expect.stringMatching(message)] });
    expect(await everything(observer)).toBe(before);
  });

  it.each(['step2', 'step3', 'rollback'] as const)(
    '%s before step 1 finds nothing to do it with',
    async (script: Script) => {
      const { db, observer } = await databaseWith();
      const before = await everything(observer);

      const { code, lines, errors } = await psql(db.url, script);

      const expected =
        script === 'rollback'
          ? { code: 0, lines: ['✓ Nothing to roll back: the parent-level FK is in place'], errors: [] }
          : {
              code: 3,
              lines: [],
              errors: [
                'ERROR:  the ledger has no open migration of public.path: begin with sql/migrate-to-p2p-fk-step1-add-partition-fks.sql',
              ],
            };
      expect({ code, lines, errors }).toEqual(expected);
      expect(await everything(observer)).toBe(before);
    },
  );
});

describeWithPsql('step 3 refuses', () => {
  it('before step 2 is complete', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1']);
    const before = await everything(observer);

    const { code, lines, errors } = await psql(db.url, 'step3');

    expect({ code, lines }).toEqual({ code: 3, lines: ['✗ Preflight check failed: the parent-level FK stays'] });
    expect(errors).toEqual([
      `ERROR:  ${[1, 2, 3].map((n) => `pair foreign key fk_path_to_inode_${n} of public.path_${n} is not validated`).join('; ')}; run step 2 first`,
    ]);
    expect(await everything(observer)).toBe(before);
  });

  it.each([
    [
      'a partition that was attached after step 1',
      `CREATE TABLE inode_9 PARTITION OF inode FOR VALUES IN ('nine'); CREATE TABLE path_9 PARTITION OF path FOR VALUES IN ('nine')`,
      /partition set changed: public\.path_9 was attached after the plan; .*; run step 1 again$/,
    ],
    [
      'a pair FK that was dropped',
      'ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2',
      /public\.path_2 has no pair foreign key .*; run step 1 again$/,
    ],
    [
      'a pair FK whose triggers are disabled',
      'ALTER TABLE path_2 DISABLE TRIGGER ALL',
      /is not enforced: .*ENABLE TRIGGER ALL puts it back$/,
    ],
    [
      'a trigger that came behind the row-movement guard',
      LATE_TRIGGER,
      /run after the row-movement guard, .*: "~z" \(on 3 partitions\); rename them .*; then run this step again$/,
    ],
  ])('%s', async (_, damage, message) => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);
    await observer.query(damage);
    const before = await everything(observer);

    const { code, errors } = await psql(db.url, 'step3');

    expect({ code, errors }).toEqual({ code: 3, errors: [expect.stringMatching(message)] });
    expect(await everything(observer)).toBe(before);
  });

  it('orphans below valid foreign keys, and lists them', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2']);
    await smuggle(observer, `INSERT INTO path VALUES ('two', 999, 'orphan')`);

    const { code, lines, errors } = await psql(db.url, 'step3');

    const listed = /^✗ 1 row\(s\) of path_2 have no row in inode_2; they are listed by: (SELECT .*)$/.exec(
      lines[0] ?? '',
    )?.[1];
    expect((await observer.query(listed ?? '')).rows).toMatchObject([{ name: 'orphan' }]);
    expect({ code, errors }).toEqual({
      code: 3,
      errors: [expect.stringContaining('orphaned rows below valid foreign keys in 1 of 3 pairs')],
    });
  });
});

describeWithPsql('step 2', () => {
  it('reports the orphans of every pair, and goes on when they are mended', async () => {
    const { db, observer } = await databaseWith(THREE_PAIRS);
    await smuggle(observer, `INSERT INTO path VALUES ('two', 998, 'a'), ('two', 999, 'b'), ('three', 999, 'c')`);
    await psqlInOrder(db.url, ['step1']);

    const { code, lines, errors } = await psql(db.url, 'step2');
    await observer.query('DELETE FROM path WHERE ino > 900');
    const [again] = await psqlInOrder(db.url, ['step2']);

    expect(code).toBe(3);
    expect(lines.map((line) => line.slice(0, 50))).toEqual([
      expect.stringMatching(/^\[1\/3\] ✓ Validated FK for path_1/),
      '[2/3] ✗ 2 row(s) of path_2 have no row in inode_2;',
      '[3/3] ✗ 1 row(s) of path_3 have no row in inode_3;',
    ]);
    expect(errors).toEqual([expect.stringMatching(/^ERROR: {2}2 of 3 partition-level FKs could not be validated: /)]);
    expect(again?.lines.at(-1)).toBe('✓ No FK violations found - all data is valid');
  });
});

describeWithPsql('step 4', () => {
  it('refuses a table that is not migrated, in the words of p2pfk verify', async () => {
    const { db } = await databaseWith();

    expect(await psql(db.url, 'step4')).toMatchObject({
      code: 3,
      lines: [],
      errors: [expect.stringMatching(/^ERROR: {2}public.path is not migrated, and there is nothing to verify: /)],
    });
  });

  it('fails with what is wrong, and names it', async () => {
    const { db } = await databaseWith();
    await psqlInOrder(db.url, ['step1']);

    const { code, lines, errors } = await psql(db.url, 'step4');

    expect(code).toBe(3);
    expect(lines.slice(0, 2)).toEqual([
      '[1/6] Checking partition-level FK constraints...   ✗ FAIL: total 3, validated 0, not validated 3',
      '[2/6] Checking for parent-level FK...              ✗ FAIL: Parent-level FK is still there: path_fk on public.path',
    ]);
    expect(lines.at(-1)).toBe('✗✗✗ VERIFICATION FAILED: 2 of 6 checks ✗✗✗');
    expect(errors).toEqual([
      expect.stringMatching(/^ERROR: {2}verification failed: pair-foreign-keys: .*; parent-foreign-key: /),
    ]);
  });

  it('fails where a trigger came behind the row-movement guard', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2', 'step3', 'step4']);
    await observer.query(LATE_TRIGGER);

    const { code, lines } = await psql(db.url, 'step4');

    expect(code).toBe(3);
    expect(lines[0]).toMatch(
      /✗ FAIL: total 3, validated 3, .*run after the row-movement guard, .*: "~z" \(on 3 partitions\)$/,
    );
  });

  it('works without a ledger, and for a role that can only read', async () => {
    const { db, observer } = await databaseWith();
    await psqlInOrder(db.url, ['step1', 'step2', 'step3']);
    await observer.query(
      `DROP ROLE IF EXISTS psql_verifier; CREATE ROLE psql_verifier LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO psql_verifier`,
    );
    try {
      const { code, lines, errors } = await psql(db.urlAs('psql_verifier', 'secret'), 'step4');

      expect({ code, errors }).toEqual({ code: 0, errors: [] });
      expect(lines[3]).toMatch(
        /skipped: this role or server cannot DELETE \(permission denied for table inode_1\); proved by plan for 3 pairs {3}✓ PASS$/,
      );
      expect(lines.at(-1)).toBe('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
    } finally {
      await observer.query('DROP OWNED BY psql_verifier; DROP ROLE psql_verifier');
    }
  });
});
