/**
 * Drawn schemas find what examples do not. A failure prints the seed, and the smallest case that fails as SQL.
 *
 *   P2PFK_RUNS   number of schemas, in both halves together; 200 by default
 *   P2PFK_SEED   draws the same schemas again
 *   P2PFK_PATH   goes straight to the failing one, as the failure says
 */
import fc from 'fast-check';
import { afterAll, beforeAll, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { type Case, caseArbitrary, check, describeCase, newTally, type TwoDatabases } from './check.ts';

/** vitest.property.config.ts sets both; alone, the test draws a few schemas, always the same. */
const runs = Number(process.env.P2PFK_RUNS ?? 10);
const seed = Number(process.env.P2PFK_SEED ?? 20_261_123);
const path = process.env.P2PFK_PATH;

const made: TestDatabase[] = [];
let databases: TwoDatabases;
beforeAll(async () => {
  const [original, migrated] = [await createDatabase('empty'), await createDatabase('empty')];
  made.push(original, migrated);
  const client = await original.client();
  const { rows } = await client.query<{ major: number }>(
    `SELECT current_setting('server_version_num')::int / 10000 AS major`,
  );
  databases = { original: client, migrated: await migrated.client(), url: migrated.url, major: rows[0]?.major ?? 0 };
});
afterAll(async () => {
  for (const database of made) await database.drop();
});

it(`pair foreign keys do what the parent foreign key did, and it comes back as it was: ${runs} drawn schemas`, {
  timeout: 60_000 + runs * 20_000,
}, async () => {
  const tally = newTally();
  const property = fc.asyncProperty(caseArbitrary(databases.major), (drawn: Case) => check(databases, drawn, tally));
  const result = await fc.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });
  console.log(`seed ${seed}: ${JSON.stringify(tally)}`);
  if (!result.failed) return;
  const [smallest] = result.counterexample ?? [];
  throw new Error(
    [
      `P2PFK_SEED=${result.seed} P2PFK_PATH=${result.counterexamplePath} fails, after ${result.numRuns} schemas and ${result.numShrinks} simplifications`,
      String(result.errorInstance instanceof Error ? result.errorInstance.message : result.errorInstance),
      smallest === undefined ? '' : describeCase(smallest),
    ].join('\n\n'),
    { cause: result.errorInstance },
  );
});
