/** A foreign table that became a partition after the migration: its owner decides what a read of it runs, so p2pfk reads none. */
import type { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { countOrphans } from '../../../core/checks/orphan-count.ts';
import { verifyTable } from '../../../core/checks/verification.ts';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { auditAndRepair } from '../../../core/drift/repair.ts';
import { resolveForeignKey } from '../../../core/ledger/resolve-foreign-key.ts';
import { planMigration } from '../../../core/plan/read-plan.ts';
import { readTablesOnly } from '../../../core/postgres/tables-only.ts';
import { provision } from '../../../core/provision/provision-pair.ts';
import { describeWithPsql, psql } from '../../psql/psql.helpers.ts';
import { oneRow } from '../case.helpers.ts';
import { findings } from '../drift/findings.helpers.ts';
import { FIVE, migrated, request } from '../provision/migrated.helpers.ts';
import { plainRole } from '../roles.helpers.ts';

/** No server is there, and the planner asks it too: any statement that reads one of these tables fails. */
const NOWHERE = `
  CREATE SERVER nowhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', use_remote_estimate 'true');
  CREATE USER MAPPING FOR PUBLIC SERVER nowhere OPTIONS (user 'postgres');`;

/** In a pair, without a partner, and below a partition of its own; a partner of `path_six` is one, too. */
const PARTITIONS = `
  CREATE FOREIGN TABLE path_four PARTITION OF path FOR VALUES IN ('four') SERVER nowhere;
  CREATE FOREIGN TABLE path_rest PARTITION OF path DEFAULT SERVER nowhere;
  CREATE TABLE path_seven PARTITION OF path FOR VALUES IN ('seven') PARTITION BY RANGE (ino);
  CREATE FOREIGN TABLE path_seven_1 PARTITION OF path_seven FOR VALUES FROM (0) TO (10) SERVER nowhere;`;

const PLAN = ExecutionInput.parse({ table: 'path' });

const refused = (role: string) => ({
  name: 'UntrustedCode',
  message: expect.stringMatching(
    new RegExp(
      `foreign table public\\.path_four of ${role}.*server nowhere of foreign table public\\.path_four of ${role}.*or detach it: ALTER TABLE public\\.path DETACH PARTITION public\\.path_four, or name the owner`,
    ),
  ),
});

const reads = (client: Client, table: string) => client.query(`SELECT FROM ONLY public.${table}`);

describe('a foreign table as a partition', () => {
  it('of a role that is not trusted is refused by every command', async () => {
    const testCase = await migrated();
    const { observer, core, db } = testCase;
    const { role } = await plainRole(testCase);
    await observer.query(`CREATE EXTENSION postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO ${role};
      ALTER TABLE path OWNER TO ${role}; GRANT CREATE ON SCHEMA public TO ${role};
      SET ROLE ${role}; ${NOWHERE} ${PARTITIONS} RESET ROLE`);

    const commands = [
      () => verifyTable(core, { table: 'path' }),
      () => planMigration(core, PLAN),
      () => auditAndRepair(core, { table: 'path', lockTimeoutMs: 500 }),
      () => provision(core, request(FIVE)),
      () => resolveForeignKey(core, { table: 'path' }, 'rollback'),
    ];
    for (const command of commands) await expect(command()).rejects.toMatchObject(refused(role));
    const server = expect(psql(db.url, 'step4', { table: 'path' }).then(({ errors }) => errors.join()));
    await server.resolves.toMatch(/foreign table public\.path_four of .*or detach it: ALTER TABLE/);
  });

  it('of a trusted role is not read, and its rows count as rows without a foreign key', async () => {
    const { observer, core } = await migrated();
    await observer.query(`CREATE EXTENSION postgres_fdw; ${NOWHERE} ${PARTITIONS}`);
    await expect(reads(observer, 'path_four')).rejects.toThrow('could not connect to server');

    const { passed, checks } = await verifyTable(core, { table: 'path' });
    expect(passed).toBe(false);
    expect(checks.find(({ id }) => id === 'orphans')?.detail).toBe(
      '1 pairs could not be counted: path_four: a foreign table, which p2pfk does not read',
    );
    const unread = 'as a foreign table can have no foreign key; p2pfk does not read its rows: detach it';
    expect(checks.find(({ id }) => id === 'inventory')?.detail).toContain(
      `path_four -> inode_four: no pair FK, ${unread}\npath_rest: no partner with the bound DEFAULT, ${unread}\npath_seven_1: no partner`,
    );

    const told = (await findings(core)).filter(({ message }) => message.includes('foreign table'));
    expect(told.map(({ partition, sql }) => [partition, sql]).sort()).toEqual([
      ['public.path_four', []],
      ['public.path_rest', []],
      ['public.path_seven_1', []],
    ]);
    const { findings: planned } = await planMigration(core, PLAN, { countOrphans: true });
    expect(planned.filter(({ id }) => id === 'foreign-table-partition')).toHaveLength(3);
    // The DEFAULT is not scanned for rows of the new partition either: PostgreSQL leaves foreign tables out.
    expect(await provision(core, request(FIVE))).toMatchObject({ status: 'PROVISIONED' });
  });

  it('is refused by the server, where it took the name of a table that is about to be read', async () => {
    const { observer, core } = await migrated();
    await observer.query(`CREATE EXTENSION postgres_fdw; ${NOWHERE}
      CREATE FOREIGN TABLE elsewhere (medium text, ino bigint) SERVER nowhere; CREATE VIEW pretends AS SELECT * FROM path`);
    for (const name of ['elsewhere', 'pretends'])
      await expect(readTablesOnly(core, () => reads(core, name))).rejects.toThrow('is restricted');
    expect((await reads(core, 'pretends')).rowCount).toBeGreaterThan(0);

    // Between the question and the count.
    const foreignKey = await resolveForeignKey(core, { table: 'path' }, 'verify');
    const oids = await oneRow<{ referencing_oid: number; referenced_oid: number; constraint_oid: number }>(
      observer,
      `SELECT conrelid AS referencing_oid, confrelid AS referenced_oid, oid AS constraint_oid FROM pg_constraint
        WHERE contype = 'f' AND conrelid = 'path_one'::regclass`,
    );
    const swap = {
      query: async (text: string | { text: string }, values?: unknown[]) => {
        const result = await core.query(text as string, values);
        if (JSON.stringify(text).includes('AS orphans FROM ONLY %I'))
          await observer.query(
            `ALTER TABLE path_one RENAME TO path_one_kept; CREATE FOREIGN TABLE path_one (medium text, ino bigint) SERVER nowhere`,
          );
        return result;
      },
    };
    const swapped = Object.assign(Object.create(core) as Client, swap);
    await expect(countOrphans(swapped, foreignKey, [{ pair: 1, ...oids }])).rejects.toThrow(
      /cannot lock relation|is not a table/,
    );
  });
});

describeWithPsql('in psql', () => {
  it('a foreign table as a partition is not read by step 4, which fails', async () => {
    const { observer, db } = await migrated();
    await observer.query(`CREATE EXTENSION postgres_fdw; ${NOWHERE} ${PARTITIONS}`);
    const { code, lines, errors } = await psql(db.url, 'step4', { table: 'path' });
    const printed = [...lines, ...errors].join('\n');
    expect(printed).not.toContain('could not connect to server');
    expect(code).toBe(3);
    expect(printed).toContain('path_four: a foreign table, which p2pfk does not read');
    expect(printed).toMatch(/path_rest: no partner with the bound DEFAULT, as a foreign table can have no foreign key/);
  });
});
