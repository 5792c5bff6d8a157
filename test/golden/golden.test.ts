/**
 * Golden outputs: what each command prints, and what it leaves in catalog and ledger. They are compared as they are, so that a change
 * that is to change nothing (moved files, renamed functions, generated types) is seen to change nothing. Only the command line is
 * used, as a process. To record them anew: npm run test:golden -- --update
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { p2pfk } from '../cli/cli.helpers.ts';
import { everything, smuggle, THREE_PAIRS, useDatabase } from '../core/case.helpers.ts';
import { cloneOf, sourceOf } from '../core/clones.helpers.ts';
import { mask, maskHtml, maskJson } from './mask.ts';

const MIGRATE = ['migrate', '-t', 'path', '--max-concurrency', '1', '--lock-timeout-ms', '10000', '--by', 'a person'];
const ROLLBACK = ['rollback', '-t', 'path', '--max-concurrency', '1', '--lock-timeout-ms', '10000', '--by', 'a person'];

/** Some twenty processes one after the other, each a second or two on an idle machine. */
const LONGEST_MS = 600_000;

/** Runs commands, and looks in between; all of it becomes the text of one file. */
class Transcript {
  readonly #parts: string[] = [];
  readonly #url: string;
  readonly #observer: Client;

  constructor(url: string, observer: Client) {
    this.#url = url;
    this.#observer = observer;
  }

  /** @returns stdout as it was */
  async run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await p2pfk(args, { DATABASE_URL: this.#url });
    this.#add(`$ p2pfk ${args.join(' ')}`, `exit code ${code}\n--- stdout\n${mask(stdout)}--- stderr\n${mask(stderr)}`);
    return stdout;
  }

  /** Schema and rows, but for the ledger. */
  async catalog(what: string): Promise<string> {
    const text = await everything(this.#observer);
    this.#add(`catalog ${what}`, mask(text));
    return text;
  }

  /** All rows of the ledger, in the order in which they were written. */
  async ledger(): Promise<void> {
    for (const table of ['migration', 'pair', 'event']) {
      const { rows } = await this.#observer.query<{ line: object }>(
        `SELECT to_jsonb(t) AS line FROM p2pfk.${table} AS t WHERE ${table === 'migration' ? 'id' : 'migration_id'} > 1 ORDER BY ${table === 'pair' ? 'migration_id, pair' : 'id'}`,
      );
      this.#add(`ledger: ${table}`, rows.map(({ line }) => JSON.stringify(maskJson(line))).join('\n'));
    }
  }

  /** History and report, in all forms, of the execution that worked last. */
  async execution(): Promise<void> {
    const { rows } = await this.#observer.query<{ execution: string }>(
      'SELECT execution FROM p2pfk.migration ORDER BY id DESC LIMIT 1',
    );
    const arn = rows[0]?.execution ?? '';
    await this.run('history', '-e', arn);
    await this.run('history', '-e', arn, '--json');
    const folder = mkdtempSync(join(tmpdir(), 'p2pfk-golden-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const format of ['json', 'markdown', 'html']) {
      const file = join(folder, `report.${format}`);
      await this.run('report', '-e', arn, '--format', format, '--output', file);
      const text = readFileSync(file, 'utf8');
      this.#add(`report as ${format}`, format === 'html' ? maskHtml(text) : mask(text));
    }
  }

  #add(title: string, text: string): void {
    this.#parts.push(`${'='.repeat(20)} ${mask(title)}\n${text}`);
  }

  async matches(name: string): Promise<void> {
    await expect(`${this.#parts.join('\n')}\n`).toMatchFileSnapshot(`recorded/${name}.txt`);
  }
}

/**
 * On tables that were migrated and rolled back once: so the ledger is there, and the statements that make it, with all the comments in
 * them, are in no report.
 */
async function transcript(): Promise<{ story: Transcript; observer: Client }> {
  const source = await sourceOf(`golden${THREE_PAIRS}`, async (made) => {
    await (await made.client()).query(THREE_PAIRS);
    for (const command of [MIGRATE, ROLLBACK]) {
      const { code, stderr } = await p2pfk([...command, '--quiet'], { DATABASE_URL: made.url });
      expect(code, stderr).toBe(0);
    }
  });
  const { db, observer } = await useDatabase(await cloneOf(source));
  return { story: new Transcript(db.url, observer), observer };
}

it('a migration, and all that can be asked of it', { timeout: LONGEST_MS }, async () => {
  const { story } = await transcript();
  await story.catalog('before');
  await story.run('plan', '-t', 'path');
  await story.run('plan', '-t', 'path', '--json', '--count-orphans');
  await story.run('plan', '-t', 'path', '--sql');
  await story.run(...MIGRATE);
  await story.catalog('migrated');
  await story.ledger();
  await story.execution();
  await story.run('verify', '-t', 'path');
  await story.run('verify', '-t', 'path', '--json');
  await story.run('audit', '--json');
  await story.run(...MIGRATE, '--json');
  await story.matches('migrate');
});

it('a rollback', { timeout: LONGEST_MS }, async () => {
  const { story } = await transcript();
  const before = await story.catalog('before');
  await story.run(...MIGRATE, '--quiet');
  await story.run(...ROLLBACK);
  await story.execution();
  expect(await story.catalog('rolled back')).toBe(before);
  await story.ledger();

  await story.matches('rollback');
});

it('a migration that finds orphans goes back', { timeout: LONGEST_MS }, async () => {
  const { story, observer } = await transcript();
  await smuggle(observer, "INSERT INTO path VALUES ('three', 999, 'an orphan')");
  await story.run(...MIGRATE);
  await story.execution();
  await story.ledger();
  await story.catalog('rolled back; the new indexes stay, because orphans were found');

  await story.matches('orphans');
});

it('one that is rehearsed, waits for an approval, and is continued', { timeout: LONGEST_MS }, async () => {
  const { story } = await transcript();
  await story.run(...MIGRATE, '--dry-run', '--json');
  await story.run(...MIGRATE, '--rehearse');
  await story.catalog('rehearsed');
  await story.run(...MIGRATE, '--approval', 'manual', '--approval-timeout', '1s', '--json');
  await story.run('plan', '-t', 'path');
  await story.run('approve', '-t', 'path', '--by', 'another person', '--reason', 'CHG-1', '--json');
  await story.run('approve', '-t', 'path', '--by', 'another person', '--withdraw');
  await story.run('approve', '-t', 'path', '--by', 'another person');
  await story.run(...MIGRATE, '--approval', 'manual');
  await story.catalog('migrated');
  await story.ledger();

  await story.matches('approval');
});

it('a new pair, drift of it, its repair; and what is refused', { timeout: LONGEST_MS }, async () => {
  const { story, observer } = await transcript();
  await story.run('provision', '-t', 'path', '--bound', "FOR VALUES IN ('five')");
  await story.run('rollback', '-t', 'path');
  await story.run('verify', '-t', 'path');
  await story.run('migrate', '-t', 'inode');
  await story.run(...MIGRATE, '--quiet');
  await story.run('provision', '-t', 'path', '--bound', "FOR VALUES IN ('five')", '--dry-run');
  await story.run('provision', '-t', 'path', '--bound', "FOR VALUES IN ('five')", '--json');
  await observer.query('ALTER TABLE path_2 DROP CONSTRAINT fk_path_to_inode_2; DROP INDEX idx_path_3_fk');
  await story.run('audit');
  await story.run('audit', '--json');
  await story.run('audit', '--fix');
  await story.run('audit', '--fix', '--run', '--json');
  await story.run('audit');
  await story.catalog('repaired');
  await story.ledger();

  await story.matches('provision-and-audit');
});

it('the help of every command', { timeout: LONGEST_MS }, async () => {
  const { stdout } = await p2pfk(['--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[|\s)/gm)].map(([, name]) => name ?? '');
  const texts = [stdout];
  for (const command of [...new Set(commands)].filter((name) => name !== 'help'))
    texts.push((await p2pfk([command, '--help'])).stdout);
  expect(texts.length).toBeGreaterThan(14);

  await expect(texts.join('\n')).toMatchFileSnapshot('recorded/help.txt');
});
