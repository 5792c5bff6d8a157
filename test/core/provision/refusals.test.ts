/** What is refused, with nothing changed; and DEFAULT partitions, where PostgreSQL has to look for rows. */
import { describe, expect, it } from 'vitest';
import { type ProvisionRequest, provision } from '../../../core/provision/provision-pair.ts';
import { catalogSnapshot } from '../../support/catalog.ts';
import { coreSession, databaseWith, everything } from '../case.helpers.ts';
import { WITH_DEFAULT } from './default.helpers.ts';
import { column, FIVE, migrated, NAMED_PAIRS, partitionOf, request, standingOn } from './migrated.helpers.ts';

describe('refused, and nothing is changed', () => {
  const REFUSALS: [what: string, wanted: ProvisionRequest, error: { name: string; message: RegExp }][] = [
    [
      'a bound that overlaps another',
      request("FOR VALUES IN ('x', 'two')", { nameSuffix: 'x' }),
      {
        name: 'PreflightFailed',
        message: /^refused, nothing was changed: partition "path_x" would overlap partition "path_two"$/,
      },
    ],
    [
      'a name that is taken',
      request(FIVE, { nameSuffix: 'two' }),
      { name: 'PreflightFailed', message: /^refused, nothing was changed: relation "path_two" already exists$/ },
    ],
    [
      'a referenced name that is taken',
      request(FIVE, { referencing: 'path_five', referenced: 'inode_two' }),
      { name: 'PreflightFailed', message: /^refused, nothing was changed: relation "inode_two" already exists$/ },
    ],
    [
      'a bound of another strategy',
      request('FOR VALUES FROM (1) TO (2)', { nameSuffix: 'x' }),
      { name: 'PreflightFailed', message: /invalid bound specification for a list partition/ },
    ],
    [
      'a bound that is SQL of its own',
      request("FOR VALUES IN ('x'); DROP TABLE path"),
      { name: 'InvalidInput', message: /is not the bound of a partition: "; DROP TABLE path" is not expected there/ },
    ],
    [
      'DEFAULT where some partition has no partner',
      request('DEFAULT'),
      { name: 'PreflightFailed', message: /a DEFAULT partition is a partner only where .* unlike public.inode_four$/ },
    ],
    [
      'a table that is not there',
      request(FIVE, { table: 'nothing' }),
      { name: 'InvalidInput', message: /table nothing does not exist/ },
    ],
    [
      'a table that is not partitioned',
      request(FIVE, { table: 'path_one' }),
      { name: 'InvalidInput', message: /table path_one is not partitioned/ },
    ],
    [
      'a name that is none',
      request(FIVE, { referencing: 'a.b.c' }),
      { name: 'InvalidInput', message: /"a.b.c" is not a table name/ },
    ],
    [
      'a name that is too long',
      request(FIVE, { nameSuffix: 'x'.repeat(60) }),
      { name: 'InvalidInput', message: /longer than 63 bytes/ },
    ],
    [
      'a schema that is not there',
      request(FIVE, { referencing: 'no.path_5' }),
      { name: 'InvalidInput', message: /schema of no.path_5 does not exist/ },
    ],
    [
      'one name twice',
      request(FIVE, { referencing: 'x', referenced: 'x' }),
      { name: 'InvalidInput', message: /both partitions would be called public.x/ },
    ],
    ['half of the names', request(FIVE, { referenced: 'x' }), { name: 'InvalidInput', message: /give the names/ }],
  ];

  it('whatever it is that is wrong', async () => {
    const { core, observer } = await migrated();
    const before = await everything(observer);
    for (const [what, wanted, { name, message }] of REFUSALS) {
      const expected = { name, message: expect.stringMatching(message) };
      await expect(provision(core, wanted), what).rejects.toMatchObject(expected);
      expect(await everything(observer), what).toBe(before);
    }
  });

  it('where the names of the pairs follow no rule, and none are given', async () => {
    const { core } = await migrated(NAMED_PAIRS.replaceAll('path_two', 'path_zwei'));
    await expect(provision(core, request(FIVE))).rejects.toThrow(
      /do not show what the new one should be called: give --name-suffix/,
    );
    expect((await provision(core, request(FIVE, { nameSuffix: 'five' }))).referencing).toBe('public.path_five');
  });

  it('where the table is not migrated', async () => {
    const { db, observer } = await databaseWith(NAMED_PAIRS);
    const before = await everything(observer);
    await expect(provision(await coreSession(db.url), request(FIVE))).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(/^refused, nothing was changed: public.path is not migrated/),
    });
    expect(await everything(observer)).toBe(before);
  });

  it('while the migration is not at rest', async () => {
    const { core, observer } = await migrated();
    await observer.query("UPDATE p2pfk.migration SET state = 'running'");
    const before = await everything(observer);
    await expect(provision(core, request(FIVE))).rejects.toMatchObject({ name: 'MigrationInProgress' });
    expect(await everything(observer)).toBe(before);
  });

  it('when two create the same pair at once: one does, the other is told', async () => {
    const { core, db } = await migrated();
    const other = await coreSession(db.url);
    const outcomes = await Promise.allSettled([provision(core, request(FIVE)), provision(other, request(FIVE))]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({
      name: 'PreflightFailed',
    });
  });

  it('two different pairs at once are both made', async () => {
    const { core, db, observer } = await migrated();
    const other = await coreSession(db.url);
    await Promise.all([provision(core, request(FIVE)), provision(other, request("FOR VALUES IN ('six')"))]);
    expect(await column(observer, 'SELECT count(DISTINCT pair)::int FROM p2pfk.pair')).toEqual([5]);
  });
});

describe('beside a DEFAULT partition', () => {
  it('is made like any other', async () => {
    const { core, observer } = await migrated(WITH_DEFAULT);
    await provision(core, request(FIVE));
    expect((await standingOn(observer, 'path_five')).foreignKeys).toHaveLength(1);
  });

  it('is refused where DEFAULT holds rows that belong to it', async () => {
    const { core, observer } = await migrated(WITH_DEFAULT);
    await observer.query("INSERT INTO inode VALUES ('five', 1)");
    const before = await everything(observer);
    await expect(provision(core, request(FIVE))).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(
        /^refused, nothing was changed: the DEFAULT partition holds rows that belong to the new one: .*"inode_default"/,
      ),
    });
    expect(await everything(observer)).toBe(before);
  });

  // On a busy machine the way to the server alone may take the 30 ms, which is told in other words.
  it('is refused where looking through DEFAULT does not fit into the lock budget', { retry: 3 }, async () => {
    const { core, observer } = await migrated(WITH_DEFAULT);
    await observer.query(`
      SET session_replication_role = replica;
      INSERT INTO path SELECT 'other', 1, 'x' FROM generate_series(1, 1000000);
      RESET session_replication_role;`);
    const before = await catalogSnapshot(observer);
    await expect(provision(core, request(FIVE, { lockTimeoutMs: 30 }))).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(
        /look through the DEFAULT partition public.inode_default, public.path_default .* --lock-timeout-ms/,
      ),
    });
    expect(await catalogSnapshot(observer)).toBe(before);
    expect((await provision(core, request(FIVE, { lockTimeoutMs: 10_000 }))).status).toBe('PROVISIONED');
  });

  it('can be DEFAULT itself, where it pairs', async () => {
    const { core, observer } = await migrated(
      `${NAMED_PAIRS} CREATE TABLE path_four PARTITION OF path FOR VALUES IN ('four');`,
    );
    await provision(core, request('DEFAULT'));
    expect(await partitionOf(observer, 'path_default')).toBe('path DEFAULT');
    expect((await standingOn(observer, 'path_default')).foreignKeys).toHaveLength(1);
  });
});
