/** What would fail later, and is found before anything is built: rights of partitions' owners, keys, persistence, orphans. */
import { describe, expect, it } from 'vitest';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { findingsCase, having, makeTables, planOf } from './findings.helpers.ts';

const db = findingsCase();
const tables = (options?: Parameters<typeof makeTables>[1]) => makeTables(db, options);
const plan = (schema: string, values?: Record<string, unknown>) => planOf(db, schema, values);
const role = (name: string) => `${name}_${db.db.name}`;

async function errors(schema: string): Promise<string[]> {
  const { findings } = await plan(schema);
  return findings.filter(({ severity }) => severity === 'error').map(({ id }) => id);
}

describe('rights of the owner of a partition', () => {
  it.each<[string, string, string, string[]]>([
    ['USAGE on its schema', '', '', ['USAGE']],
    ['SELECT and a row lock on the referenced one', '', 'REVOKE ALL ON r_1 FROM', ['SELECT', 'UPDATE', 'USAGE']],
    ['what ON DELETE CASCADE does', 'ON DELETE CASCADE', 'REVOKE DELETE ON p_1 FROM', ['DELETE', 'USAGE']],
    ['what ON DELETE SET NULL does', 'ON DELETE SET NULL', 'REVOKE UPDATE ON p_1 FROM', ['UPDATE', 'USAGE']],
    ['the row lock of NO ACTION', '', 'REVOKE UPDATE ON p_1 FROM', ['UPDATE', 'USAGE']],
  ])('%s', async (_, actions, revoke, lacking) => {
    const schema = await tables({ actions });
    const owner = role('leafless');
    await db.client.query(`
      DO $$ BEGIN CREATE ROLE ${owner}; EXCEPTION WHEN duplicate_object THEN END $$;
      ALTER TABLE r_1 OWNER TO ${owner}; ALTER TABLE p_1 OWNER TO ${owner};
      ${revoke === '' ? '' : `${revoke} ${owner};`}`);
    const found = (await plan(schema)).findings.filter(({ id }) => id === 'leaf-owner-privilege');
    expect(found.map(({ message }) => /lacks (\w+) on/.exec(message)?.[1])).toEqual(lacking);
    await db.client.query(found.map(({ remedy }) => remedy.replace(/; or give.*$/, '')).join('; '));
    expect(await errors(schema)).toEqual([]);
  });

  it('columns are enough: SELECT on the key, UPDATE on any', async () => {
    const schema = await tables();
    const owner = role('columns');
    await db.client.query(`
      CREATE ROLE ${owner}; GRANT USAGE ON SCHEMA ${schema} TO ${owner};
      ALTER TABLE p_1 OWNER TO ${owner}; REVOKE ALL ON p_1 FROM ${owner};
      GRANT SELECT (k, id), UPDATE (k) ON p_1 TO ${owner}`);
    expect(await errors(schema)).toEqual([]);
  });
});

describe('row security', () => {
  it('is an error for its owner where it is forced, and a warning for a role that only reads', async () => {
    const schema = await tables({ last: 'ALTER TABLE p_2 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY' });
    const [owner, reader] = [role('policed'), role('reading')];
    await db.client.query(`
      CREATE ROLE ${owner} LOGIN PASSWORD 'secret'; CREATE ROLE ${reader} LOGIN PASSWORD 'secret';
      GRANT ALL ON SCHEMA ${schema} TO ${owner}, ${reader}; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO ${reader};
      ALTER TABLE p OWNER TO ${owner}; ALTER TABLE r OWNER TO ${owner}; ALTER TABLE p_1 OWNER TO ${owner};
      ALTER TABLE p_2 OWNER TO ${owner}; ALTER TABLE r_1 OWNER TO ${owner}; ALTER TABLE r_2 OWNER TO ${owner}`);
    const severityFor = async (name: string) => {
      const session = await connect({ databaseUrl: db.db.urlAs(name, 'secret'), applicationName: 'p2pfk/-/test' });
      try {
        const planned = await planMigration(session, ExecutionInput.parse({ table: `${schema}.p` }), {
          countOrphans: true,
        });
        expect(planned.findings).toContainEqual(having('orphans-not-counted', 'warning', /could not be counted/));
        return planned.findings.find(({ id }) => id === 'row-security')?.severity;
      } finally {
        await session.end();
      }
    };
    expect(await severityFor(owner)).toBe('error');
    expect(await severityFor(reader)).toBe('warning');
    expect((await plan(schema)).findings.map(({ id }) => id)).not.toContain('row-security');
  });
});

describe('a referenced partition', () => {
  it('whose only key is DEFERRABLE is refused, until it has another', async () => {
    const schema = await tables({
      more: `CREATE TABLE r_3 (k int NOT NULL, id int NOT NULL, PRIMARY KEY (k, id) DEFERRABLE);
             ALTER TABLE r ATTACH PARTITION r_3 FOR VALUES IN (3); CREATE TABLE p_3 PARTITION OF p FOR VALUES IN (3);`,
    });
    expect(await errors(schema)).toEqual(['deferrable-key']);
    await db.client.query('CREATE UNIQUE INDEX ON r_3 (id, k)');
    expect(await errors(schema)).toEqual([]);
  });

  it('that is UNLOGGED is refused, the other way round is not', async () => {
    const schema = await tables({
      more: `CREATE UNLOGGED TABLE r_3 (LIKE r INCLUDING ALL); ALTER TABLE r ATTACH PARTITION r_3 FOR VALUES IN (3);
             CREATE TABLE p_3 PARTITION OF p FOR VALUES IN (3);
             CREATE TABLE r_4 PARTITION OF r FOR VALUES IN (4); CREATE UNLOGGED TABLE p_4 PARTITION OF p FOR VALUES IN (4);`,
    });
    expect((await plan(schema)).findings).toContainEqual(
      having('unlogged-partition', 'error', /1 referenced partition\(s\).* r_3|1 referenced partition\(s\).*\.r_3/),
    );
  });
});

describe('plan --count-orphans', () => {
  it('finds the rows that the validation would find, with the query that lists them', async () => {
    const schema = await tables({ last: 'INSERT INTO p SELECT k, id FROM r' });
    const counted = async () =>
      (await planMigration(db.core, ExecutionInput.parse({ table: `${schema}.p` }), { countOrphans: true })).findings;
    expect(await counted()).toContainEqual(having('no-orphaned-rows', 'info', /2 pair/));

    await db.client.query(
      `SET session_replication_role = replica; INSERT INTO p VALUES (2, 777); RESET session_replication_role`,
    );
    const found = (await counted()).find(({ id }) => id === 'orphaned-rows');
    expect(found?.message).toMatch(/1 row\(s\) of \S+p_2 have no row in \S+r_2/);
    const { rows } = await db.client.query(/SELECT f\.\* .*/.exec(found?.remedy ?? '')?.[0] ?? '');
    expect(rows).toEqual([{ k: 2, id: 777 }]);
  });
});

describe('event triggers', () => {
  it('that fire for our statements are named before anything is built: a warning where one can raise an error', async () => {
    const schema = await tables();
    const found = async () => (await plan(schema)).findings.filter(({ id }) => id === 'event-trigger');
    await db.client.query(`
      CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
      CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
      CREATE EVENT TRIGGER "Log it" ON ddl_command_end EXECUTE FUNCTION log_ddl();
      CREATE EVENT TRIGGER elsewhere ON ddl_command_start WHEN TAG IN ('CREATE EXTENSION') EXECUTE FUNCTION refuse();
      CREATE EVENT TRIGGER of_drops ON sql_drop WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse();
      CREATE EVENT TRIGGER standby ON sql_drop EXECUTE FUNCTION refuse();
      ALTER EVENT TRIGGER standby ENABLE REPLICA`);
    try {
      expect(await found()).toEqual([
        having('event-trigger', 'info', /migration: "Log it" \(ddl_command_end, function case_\d+\.log_ddl\); if/),
      ]);
      await db.client.query(`
        CREATE EVENT TRIGGER frozen ON ddl_command_start WHEN TAG IN ('ALTER TABLE', 'DROP TABLE') EXECUTE FUNCTION refuse();
        ALTER EVENT TRIGGER frozen ENABLE ALWAYS`);
      const [warning, ...more] = await found();
      expect(more).toEqual([]);
      expect(warning).toEqual(
        having(
          'event-trigger',
          'warning',
          /frozen \(ddl_command_start of ALTER TABLE, .*; the source of frozen contains/,
        ),
      );
      const [disable = '', enable = ''] = (warning?.remedy ?? '')
        .split(': ')
        .slice(1)
        .map((text) => text.replace(/; afterwards$/, ''));
      await db.client.query(disable);
      expect(await found()).toEqual([]);
      await db.client.query(enable);
      expect(await found()).toEqual([warning]);
    } finally {
      for (const name of ['"Log it"', 'elsewhere', 'of_drops', 'standby', 'frozen'])
        await db.client.query(`DROP EVENT TRIGGER IF EXISTS ${name}`);
    }
  });
});
