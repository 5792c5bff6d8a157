/** The command that a plan ends with can be copied: it repeats what the plan was given. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withoutPassword } from '../../core/postgres/libpq/connection-string.ts';
import { createDatabase } from '../support/database.ts';
import { p2pfk } from './cli.helpers.ts';

const HOSTILE = `"it's; $(touch x) \`y\`"`;

describe('the commands at the end of a plan', () => {
  it('repeat the options that the plan was given, quoted for a shell, but no password', async () => {
    const db = await createDatabase('empty');
    onTestFinished(() => db.drop());
    const client = await db.client();
    await client.query(`
      CREATE SCHEMA ${HOSTILE};
      CREATE TABLE ${HOSTILE}.inode (k int PRIMARY KEY) PARTITION BY LIST (k);
      CREATE TABLE ${HOSTILE}.inode_1 PARTITION OF ${HOSTILE}.inode FOR VALUES IN (1);
      CREATE TABLE ${HOSTILE}.path (k int) PARTITION BY LIST (k);
      CREATE TABLE ${HOSTILE}.path_1 PARTITION OF ${HOSTILE}.path FOR VALUES IN (1);
      ALTER TABLE ${HOSTILE}.path ADD CONSTRAINT ${HOSTILE} FOREIGN KEY (k) REFERENCES ${HOSTILE}.inode ON DELETE CASCADE;
      ALTER TABLE ${HOSTILE}.path ADD CONSTRAINT other FOREIGN KEY (k) REFERENCES ${HOSTILE}.inode;`);
    const options = ['--constraint', HOSTILE, '--lock-timeout-ms', '700', '--search-path', `${HOSTILE}, public`];
    const names = ['--pair-constraint-names', 'documented', '--no-indexes', '--keep-indexes', '--session-pooler'];
    const notOfMigrate = ['--count-orphans', '--no-color', '--verbose'];

    const given = ['-t', 'path', ...options, ...names, '--database-url', db.url];
    const planned = await p2pfk(['plan', ...given, ...notOfMigrate]);
    const ready = /^✓ Ready: p2pfk (.*)$/m.exec(planned.stdout)?.[1];
    expect(ready, planned.stdout + planned.stderr).toBeDefined();
    expect(planned.stdout).not.toContain(new URL(db.url).password);

    const words = execFileSync('sh', ['-c', `printf '%s\\0' ${ready}`], { encoding: 'utf8' })
      .split('\0')
      .slice(0, -1);
    const accept = ['--accept', 'foreign-key-order'];
    const expected = [
      'migrate',
      '--table',
      'path',
      ...options,
      ...names,
      '--database-url',
      withoutPassword(db.url),
      ...accept,
    ];
    expect([...words].sort()).toEqual([...expected].sort());
    expect(words.slice(0, 3)).toEqual(['migrate', '--table', 'path']);
    const repeated = ready?.replace(/^migrate /, '').replace(` ${accept.join(' ')}`, '');
    expect(planned.stdout).toContain(`p2pfk plan ${repeated} --sql`);
  });

  it('hold no password that is written as psql takes it, and no URL parser does; nor with several hosts', async () => {
    const db = await createDatabase('empty');
    onTestFinished(() => db.drop());
    const client = await db.client();
    const password = "12#it's-secret9";
    const role = `repeated_${db.name}`;
    await client.query(`
      CREATE ROLE ${role} LOGIN PASSWORD '${password.replaceAll("'", "''")}';
      CREATE TABLE inode (k int PRIMARY KEY) PARTITION BY LIST (k);
      CREATE TABLE inode_1 PARTITION OF inode FOR VALUES IN (1);
      CREATE TABLE path (k int REFERENCES inode) PARTITION BY LIST (k);
      CREATE TABLE path_1 PARTITION OF path FOR VALUES IN (1);
      ALTER TABLE inode OWNER TO ${role}; ALTER TABLE inode_1 OWNER TO ${role};
      ALTER TABLE path OWNER TO ${role}; ALTER TABLE path_1 OWNER TO ${role};
      GRANT CREATE ON SCHEMA public TO ${role}; GRANT CREATE ON DATABASE ${db.name} TO ${role};`);
    onTestFinished(async () => {
      await client.query(`DROP OWNED BY ${role} CASCADE`);
      await client.query(`DROP ROLE ${role}`);
    });
    const { hostname, port } = new URL(db.url);
    for (const hosts of [`${hostname}:${port}`, `${hostname}:1,${hostname}:${port}`]) {
      const url = `postgres://${role}:${password}@${hosts}/${db.name}`;
      const planned = await p2pfk(['plan', '-t', 'path', '-d', url]);
      expect(planned.code, planned.stderr).toBe(0);
      expect(planned.stdout).toContain(`--database-url postgres://${role}@${hosts}/${db.name}`);
      expect(planned.stdout + planned.stderr).not.toContain('secret9');
    }
  });

  it('leave out of a database URL what is secret, and nothing else', () => {
    const secret = 'not-to-be-seen';
    expect(withoutPassword(`postgres://me:${secret}@db:5433/app?sslmode=require`)).toBe(
      'postgres://me@db:5433/app?sslmode=require',
    );
    expect(withoutPassword(`host=db password='${secret}' dbname='it\\'s'`)).toBe("host='db' dbname='it\\'s'");
    expect(withoutPassword('host=db dbname=app')).toBe('host=db dbname=app');
    expect(withoutPassword(`postgres://me@db/app?password=${secret}&sslpassword=${secret}&sslmode=require`)).toBe(
      'postgres://me@db/app?sslmode=require',
    );
    expect(withoutPassword(`postgres://me:${secret}@/app?host=/tmp`)).toBe('postgres://me@/app?host=/tmp');
    const plain = 'postgres://db/My%20app?options=-c%20x%3D1';
    expect(withoutPassword(plain)).toBe(plain);
  });
});
