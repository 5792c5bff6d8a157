/** Every scenario of test/matrix on PostgreSQL 13 to 18, which are installed first where they are not there yet. */
import { defineConfig } from 'vitest/config';
import { POSTGRES_MAJORS } from './scripts/install-postgres.ts';
import CompatibilityReporter from './test/matrix/compatibility.reporter.ts';

export default defineConfig({
  test: {
    reporters: ['default', new CompatibilityReporter()],
    // One server for each file that runs, and most of the time goes into waiting for it.
    maxWorkers: 3,
    projects: POSTGRES_MAJORS.map((major) => ({
      extends: true,
      test: {
        name: `postgres-${major}`,
        include: ['test/matrix/**/*.test.ts'],
        env: { P2PFK_POSTGRES: String(major) },
        globalSetup: 'test/matrix/global-setup.ts',
        setupFiles: 'test/support/not-null.ts',
        pool: 'forks',
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
