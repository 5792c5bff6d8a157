/**
 * Drawn schemas find what examples do not. A failure prints how to replay it, and the smallest case that fails as SQL.
 *
 *   P2PFK_RUNS      number of schemas, on all versions together; 200 by default
 *   P2PFK_SEED      draws the same schemas again
 *   P2PFK_POSTGRES  on this major version alone
 *   P2PFK_PATH      goes straight to the failing schema
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MatrixServer, startServer } from '../matrix/server.helpers.ts';
import { majorUnderTest } from '../matrix/version.helpers.ts';
import { type Case, caseArbitrary, check, describeCase, newTally } from './check.ts';

/** vitest.property.config.ts sets both; alone, the test draws a few schemas, always the same. */
const runs = Number(process.env.P2PFK_RUNS ?? 10);
const seed = Number(process.env.P2PFK_SEED ?? 20_261_123);
const path = process.env.P2PFK_PATH;

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
});
afterAll(() => server?.stop());

it(`pair foreign keys do what the parent foreign key did, and it comes back as it was: ${runs} schemas, seed ${seed}`, {
  timeout: 60_000 + runs * 60_000,
}, async () => {
  const original = await server.database('');
  const migrated = await server.database('');
  const databases = { original: original.observer, migrated: migrated.observer, url: migrated.url };
  const tally = newTally();
  const property = fc.asyncProperty(caseArbitrary(majorUnderTest), (drawn: Case) => check(databases, drawn, tally));

  const result = await fc.check(property, { seed, numRuns: runs, ...(path === undefined ? {} : { path }) });

  console.log(`PostgreSQL ${server.version}, seed ${seed}: ${JSON.stringify(tally)}`);
  const [smallest] = result.counterexample ?? [];
  if (smallest !== undefined)
    throw new Error(
      [
        `fails after ${result.numRuns} schemas and ${result.numShrinks} simplifications; to replay it:`,
        `P2PFK_POSTGRES=${majorUnderTest} P2PFK_SEED=${result.seed} P2PFK_PATH=${result.counterexamplePath} npm run test:property`,
        result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance),
        describeCase(smallest),
      ].join('\n\n'),
      { cause: result.errorInstance },
    );
  expect(result.failed).toBe(false);
  await original.drop();
  await migrated.drop();
});
