/** The settings under which the statements of a printed script run: those of p2pfk's own sessions, whatever the database has. */
import { readFile, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { readSql } from '../../core/postgres/sql-files.ts';
import { databaseWith, oneRow } from '../core/case.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';
import { planScript } from './plan-script.helpers.ts';
import { describeWithPsql, psqlFile } from './psql.helpers.ts';

/** Of sql/session.sql, without those that a script sets otherwise, or that PostgreSQL prints in another unit. */
function pinned(): Record<string, string> {
  const pairs = [...readSql('session').matchAll(/\('(\w+)', '([^']*)'\)/g)].map(([, name = '', value = '']) => [
    name,
    value,
  ]);
  const {
    search_path: _path,
    client_min_messages: _messages,
    idle_in_transaction_session_timeout: _idle,
    ...rest
  } = Object.fromEntries(pairs) as Record<string, string>;
  return rest;
}

describeWithPsql('the script of plan --sql', () => {
  it('has all settings of our own sessions, whatever the database has', async () => {
    const { db, observer } = await databaseWith();
    const { name } = await oneRow<{ name: string }>(observer, 'SELECT current_database() AS name');
    for (const setting of [
      "default_transaction_isolation = 'serializable'",
      "session_replication_role = 'replica'",
      "default_tablespace = 'pg_default'",
      'enable_hashjoin = off',
      'extra_float_digits = 0',
    ])
      await observer.query(`ALTER DATABASE "${name}" SET ${setting}`);
    const file = await planScript(db.url, { accept: ['all'] });
    const wanted = pinned();
    expect(Object.keys(wanted).length).toBeGreaterThan(30);
    const text = await readFile(file, 'utf8');
    await writeFile(
      file,
      `${text}
\\set wanted '${JSON.stringify(wanted)}'
SELECT format('differs: %s is %s', s.name, s.setting) FROM pg_show_all_settings() s JOIN jsonb_each_text(:'wanted'::jsonb) w ON w.key = s.name AND w.value <> current_setting(s.name);
SELECT 'asked';
`,
    );

    const { code, lines, errors } = await psqlFile(db.url, file);

    expect({ code, errors }).toEqual({ code: 0, errors: [] });
    expect(lines.filter((line) => line.includes('differs'))).toEqual([]);
    expect(lines.some((line) => line.includes('asked'))).toBe(true);
  });

  it('is refused to a role that may not set one of them', async () => {
    const testCase = await databaseWith();
    const { db, observer } = testCase;
    const { url } = await plainRole(testCase);
    const { name } = await oneRow<{ name: string }>(observer, 'SELECT current_database() AS name');
    await observer.query(`ALTER DATABASE "${name}" SET session_replication_role = replica`);
    const file = await planScript(db.url, { accept: ['all'] });

    const { code, errors } = await psqlFile(url, file);

    expect(code).toBe(3);
    expect(errors[0]).toContain('refused, nothing was changed: session_replication_role is replica and must be origin');
  });
});
