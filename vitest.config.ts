/**
 * Real PostgreSQL, real processes, no browser. `npm test` runs the projects `default` and `infra`, `npm run test:long` the project `long`; a file
 * that is named on the command line runs in either. The suites in test/matrix, chaos, property and browser have other configurations.
 */
import { configDefaults, defineConfig } from 'vitest/config';
import { ELSEWHERE, INFRA, LONG } from './test/suites.ts';

export default defineConfig({
  test: {
    // Most of the time goes into waiting for PostgreSQL, so one more than the two cores of a small build machine.
    maxWorkers: 3,
    projects: [
      { name: 'default', include: ['test/**/*.test.ts'], exclude: [...LONG, ...INFRA], isolate: true },
      { name: 'infra', include: INFRA, exclude: LONG, isolate: false },
      { name: 'long', include: LONG, exclude: [], isolate: true },
    ].map(({ name, include, exclude, isolate }) => ({
      extends: true,
      test: {
        name,
        include: [...include],
        exclude: [...configDefaults.exclude, ...ELSEWHERE, ...exclude],
        // One embedded PostgreSQL for the whole run; each test file clones its database from a template.
        globalSetup: 'test/support/global-setup.ts',
        setupFiles: 'test/support/not-null.ts',
        pool: 'forks' as const,
        isolate,
        // A limit for what hangs, not for what is slow: some machines are busy.
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
});
