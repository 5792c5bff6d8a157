/** What is found in a database may hold escape sequences: the psql scripts pass none of them on to a terminal. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { databaseWith } from '../core/case.helpers.ts';
import { CREDENTIALS, OTHERS } from '../core/contracts/credentials.helpers.ts';
import { plainRole } from '../core/roles.helpers.ts';
import { INVISIBLE, OBEYED, obeyedCharacters } from '../support/obeyed.ts';
import { planScript } from './plan-script.helpers.ts';
import { describeWithPsql, psql, psqlFile, type Script } from './psql.helpers.ts';

/** Colour, a window title, an 8-bit CSI, a carriage return, a line break, marks that turn the direction of writing, and what is invisible. */
const TRICK = `\u001b[31m\u001b]0;pwned\u0007\u009b7m\r\n\u202e\u061c${INVISIBLE}`;

describeWithPsql('nothing that a terminal would obey is printed', () => {
  it('by any of the scripts, whether they succeed or refuse', async () => {
    const { db, observer } = await databaseWith();
    await observer.query(`ALTER TABLE path RENAME CONSTRAINT path_fk TO "fk${TRICK}"`);
    await observer.query(`ALTER TABLE path RENAME COLUMN medium TO "m${TRICK}"`);
    for (const table of ['path', 'inode', 'path_1', 'path_2', 'inode_1'])
      await observer.query(`ALTER TABLE ${table} RENAME TO "${table}${TRICK}"`);
    const table = `"path${TRICK}"`;
    const run = async (script: Script, code: number, variables: Readonly<Record<string, string>> = {}) => {
      const { code: ended, lines, errors } = await psql(db.url, script, { table, lock_tries: '1', ...variables });
      const printed = [...lines, ...errors].join('\n');
      expect(
        printed.split('\n').filter((line) => OBEYED.test(line)),
        script,
      ).toEqual([]);
      expect(ended, printed).toBe(code);
      return printed;
    };

    await run('step1', 3, { constraint: `nope${TRICK}` });
    await run('step1', 3, { table: `"none${TRICK}"` });
    await run('step1', 3, { table: `path${TRICK}` });
    await run('step1', 3, { search_path: `a b${TRICK}` });
    await run('step1', 3, { ledger_owner: `nobody${TRICK}` });
    await run('step1', 3, { by: 'ana\u061c' });
    await run('step1', 3, { accept: `nothing${TRICK}`, pair_constraint_names: TRICK });
    await run('step4', 3);
    await run('step1', 0);
    await observer.query(`
      SET session_replication_role = replica; INSERT INTO "path_1${TRICK}" VALUES ('one', 9999, 'orphan');
      SET session_replication_role = origin`);
    const orphans = await run('step2', 3);
    const [, list = ''] = /they are listed by: (SELECT .*)/.exec(orphans) ?? [];
    expect((await observer.query(list)).rows).toHaveLength(1);
    await run('step3', 3);
    await observer.query(`DELETE FROM "path_1${TRICK}" WHERE ino = 9999`);
    await run('step2', 0);
    await run('step3', 0, { rehearse: 'on' });
    await run('step3', 0);
    await run('step4', 0);
    await observer
      .query(`ALTER TABLE path_3 RENAME CONSTRAINT fk_path_to_inode_3 TO "x${TRICK}"`)
      .catch(() => undefined);
    await run('step4', 0);
    await observer.query(`ALTER TABLE "path_2${TRICK}" DISABLE TRIGGER ALL`);
    await run('step4', 3);
    await observer.query(`ALTER TABLE "path_2${TRICK}" ENABLE TRIGGER ALL`);
    await run('rollback', 0);
  });
});

describeWithPsql('the script of plan --sql', () => {
  it('prints nothing that a terminal would obey where it finds rows without a referenced row', async () => {
    const { db, observer } = await databaseWith();
    for (const table of ['path', 'path_1', 'inode_1'])
      await observer.query(`ALTER TABLE ${table} RENAME TO "${table}${TRICK}"`);
    // Valid already, so it is the count that finds the row.
    await observer.query(`
      ALTER TABLE "path_1${TRICK}" ADD CONSTRAINT own
        FOREIGN KEY (medium, ino) REFERENCES "inode_1${TRICK}" ON DELETE CASCADE;
      SET session_replication_role = replica; INSERT INTO "path_1${TRICK}" VALUES ('one', 9999, 'orphan');
      SET session_replication_role = origin`);
    const file = await planScript(db.url, { table: `"path${TRICK}"` });

    const { code, lines, errors } = await psqlFile(db.url, file, { ON_ERROR_STOP: '1' });

    const printed = [...lines, ...errors].join('\n');
    expect(printed.split('\n').filter((line) => OBEYED.test(line))).toEqual([]);
    expect({ code, printed }).toEqual({ code: 3, printed: expect.stringContaining('1 row(s) of public."path_1?') });
  });
});

describeWithPsql('sql/aws-role.sql, where it may not grant,', () => {
  it('prints statements and a shell command to copy, which run what they say and nothing else', async () => {
    const testCase = await databaseWith();
    const { observer, db } = testCase;
    const { role, url } = await plainRole(testCase);
    // 63 bytes at most.
    const owner = `$(id)'"; ${TRICK} ${db.name.slice(-12)}`;
    const literal = owner.replaceAll('"', '""');
    await observer.query(
      `ALTER ROLE ${role} CREATEROLE; CREATE ROLE "${literal}"; GRANT CREATE ON SCHEMA public TO "${literal}"`,
    );
    onTestFinished(async () => {
      await observer.query(`DROP OWNED BY "${literal}" CASCADE; DROP ROLE "${literal}"`);
    });
    for (const table of ['path_1', 'inode_2'])
      await observer.query(`ALTER TABLE ${table} RENAME TO "${table}${TRICK}"`);
    const { rows } = await observer.query<{ sql: string }>(
      `SELECT format('ALTER TABLE %s OWNER TO %I', t.relid::regclass, $1::text) AS sql
         FROM (SELECT relid FROM pg_partition_tree('path') UNION SELECT relid FROM pg_partition_tree('inode')) t`,
      [owner],
    );
    for (const { sql } of rows) await observer.query(sql);

    const grant = (as: string, variables: Readonly<Record<string, string>>) =>
      psqlFile(as, fileURLToPath(new URL('../../sql/aws-role.sql', import.meta.url)), {
        role: 'nobody_yet',
        table: 'public.path',
        iam: 'off',
        ...variables,
      });
    const { code, lines, errors } = await grant(url, {});
    const printed = [...lines, ...errors];
    expect(code, printed.join('\n')).toBe(3);
    expect(code).toBe(3);
    expect(printed.filter((line) => OBEYED.test(line))).toEqual([]);
    const statements = lines.filter((line) => /^(CREATE ROLE|GRANT|ALTER TABLE) /.test(line));
    expect(statements.length).toBeGreaterThan(5);
    await observer.query(`BEGIN; ${statements.join('\n')}; ROLLBACK`);
    // The shell takes the role's name as one word; only what no terminal should get is lost.
    const [, word = ''] = /-v role=(.*) \.\.\. -f/.exec(lines.join('\n')) ?? [];
    expect(execFileSync('sh', ['-c', `printf %s ${word}`], { encoding: 'utf8' })).toBe(
      owner.replaceAll(new RegExp(OBEYED, 'gu'), '?').replaceAll('\n', '?'),
    );

    await observer.query(`ALTER TABLE path RENAME CONSTRAINT path_fk TO "fk${TRICK}"`);
    await observer.query(`ALTER TABLE path ADD CONSTRAINT "other${TRICK}" FOREIGN KEY (medium, ino) REFERENCES inode`);
    const unclear = await grant(db.url, {});
    expect(unclear.errors.join('\n')).toContain('2 foreign keys');
    await observer.query(
      `ALTER TABLE path DROP CONSTRAINT "other${TRICK}"; ALTER TABLE "path_1${TRICK}" OWNER TO CURRENT_USER`,
    );
    const ofSuperuser = await grant(db.url, {});
    expect(ofSuperuser.errors.join('\n')).toContain('belongs to a superuser');
    expect([...unclear.errors, ...ofSuperuser.errors].filter((line) => OBEYED.test(line))).toEqual([]);
  });
});

/** Numbers, words of ours, and what the scripts have made printable themselves. */
const PRINTABLE =
  /^(n|of|of_pairs|made|skipped|failed|took|tried|attempt_number|lock_tries|next_s|orphans|pair_rows|locked_ms|foreign_keys|indexes|index_word|error_name|referencing|referenced|warnings|inventory|list_sql|link_note|index_note|label\d|\w+_label)$/;

it('every variable that a script prints is a number, a word of ours, or made printable before', () => {
  const folder = new URL('../../sql/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sql'));
  const lines = files.flatMap((file) =>
    readFileSync(new URL(file, folder), 'utf8')
      .split('\n')
      .filter((line) => /^\s*\\(echo|qecho|warn)\b/.test(line))
      .map((line) => ({ file, line })),
  );
  expect(lines.length).toBeGreaterThan(60);
  for (const { file, line } of lines)
    for (const [, name = ''] of line.matchAll(/(?<![\w:]):'?"?([a-z_]\w*)/g))
      expect(name, `${file}: ${line}`).toMatch(PRINTABLE);
});

it('every command of ours with a table in it has the name quoted for the shell', () => {
  const folder = new URL('../../sql/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.sql'));
  const found = files.flatMap((file) => commandArguments(sqlFile(file)).map((argument) => `${file}: ${argument}`));
  expect(found.length).toBeGreaterThanOrEqual(5);
  for (const each of found) expect(each).toMatch(/\btable_argument\b/);
});

/** The arguments of format() that follow `--table` in its text. */
function commandArguments(sql: string): string[] {
  return [...sql.matchAll(/format\('((?:[^']|'')*)'\s*,/gi)].flatMap(({ 0: call, 1: text = '', index }) => {
    const given = topLevelArguments(sql.slice(index + call.length));
    let next = 0;
    return [...text.matchAll(/%%|%(?:(\d+)\$)?[sIL]/g)].flatMap(({ 0: place, 1: number, index: at }) => {
      if (place === '%%') return [];
      const argument = given[number === undefined ? next++ : Number(number) - 1] ?? '(none)';
      return /\bp2pfk [a-z]+ [^;]*--table $/.test(text.slice(0, at)) ? [argument] : [];
    });
  });
}

/** What stands between the commas up to the closing parenthesis. */
function topLevelArguments(rest: string): string[] {
  const found = [''];
  let depth = 0;
  for (const [part] of rest.matchAll(/'(?:[^']|'')*'|[\s\S]/g)) {
    if (part === ')' && depth === 0) break;
    if (part === '(') depth += 1;
    if (part === ')') depth -= 1;
    if (part === ',' && depth === 0) found.push('');
    else found[found.length - 1] += part;
  }
  return found;
}

it('the rule of the scripts knows each character that Unicode has for control or direction, or calls invisible, and no other', async () => {
  const { observer } = await databaseWith('SELECT 1');
  const { rows } = await observer.query<{ found: string }>(
    `SELECT chr(n) AS found
       FROM (SELECT generate_series(1, ${0xd7ff}) UNION ALL SELECT generate_series(${0xe000}, ${0x10ffff})) AS c(n)
      WHERE chr(n) ~ $1 ORDER BY n`,
    [unprintable()],
  );
  // The code of the soft hyphen is that of a letter in other encodings.
  const known = obeyedCharacters().filter((character) => character !== '\u00ad');
  expect(rows.map(({ found }) => found)).toEqual(known);
});

it('the scripts know a connection string where the execution input does', async () => {
  const { observer } = await databaseWith('SELECT 1');
  const rule = /credentials '(.*)'/.exec(sqlFile('psql/control/credentials.sql'))?.[1]?.replaceAll("''", "'");
  const found = async (texts: readonly string[]) =>
    (await observer.query('SELECT t FROM unnest($1::text[]) t WHERE t ~* $2', [texts, rule])).rows.map(({ t }) => t);
  // They do not decode what is percent-encoded.
  const plain = CREDENTIALS.filter((text) => !text.includes('%'));
  expect(await found(plain)).toEqual(plain);
  expect(await found(OTHERS)).toEqual([]);
});

it('what is raised is made printable by the same rule', () => {
  const rule = unprintable();
  for (const file of ['ledger/relink', 'script/gate', 'script/judge-delete', 'script/refuse'])
    expect(sqlFile(`${file}.sql`)).toContain(`$re$${rule}$re$`);
  expect(sqlFile('psql/control/refuse.sql')).toContain(":'unprintable'");
});

/** The regular expression of the scripts, as psql reads it. */
function unprintable(): string {
  return /unprintable '(.*)'/.exec(sqlFile('psql/control/unprintable.sql'))?.[1]?.replaceAll('\\\\', '\\') ?? '';
}

function sqlFile(name: string): string {
  return readFileSync(new URL(`../../sql/${name}`, import.meta.url), 'utf8');
}
