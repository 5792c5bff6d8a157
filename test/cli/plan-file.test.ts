/** A plan that is saved, reviewed and carried out: as it was, or not at all. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { inputOfPlan, readCatalog, readPlanFile, refuseChangedCatalog } from '../../cli/plan-file.ts';
import { documentHash } from '../../cli/plan-hash.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { type CatalogEntry, planHash as hashOf } from '../../core/plan/reviewed-plan.ts';
import { coreSession, databaseWith } from '../core/case.helpers.ts';
import { Execution } from '../core/execution.helpers.ts';
import { p2pfk } from './cli.helpers.ts';

async function savedPlan() {
  const testCase = await databaseWith();
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-plan-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'plan.json');
  const env = { DATABASE_URL: testCase.db.url };
  const planned = await p2pfk(['plan', '-t', 'path', '--out', file, '--by', 'Ana', '--reason', 'CHG-7'], env);
  expect(planned).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^✓ Plan saved: .*plan\.json, sha256:\w{64}\n$/),
  });
  expect(planned.stderr).toContain((await readPlanFile(file)).hash);
  return { ...testCase, env, folder, file };
}

function planOf(catalog: readonly CatalogEntry[], given: object): string {
  const input = ExecutionInput.parse(given);
  return hashOf(catalog, { table: input.table, constraint_name: input.constraint ?? '' }, input);
}

/** The document as an editor sees it. */
interface Document extends Record<string, unknown> {
  readonly plan: object;
  readonly database: object;
  readonly input: object;
}

/** As its maker could have written it. */
function rehashed(text: string): string {
  const plan = JSON.parse(text) as Document;
  return JSON.stringify({ ...plan, hash: documentHash(plan) });
}

it('is written for its owner alone, is carried out, resumes, and is named in the ledger', async () => {
  const { observer, env, folder, file } = await savedPlan();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['plan.json']);
  const plan = await readPlanFile(file);
  const input = inputOfPlan(plan, { by: 'Ben' });
  expect(input).toMatchObject({
    table: 'public.path',
    constraint: 'path_fk',
    planHash: plan.catalogHash,
    planDocumentHash: plan.hash,
    planRestHash: plan.restHash,
    planMadeBy: 'Ana',
    by: 'Ben',
  });

  // Rows may come, and what the migration itself has made does not count when it resumes.
  await observer.query("INSERT INTO path VALUES ('one', 1, 'new')");
  const first = new Execution();
  await first.migrate('ValidateForeignKeys', input);
  await first.pause({ Error: 'WindowClosed' });
  const report = join(folder, 'report.md');
  const resumed = await p2pfk(['migrate', '--plan', file, '--report', report], env);
  expect(resumed.code, resumed.stderr).toBe(0);
  // What is in the ticket is what a person sees before, and what the report and the ledger name.
  expect(resumed.stdout).toContain(
    `Plan ${plan.hash}, made on ${plan.madeAt} by Ana (as stated, not verified): CHG-7\n`,
  );
  // What was compared comes first.
  expect(readFileSync(report, 'utf8')).toMatch(
    new RegExp(`Plan.*${plan.catalogHash}.*refused if anything had changed since.*${plan.hash}.*names that.*Ana`),
  );
  const { rows } = await observer.query(
    `SELECT options ->> 'planDocumentHash' AS hash, options ->> 'planMadeBy' AS by FROM p2pfk.migration`,
  );
  expect(rows).toEqual([{ hash: plan.hash, by: 'Ana' }]);
});

it('is not claimed by an input that does not prove it', async () => {
  const { db, observer, file } = await savedPlan();
  const plan = await readPlanFile(file);
  const { planHash, planDocumentHash, planRestHash, planMadeAt, planMadeBy, ...rest } = inputOfPlan(plan, {});
  const claim = { planHash, planDocumentHash, planRestHash, planMadeAt, planMadeBy };
  const refused = (input: object) =>
    expect(new Execution().plan({ ...rest, ...input })).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(/^the execution input is not valid: /),
    });
  // Each alone, and each left out, but for the one that is compared.
  for (const [key, value] of Object.entries(claim)) {
    if (key !== 'planHash') await refused({ [key]: value });
    await refused({ ...claim, [key]: undefined });
  }
  await refused({ ...claim, operation: 'rollback' });

  // The hash of the ticket beside the plan of another catalog, or another maker or time.
  await observer.query('CREATE INDEX late ON path_1 (name)');
  const now = planOf(await readCatalog(await coreSession(db.url), ExecutionInput.parse(rest)), rest);
  await refused({ ...claim, planHash: now });
  await refused({ ...claim, planMadeBy: 'the.ciso@example.com' });
  await refused({ ...claim, planMadeAt: '2020-01-01T00:00:00.000Z' });
  await expect(new Execution().plan({ ...rest, ...claim })).rejects.toThrow(/is not what the plan/);
  await expect(new Execution().plan({ ...rest, planHash: now, dryRun: true })).resolves.toMatchObject({
    status: 'DRY_RUN',
    asReviewed: true,
  });
  await expect(new Execution().plan({ ...rest, dryRun: true })).resolves.not.toHaveProperty('asReviewed');
});

it('is the same plan in another order of keys, and with other white space', async () => {
  const { file } = await savedPlan();
  const plan = await readPlanFile(file);
  const backwards = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(backwards);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, each]) => [key, backwards(each)]),
    );
  };
  writeFileSync(file, `\n${JSON.stringify(backwards(JSON.parse(readFileSync(file, 'utf8'))), null, '\t')}`);
  expect(await readPlanFile(file)).toEqual(plan);
});

it('is refused with what has changed, by the command before it begins and by the plan step', async () => {
  const { db, observer, env, file } = await savedPlan();
  const plan = await readPlanFile(file);
  const input = inputOfPlan(plan, {});
  const changes: [change: string, undo: string, named: RegExp][] = [
    ['CREATE INDEX late ON path_1 (name)', 'DROP INDEX late', /index public\.late is new/],
    [
      'ALTER TABLE path_2 OWNER TO pg_monitor',
      'ALTER TABLE path_2 OWNER TO postgres',
      /table public\.path_2 was ".*owner postgres.*" and is ".*owner pg_monitor/,
    ],
    [
      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t BEFORE UPDATE ON inode_1 FOR EACH ROW EXECUTE FUNCTION f()",
      'DROP FUNCTION f() CASCADE',
      /trigger public\.inode_1\.t is new/,
    ],
    [
      "CREATE TABLE path_4 PARTITION OF path FOR VALUES IN ('four')",
      'DROP TABLE path_4',
      /table public\.path_4 is new/,
    ],
    [
      'ALTER TABLE path DROP CONSTRAINT path_fk; ALTER TABLE path ADD CONSTRAINT path_fk FOREIGN KEY (medium, ino) REFERENCES inode',
      '',
      /foreign key path_fk was ".*ON DELETE CASCADE/,
    ],
  ];
  await expect(refuseChangedCatalog(plan, ExecutionInput.parse(input), db.url)).resolves.toBeUndefined();
  for (const [change, undo, named] of changes) {
    await observer.query(change);
    const refused = refuseChangedCatalog(plan, ExecutionInput.parse(input), db.url);
    await expect(refused).rejects.toMatchObject({ name: 'PreflightFailed', message: expect.stringMatching(named) });
    await expect(new Execution().plan(input)).rejects.toMatchObject({
      name: 'PreflightFailed',
      message: expect.stringMatching(
        /^refused, nothing was changed: this is not what the plan sha256:\w{12} was made for/,
      ),
    });
    if (undo !== '') await observer.query(undo);
  }
  const command = await p2pfk(['migrate', '--plan', file], env);
  expect(command).toMatchObject({
    code: 4,
    stderr: expect.stringMatching(/^p2pfk: refused, nothing was changed: since the plan/),
  });
  expect((await observer.query("SELECT to_regclass('p2pfk.migration') AS ledger")).rows).toEqual([{ ledger: null }]);
  await expect(new Execution().plan({ ...input, noIndexes: true })).rejects.toThrow(/is not what the plan/);
});

it('is refused in one line where it is another file, another version, edited, or contradicted', async () => {
  const { file, env } = await savedPlan();
  const text = readFileSync(file, 'utf8');
  const refused = async (content: string, message: RegExp) => {
    writeFileSync(file, content);
    await expect(readPlanFile(file)).rejects.toMatchObject({
      name: 'InvalidInput',
      message: expect.stringMatching(message),
    });
  };
  await refused('{"table": "path"}', /is not a plan that p2pfk plan --out has written$/);
  await refused('no JSON', /is not a plan/);
  await refused(
    text.replace('"formatVersion": 1', '"formatVersion": 2'),
    /has format version 2, and this p2pfk reads version 1: plan again$/,
  );
  await refused(
    text.replace(/"p2pfk \d[^"]*"/, '"p2pfk 0.0.1"'),
    /was made by p2pfk 0\.0\.1, and this is p2pfk .*: plan again$/,
  );
  const edited = /was changed after it was made: its hash does not fit; plan again$/;
  // What only people read is as good as what is compared with the catalog.
  const changes: [key: string, value: unknown, within?: 'plan' | 'database' | 'input'][] = [
    ['findings', [], 'plan'],
    ['statements', [], 'plan'],
    ['definition', 'FOREIGN KEY (a) REFERENCES b (c)', 'plan'],
    ['approved', true, 'plan'],
    ['madeBy', 'the.ciso@example.com'],
    ['madeAt', '2020-01-01T00:00:00.000Z'],
    ['reason', 'reviewed'],
    ['target', 'elsewhere:5432/other', 'database'],
    ['maxConcurrency', 2, 'input'],
    ['note', 'approved'],
  ];
  for (const [key, value, within] of changes) {
    const plan = JSON.parse(text) as Document;
    await refused(
      JSON.stringify({ ...plan, ...(within ? { [within]: { ...plan[within], [key]: value } } : { [key]: value }) }),
      edited,
    );
  }
  await refused(text.replace('"oid ', '"OID '), edited);
  // A person may read the first of two, and JSON means the last.
  await refused(text.replace('"madeBy"', '"madeBy": "the.ciso@example.com",\n "madeBy"'), edited);
  await refused(text.replace(/"pairCount": \d+|"rows": \d+/, '$&.0'), edited);
  await refused(
    rehashed(text.replace('"oid ', '"OID ')),
    /was changed after it was made: its catalog hash does not fit; plan again$/,
  );
  for (const added of ['"holdBackQuery": "SELECT evil()"', '"accept": ["all"]', '"operation": "rollback"']) {
    const more = rehashed(text.replace('"input": {', `"input": {${added},`));
    await refused(more, /was changed after it was made: a plan has no "/);
  }
  for (const added of ['"keepIndexes": true', '"allowBlockingRollback": true'])
    await refused(rehashed(text.replace('"input": {', `"input": {${added},`)), /its catalog hash does not fit/);
  await refused(text.replace('"madeBy": "Ana"', '"madeBy": "\\u001b"'), /is damaged: madeBy: must be one line/);
  writeFileSync(file, text);

  expect(await p2pfk(['migrate', '--plan', file, '--no-indexes'], env)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(
      /^p2pfk: the plan was made with noIndexes false, and an option says true: leave the option out/,
    ),
  });
  // Whose code runs is the operator's own word, and the hash of a maker who added it fits.
  for (const [added, option] of [
    ['"ledgerOwner": "attacker"', '--ledger-owner "attacker"'],
    ['"searchPath": "evil, public"', '--search-path "evil, public"'],
  ] as const) {
    writeFileSync(file, rehashed(text.replace('"input": {', `"input": {${added},`)));
    expect(await p2pfk(['migrate', '--plan', file, '--dry-run'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(
        `the plan was made with ${option}, which decides whose code runs and is not taken from a file`,
      ),
    });
  }
  writeFileSync(file, text);
  expect(await p2pfk(['migrate', '--plan', join(file, 'missing')], env)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^p2pfk: the plan .* cannot be read: /),
  });
});
