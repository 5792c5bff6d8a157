/** A plan that is saved, reviewed and carried out: as it was, or not at all. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { inputOfPlan, readPlanFile, refuseChangedCatalog } from '../../cli/plan-file.ts';
import { ExecutionInput } from '../../core/contracts.ts';
import { databaseWith } from '../core/case.helpers.ts';
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
  return { ...testCase, env, folder, file };
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
    planHash: plan.hash,
    planMadeBy: 'Ana',
    by: 'Ben',
  });

  // Rows may come, and what the migration itself has made does not count when it resumes.
  await observer.query("INSERT INTO path VALUES ('one', 1, 'new')");
  const first = new Execution();
  await first.migrate('ValidateForeignKeys', input);
  await first.pause({ Error: 'WindowClosed' });
  const resumed = await p2pfk(['migrate', '--plan', file], env);
  expect(resumed.code, resumed.stderr).toBe(0);
  const { rows } = await observer.query(
    `SELECT options ->> 'planHash' AS hash, options ->> 'planMadeBy' AS by FROM p2pfk.migration`,
  );
  expect(rows).toEqual([{ hash: plan.hash, by: 'Ana' }]);
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
  await refused(text.replace('"oid ', '"OID '), /was changed after it was made: its hash does not fit; plan again$/);
  for (const added of ['"holdBackQuery": "SELECT evil()"', '"accept": ["all"]', '"operation": "rollback"']) {
    await refused(text.replace('"input": {', `"input": {${added},`), /was changed after it was made: a plan has no "/);
  }
  for (const added of ['"keepIndexes": true', '"allowBlockingRollback": true'])
    await refused(text.replace('"input": {', `"input": {${added},`), /was changed after it was made/);
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
    writeFileSync(file, text.replace('"input": {', `"input": {${added},`));
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
