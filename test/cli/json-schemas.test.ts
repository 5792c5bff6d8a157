/**
 * docs/schemas/: the JSON schemas of what `--json` prints. They are made of the schemas that real documents are checked with here, of every
 * command, in the states of a migration that a pipeline meets. An unknown key fails.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import type { ListedMigration } from '../../cli/render/list-text.ts';
import type { DoctorCheck } from '../../core/checks/doctor.ts';
import type { MigrationReport, Plan, Verification } from '../../core/contracts/documents.ts';
import type { ApprovalDocument, WithdrawalDocument } from '../../core/contracts/json/approval.ts';
import type { AuditDocument, ProvisionDocument } from '../../core/contracts/json/audit.ts';
import type { MigrationDocument, VerificationDocument } from '../../core/contracts/json/migration.ts';
import type { PlanDocument } from '../../core/contracts/json/plan.ts';
import { PUBLISHED } from '../../core/contracts/json/published.ts';
import type { DoctorDocument, ListDocument, PaceDocument } from '../../core/contracts/json/status.ts';
import type { Audit } from '../../core/drift/drift.ts';
import type { Approved, Withdrawn } from '../../core/ledger/approve.ts';
import type { ChangedPace } from '../../core/ledger/change-pace.ts';
import type { Provisioned } from '../../core/provision/provision-pair.ts';
import { databaseWith } from '../core/case.helpers.ts';
import { stateDirectory } from '../local/endpoint.helpers.ts';
import { p2pfk, start } from './cli.helpers.ts';
import { commands } from './help.helpers.ts';
import { p2pfkHere } from './here.helpers.ts';
import { conforming } from './json.helpers.ts';

const ROOT = join(import.meta.dirname, '../..');
const fileOf = (name: string): string =>
  join(ROOT, name === 'scan' ? 'docs/scan.schema.json' : `docs/schemas/${name}.schema.json`);

/** The same type with all keys required and nothing readonly, so that two ways to write it can be compared. */
type Plain<T> = T extends readonly (infer Item)[]
  ? Plain<Item>[]
  : T extends object
    ? string extends keyof T
      ? object
      : { -readonly [Key in keyof T]-?: Plain<Exclude<T[Key], undefined>> }
    : T;
type Same<Schema, Document> = [Plain<Schema>, Plain<Document>] extends [Plain<Document>, Plain<Schema>] ? true : never;

/** Does not compile where a schema has another key than the document of the command. */
const AS_TYPED: readonly true[] = [
  true satisfies Same<z.infer<typeof PlanDocument>, Plan>,
  true satisfies Same<z.infer<typeof MigrationDocument>, MigrationReport>,
  true satisfies Same<z.infer<typeof VerificationDocument>, Verification>,
  true satisfies Same<z.infer<typeof AuditDocument>, Audit>,
  true satisfies Same<z.infer<typeof ProvisionDocument>, Provisioned>,
  true satisfies Same<z.infer<typeof ApprovalDocument>, Approved>,
  true satisfies Same<z.infer<typeof WithdrawalDocument>, Withdrawn>,
  true satisfies Same<z.infer<typeof PaceDocument>, ChangedPace>,
  true satisfies Same<z.infer<typeof DoctorDocument>['checks'][number], DoctorCheck>,
  // The options of a migration are those of an execution, which has a schema of its own.
  true satisfies Same<
    Omit<z.infer<typeof ListDocument>['migrations'][number], 'options'>,
    Omit<ListedMigration, 'options'>
  >,
];

describe('the published schemas', () => {
  const names = [...new Set(PUBLISHED.map(({ name }) => name))];

  it.each(names)('of %s are those that documents are checked with; write them anew with --update', async (name) => {
    const found = PUBLISHED.filter((one) => one.name === name);
    const [{ schema, option }] = found as [(typeof found)[number]];
    expect(found.every((one) => one.schema === schema)).toBe(true);
    const called = found.flatMap((one) => one.commands).map((command) => `p2pfk ${command}`);
    const title = called.length === 0 ? `p2pfk ${option}, of a command that failed` : `${called.join(', ')} ${option}`;
    const text = `${JSON.stringify({ title, ...z.toJSONSchema(schema) }, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(fileOf(name));
  });

  it('have no file besides, and are on the page about JSON', () => {
    const files = names.filter((name) => name !== 'scan').map((name) => `${name}.schema.json`);
    expect(readdirSync(join(ROOT, 'docs/schemas')).sort()).toEqual(files.sort());
    const page = readFileSync(join(ROOT, 'docs/json.md'), 'utf8');
    for (const { name, commands: of } of PUBLISHED) {
      expect(page).toContain(name === 'scan' ? '(scan.schema.json)' : `(schemas/${name}.schema.json)`);
      for (const command of of) expect(page).toContain(`(commands/${command}.md)`);
    }
    const known = commands.map((command) => command.name);
    expect(PUBLISHED.flatMap((one) => one.commands).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('have the keys of the types that the commands are written with', () => {
    expect(AS_TYPED.every((same) => same)).toBe(true);
  });
});

/** Many processes, one after the other. */
const LONG_MS = 600_000;

describe('a document conforms to its schema', () => {
  it(
    'of plan, scan, doctor, status and list, before anything was migrated',
    async () => {
      const { db } = await databaseWith();
      const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };
      const folder = mkdtempSync(join(tmpdir(), 'p2pfk-json-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const printed = async (...args: readonly string[]) => (await p2pfkHere([...args, '--json'], env)).stdout;

      conforming('plan', await printed('plan', '-t', 'path', '--out', join(folder, 'plan.json'), '--reason', 'CHG-1'));
      conforming('saved-plan', readFileSync(join(folder, 'plan.json'), 'utf8'));
      conforming('scan', await printed('scan'));
      conforming('doctor', await printed('doctor', '-t', 'path'));
      expect(conforming('status', await printed('status', '-t', 'path')).state).toBe('never-migrated');
      conforming('list', await printed('list'));
      expect(conforming('error', await printed('plan', '-t', 'paht')).error).toHaveProperty('choices');
      expect(conforming('error', await printed('verify', '-t', 'path')).error).toMatchObject({ name: 'NotMigrated' });
      expect(conforming('migration', await printed('migrate', '-t', 'paht'))).toMatchObject({ status: 'REFUSED' });
    },
    LONG_MS,
  );

  it(
    'of every command, while a migration runs, waits and ends, and after it',
    async () => {
      const { db, observer } = await databaseWith();
      const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };
      const printed = async (...args: readonly string[]) => (await p2pfkHere([...args, '--json'], env)).stdout;
      const migration = start(
        ['migrate', '-t', 'path', '--approval', 'manual', '--max-concurrency', '2', '--json-lines', '--by', 'Ana'],
        env,
      );
      await migration.says('p2pfk approve --table public.path');

      conforming('pace', await printed('throttle', '--max-concurrency', '1', '--reason', 'load'));
      conforming('pace', await printed('hold', '--reason', 'load'));
      expect(conforming('status', await printed('status', '-t', 'path'))).toMatchObject({
        state: 'running',
        migration: { owner: { life: 'alive' }, approval: { state: 'awaited' }, pace: { hold: { reason: 'load' } } },
      });
      expect(conforming('list', await printed('list'))).toMatchObject({ executions: [{ outcome: 'RUNNING' }] });
      expect(conforming('plan', await printed('plan', '-t', 'path'))).toMatchObject({ ledger: { state: 'running' } });
      conforming('approval', await printed('approve', '-t', 'path', '--by', 'Ben'));
      conforming('withdrawal', await printed('approve', '-t', 'path', '--withdraw', '--reason', 'not tonight'));
      expect(conforming('approval', await printed('approve', '-t', 'path'))).toMatchObject({ alreadyApproved: false });
      conforming('pace', await printed('resume'));
      const { code, stdout } = await migration.finished;

      const lines = stdout.trimEnd().split('\n');
      const types = lines.map((line) => conforming('event-line', line).type);
      expect({ code, first: types[0], last: types.at(-1) }).toEqual({
        code: 0,
        first: 'ExecutionStarted',
        last: 'Result',
      });
      expect(conforming('verification', await printed('verify', '-t', 'path'))).toMatchObject({ passed: true });
      expect(conforming('migration', await printed('migrate', '-t', 'path'))).toMatchObject({
        status: 'ALREADY_MIGRATED',
      });
      conforming(
        'provision',
        await printed('provision', '-t', 'path', '-b', "FOR VALUES IN ('five')", '--name-suffix', '5', '--dry-run'),
      );
      await observer.query(`
      CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four');
      DROP INDEX idx_path_1_fk;`);
      expect(conforming('audit', await printed('audit'))).toMatchObject({ passed: false });
      const repaired = conforming('audit', await printed('audit', '--fix', '--run'));
      expect(repaired).toMatchObject({ passed: true, repairs: [{ status: 'REPAIRED' }, { status: 'REPAIRED' }] });
      conforming('plan', await printed('plan', '-t', 'path'));
      conforming('list', await printed('list'));
      // The newest execution is the one that found nothing to do.
      expect(conforming('migration', (await p2pfk(['watch', '--json'], env)).stdout)).toMatchObject({
        status: 'ALREADY_MIGRATED',
      });
      const rolledBack = conforming('migration', await printed('rollback', '-t', 'path'));
      expect(rolledBack).toMatchObject({ status: 'ROLLED_BACK' });
      expect(conforming('status', await printed('status', '-t', 'path'))).toMatchObject({ state: 'rolled-back' });
    },
    LONG_MS,
  );

  it(
    'of a migration that fails and of one that pauses, with the error',
    async () => {
      const { db, observer } = await databaseWith();
      const env = { DATABASE_URL: db.url, P2PFK_STATE_DIR: stateDirectory() };
      const printed = async (...args: readonly string[]) => (await p2pfkHere([...args, '--json'], env)).stdout;

      expect(conforming('migration', await printed('migrate', '-t', 'path', '--rehearse'))).toMatchObject({
        status: 'PAUSED',
      });
      expect(conforming('status', await printed('status', '-t', 'path'))).toMatchObject({ state: 'paused' });
      conforming('migration', await printed('rollback', '-t', 'path'));
      await observer.query(`
      SET session_replication_role = replica;
      INSERT INTO path_1 VALUES ('one', 4711, 'nowhere');`);
      const { stdout } = await p2pfkHere(['migrate', '-t', 'path', '--json-lines'], env);
      for (const line of stdout.trimEnd().split('\n')) conforming('event-line', line);
      expect(stdout).toContain('"status":"ROLLED_BACK"');
      expect(stdout).toContain('"type":"TaskFailed"');
      conforming('status', await printed('status', '-t', 'path'));
      conforming('list', await printed('list'));
    },
    LONG_MS,
  );
});
