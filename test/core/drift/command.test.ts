/** `p2pfk provision` and `p2pfk audit` as a person and a nightly job run them: output, documents, exit codes. */
import { describe, expect, it } from 'vitest';
import type { Audit } from '../../../core/drift/drift.ts';
import { p2pfk } from '../../cli/cli.helpers.ts';
import { databaseWith } from '../case.helpers.ts';
import { migrated, NAMED_PAIRS, partitionOf, standingOn } from '../provision/migrated.helpers.ts';

const BOUND = "FOR VALUES IN ('five')";

/** What issue 3 asks for: somebody then attached a partition, dropped a pair FK, disabled a trigger. */
const DONE = `
  CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four');
  ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one;
  ALTER TABLE path_two DISABLE TRIGGER ALL;`;

describe('p2pfk audit', () => {
  it('ends with 3 and three findings where a partition was attached, a pair FK dropped, a trigger disabled; --fix --run repairs them', async () => {
    const { db, observer } = await migrated();
    const env = { DATABASE_URL: db.url };
    expect((await p2pfk(['audit'], env)).code).toBe(0);
    await observer.query(DONE);

    const found = await p2pfk(['audit', '--json'], env);
    expect(found.code).toBe(3);
    const document = JSON.parse(found.stdout) as Audit;
    expect(document).toMatchObject({ passed: false, tables: [{ table: 'public.path', constraint: 'path_fk' }] });
    expect(document.tables[0]?.findings.map(({ id, severity, partition }) => ({ id, severity, partition }))).toEqual([
      { id: 'missing-pair-foreign-key', severity: 'error', partition: 'public.path_one' },
      { id: 'pair-foreign-key-not-enforced', severity: 'error', partition: 'public.path_two' },
      { id: 'attached-partition', severity: 'error', partition: 'public.path_four' },
    ]);
    for (const finding of document.tables[0]?.findings ?? []) {
      expect(finding.sql.length).toBeGreaterThan(0);
      expect(finding.message).not.toMatch(/\n/);
    }

    const told = await p2pfk(['audit', '--table', 'public.path'], env);
    expect(told.code).toBe(3);
    expect(told.stdout).toContain('✗✗✗ DRIFT FOUND: 3 findings ✗✗✗');

    const script = await p2pfk(['audit', '--fix'], env);
    expect(script.code).toBe(3);
    expect(script.stdout).toContain('CREATE INDEX CONCURRENTLY idx_path_four_fk ON public.path_four (medium, ino);');
    expect((await standingOn(observer, 'path_one')).foreignKeys).toEqual([]);

    const repaired = await p2pfk(['audit', '--fix', '--run', '--json'], env);
    expect(repaired.code).toBe(0);
    expect(JSON.parse(repaired.stdout)).toMatchObject({
      passed: true,
      tables: [{ findings: [] }],
      repairs: [{ status: 'REPAIRED' }, { status: 'REPAIRED' }, { status: 'REPAIRED' }],
    });
    for (const name of ['one', 'two', 'three', 'four']) {
      expect((await standingOn(observer, `path_${name}`)).foreignKeys).toEqual([
        `fk_path_to_inode_${name}: FOREIGN KEY (medium, ino) REFERENCES inode_${name}(medium, ino) ON DELETE CASCADE, valid t, triggers 4`,
      ]);
    }
    expect((await p2pfk(['audit'], env)).code).toBe(0);
  });

  it('tells what could not be repaired, and ends with 3', async () => {
    const { db, observer } = await migrated();
    await observer.query(
      "ALTER TABLE path_one DROP CONSTRAINT fk_path_to_inode_one; INSERT INTO path VALUES ('one', 999, 'x')",
    );
    const { code, stdout } = await p2pfk(['audit', '--fix', '--yes'], { DATABASE_URL: db.url });
    expect(code).toBe(3);
    expect(stdout).toContain('✗ Not repaired: missing-pair-foreign-key public.path_one: ');
    expect(stdout).toMatch(/✗✗✗ DRIFT FOUND: 1 finding, 1 repair failed ✗✗✗/);
  });

  it.each([
    [['audit', '--run'], /--run has no meaning without --fix/],
    [['audit', '--constraint', 'x'], /--constraint has no meaning without --table/],
    [['audit', '--table', 'nothing'], /table nothing does not exist/],
    [['audit', '--fix', '--run', '--lock-timeout-ms', '0'], /--lock-timeout-ms must be a whole number/],
    [
      ['provision', '--table', 'path'],
      /required option '-b, --bound <bound>' not specified; see p2pfk provision --help/,
    ],
    [
      ['provision', '--table', 'path', '--bound', "FOR VALUES IN ('x'); DROP TABLE y"],
      /is not the bound of a partition/,
    ],
  ])('%j ends with 2 and one line', async (args, message) => {
    const { db } = await databaseWith(NAMED_PAIRS);
    const { code, stdout, stderr } = await p2pfk(args, { DATABASE_URL: db.url });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^p2pfk: [^\n]*\n$/);
    expect(stderr).toMatch(message);
  });
});

describe('p2pfk provision', () => {
  it('creates the pair, and the next audit has nothing to say', async () => {
    const { db, observer } = await migrated();
    const env = { DATABASE_URL: db.url };
    const dry = await p2pfk(['provision', '--table', 'path', '--bound', BOUND, '--dry-run'], env);
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toContain(`  ALTER TABLE public.path ATTACH PARTITION public.path_five ${BOUND};`);

    const made = await p2pfk(['provision', '--table', 'path', '--bound', BOUND, '--json'], env);
    expect(made.code).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({
      status: 'PROVISIONED',
      referencing: 'public.path_five',
      bound: BOUND,
    });
    expect(await partitionOf(observer, 'path_five')).toBe(`path ${BOUND}`);
    expect((await p2pfk(['audit'], env)).code).toBe(0);
  });

  it.each([
    ['overlaps', 'path', "FOR VALUES IN ('one')", /partition "path_x" would overlap partition "path_one"/],
    ['is for a table that is not migrated', 'unmigrated', BOUND, /public.unmigrated is not migrated/],
  ])('ends with 4 and one line where it %s', async (_, table, bound, message) => {
    const { db } = await migrated(`${NAMED_PAIRS}
      CREATE TABLE unmigrated (medium text, ino bigint, FOREIGN KEY (medium, ino) REFERENCES inode) PARTITION BY LIST (medium);`);
    const args = ['provision', '--table', table, '--bound', bound, '--name-suffix', 'x'];
    const { code, stdout, stderr } = await p2pfk(args, { DATABASE_URL: db.url });
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/^p2pfk: refused, nothing was changed: [^\n]*\n$/);
    expect(stderr).toMatch(message);
  });
});
