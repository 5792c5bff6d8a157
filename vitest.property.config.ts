/**
 * The property test, on PostgreSQL 13 to 18: other schemas each time and on each version. `P2PFK_SEED` says which ones,
 * `P2PFK_POSTGRES` on which version alone; a failure names both.
 */
import { defineConfig } from 'vitest/config';
import { POSTGRES_MAJORS } from './scripts/install-postgres.ts';

const { P2PFK_POSTGRES: only, P2PFK_RUNS: runs = '200', P2PFK_SEED: given } = process.env;
const majors = POSTGRES_MAJORS.filter((major) => only === undefined || String(major) === only);
const seed = Number(given ?? Math.floor(Math.random() * 2 ** 31));
for (const [name, value] of Object.entries({ P2PFK_RUNS: Number(runs), P2PFK_SEED: seed }))
  if (!Number.isSafeInteger(value)) throw new Error(`${name} has to be a whole number`);
if (majors.length === 0) throw new Error(`P2PFK_POSTGRES=${only}: it has to be one of ${POSTGRES_MAJORS.join(', ')}`);

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: majors.map((major, n) => ({
      extends: true,
      test: {
        name: `postgres-${major}`,
        include: ['test/property/**/*.test.ts'],
        globalSetup: 'test/matrix/global-setup.ts',
        setupFiles: 'test/support/not-null.ts',
        pool: 'forks',
        env: {
          P2PFK_POSTGRES: String(major),
          // Alone, a version draws by the very seed that was given: that is how a failure is replayed.
          P2PFK_SEED: String(seed + n),
          P2PFK_RUNS: String(Math.ceil(Number(runs) / majors.length)),
        },
      },
    })),
  },
});
