/** The property test's schemas on every version; always the same ones, as the page of the matrix speaks of them. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { caseArbitrary, check, describeCase, newTally } from '../property/check.ts';
import { type MatrixServer, startServer } from './server.helpers.ts';
import { majorUnderTest } from './version.helpers.ts';

const RUNS = 20;
const SEED = 20_261_123;

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
});
afterAll(() => server?.stop());

describe('drawn schemas', () => {
  it(`${RUNS} schemas: the same statements accepted and refused, and back as it was`, {
    timeout: 600_000,
  }, async () => {
    const original = await server.database('');
    const migrated = await server.database('');
    const databases = {
      original: original.observer,
      migrated: migrated.observer,
      url: migrated.url,
      major: majorUnderTest,
    };
    const tally = newTally();
    const property = fc.asyncProperty(caseArbitrary(majorUnderTest), (drawn) => check(databases, drawn, tally));
    const result = await fc.check(property, { seed: SEED, numRuns: RUNS });
    const [smallest] = result.counterexample ?? [];
    if (smallest !== undefined)
      throw new Error(`${(result.errorInstance as Error).message}\n\n${describeCase(smallest)}`);
    await original.drop();
    await migrated.drop();
  });
});
