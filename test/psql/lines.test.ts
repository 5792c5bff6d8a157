/** People read the same lines, whether psql or the command line does the work. */
import { expect, it } from 'vitest';
import { p2pfk } from '../cli/cli.helpers.ts';
import { databaseWith } from '../core/case.helpers.ts';
import { describeWithPsql, psqlInOrder, STEPS, withoutTimes } from './psql.helpers.ts';

/** What the command line shows before it begins, and asks on a terminal whether to. */
const PREVIEW =
  /^(?:Database|Migration|Started by|Foreign key|Estimate|Snapshots|Writes|Execution|Drop|Rollback|Findings) {2,}|^! |^(?:Started execution|Execution): /;

/** When and how a pair was proven, behind its name: the psql scripts validate and count in steps of their own. */
const PROOF = /, (?:validated|counted) at .*$/;

/** The pairs at the end: psql lists them, migrate has one line for all that are alike. */
const INVENTORY = /^ {2}(?:\S+ -> |\d+ of \d+ pairs?: |p2pfk verify, a report)/;

/** What the command line said, without empty lines, its preview, and its last word on the whole duration. */
async function said(command: 'migrate' | 'rollback' | 'verify', url: string): Promise<string[]> {
  const pace = command === 'verify' ? [] : ['--max-concurrency', '1'];
  const { code, stdout, stderr } = await p2pfk([command, '--table', 'path', ...pace], { DATABASE_URL: url });
  expect(code, stderr).toBe(0);
  const lines = `${stderr}${stdout}`
    .split('\n')
    .filter((line) => line !== '' && !/^Took |; took /.test(line) && !PREVIEW.test(line));
  return withoutTimes(lines).map((line) => line.replace(PROOF, ''));
}

describeWithPsql('the psql scripts', () => {
  it('say line for line what migrate, verify and rollback say', async () => {
    const mine = await databaseWith();
    const theirs = await databaseWith();

    const forward = await psqlInOrder(mine.db.url, STEPS);
    const [verified, back] = await psqlInOrder(mine.db.url, ['step4', 'rollback']);

    const lines = (runs: typeof forward) =>
      withoutTimes(runs.flatMap((run) => run.lines)).filter((line) => !line.startsWith('! '));
    const withoutPairs = (all: readonly string[]) => all.filter((line) => !INVENTORY.test(line));
    expect(withoutPairs(lines(forward))).toEqual(withoutPairs(await said('migrate', theirs.db.url)));
    expect(lines(verified ? [verified] : []).slice(0, -1)).toEqual((await said('verify', theirs.db.url)).slice(0, -1));
    expect(lines(back ? [back] : [])).toEqual(await said('rollback', theirs.db.url));
  });
});
