/** Findings that need acceptance: asked on a terminal, named by options elsewhere, never waited for. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { THREE_PAIRS } from '../core/case.helpers.ts';
import { catalogSnapshot } from '../support/catalog.ts';
import { createDatabase } from '../support/database.ts';
import { p2pfk } from './cli.helpers.ts';
import { HAS_TERMINALS, onTerminal } from './terminal.helpers.ts';

/** A trigger that cascades will no longer fire, and a publication that would publish the ledger. */
const TWO_FINDINGS = `${THREE_PAIRS}
  CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
  CREATE TRIGGER audit AFTER DELETE ON path FOR EACH STATEMENT EXECUTE FUNCTION nothing();
  CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert');`;

async function database(sql: string) {
  const db = await createDatabase('empty');
  onTestFinished(() => db.drop());
  const observer = await db.client();
  await observer.query(sql);
  return { observer, env: { DATABASE_URL: db.url } };
}

describe('findings that need acceptance', () => {
  it('are listed by plan, refused without a terminal, and accepted by options', async () => {
    const { observer, env } = await database(TWO_FINDINGS);
    const before = await catalogSnapshot(observer);
    const flags = '--accept publication-all-tables --accept statement-trigger';

    const planned = await p2pfk(['plan', '-t', 'path'], env);
    expect(planned.code).toBe(0);
    expect(planned.stdout).toContain(`! Needs acceptance: ${flags}\n✓ Ready: p2pfk migrate --table path ${flags}`);

    const refused = await p2pfk(['migrate', '-t', 'path', '--yes', '--accept', 'statement-trigger'], env);
    expect(refused.code).toBe(4);
    expect(refused.stdout + refused.stderr).toContain('\nAccept with --accept publication-all-tables\n');
    expect(await catalogSnapshot(observer)).toBe(before);

    const migrated = await p2pfk(['migrate', '-t', 'path', '--accept', 'all', '--json'], env);
    expect(migrated.code).toBe(0);
    const { rows } = await observer.query(`SELECT a ->> 'id' AS id, a ->> 'role' AS role
      FROM p2pfk.migration, jsonb_array_elements(options -> 'accepted') AS a`);
    expect(rows.map(({ id }) => id).sort()).toEqual(['publication-all-tables', 'statement-trigger']);
    const report = await p2pfk(['report', '-e', JSON.parse(migrated.stdout).executionArn, '--format', 'markdown'], env);
    expect(report.stdout.match(/accepted by \S+ \(as stated, not verified\), role/g)).toHaveLength(2);
  });

  it('are named by ids that exist, or it is bad usage', async () => {
    const wrong = await p2pfk(['migrate', '-t', 'path', '--accept', 'statment-trigger'], {});
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(
      /--accept must be the id of a finding, such as row-movement, or all, not \["statment-trigger"\]/,
    );
  });

  it.runIf(HAS_TERMINALS)('are asked one after the other on a terminal, where no is the default', async () => {
    const { observer, env } = await database(TWO_FINDINGS);
    const before = await catalogSnapshot(observer);
    const asked = (terminal: ReturnType<typeof onTerminal>, pattern: RegExp) =>
      expect.poll(async () => (await terminal.screen('all')).join('\n'), { timeout: 30_000 }).toMatch(pattern);

    const declined = onTerminal(['migrate', '-t', 'path', '--no-color'], env, { columns: 120, rows: 40 });
    await asked(declined, /Accept publication-all-tables\? \[y\/N\]/);
    declined.type('y');
    await asked(declined, /Accept statement-trigger\? \[y\/N\]/);
    declined.type('');
    expect(await declined.finished).toBe(4);
    expect((await declined.screen('all')).join('\n')).toContain('statement-trigger was not accepted');
    expect(await catalogSnapshot(observer)).toBe(before);

    const unconfirmed = onTerminal(['migrate', '-t', 'path', '--no-color'], env, { columns: 120, rows: 40 });
    await asked(unconfirmed, /Accept publication-all-tables\? \[y\/N\]/);
    unconfirmed.type('y\ry\r');
    expect(await unconfirmed.finished).toBe(4);
    expect((await unconfirmed.screen('all')).join('\n')).toContain('the start was not confirmed');
    expect(await catalogSnapshot(observer)).toBe(before);

    const flags = ['--accept', 'publication-all-tables', '--no-color', '--by', 'Ana', '--reason', 'CHG-7'];
    const accepted = onTerminal(['migrate', '-t', 'path', ...flags], env, { columns: 120, rows: 40 });
    await asked(accepted, /Accept statement-trigger\? \[y\/N\]/);
    const shown = (await accepted.screen('all')).join('\n');
    expect(shown).toMatch(/^Database {5}\S+:\d+\/\S+, PostgreSQL \d+\S*, as role postgres$/m);
    expect(shown).toMatch(/^Started by {3}Ana \(as stated, not verified\): CHG-7$/m);
    expect(shown).toMatch(/^Foreign key {2}path_fk of public\.path → public\.inode, 3 pairs$/m);
    expect(shown).toMatch(/^! publication-all-tables: .*\(accepted\)/ms);
    // The second answer is there before its question.
    accepted.type('yes\ry');
    expect(await accepted.finished).toBe(0);
    expect(await accepted.screen('all')).toContain('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');
  });
});
