/** The default suite: real PostgreSQL, real processes, no browser. The long ones have configurations of their own. */
import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      ...configDefaults.exclude,
      'test/{matrix,chaos,property,browser}/**',
      // Half a minute in Python's interpreter of state machines: part of `npm run test:infra`.
      'test/infra/emulator.test.ts',
    ],
    // One embedded PostgreSQL for the whole run; each test file clones its database from a template.
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    // Most of the time goes into waiting for PostgreSQL, so one more than the two cores of a small build machine.
    maxWorkers: 3,
    // A limit for what hangs, not for what is slow: some machines are busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
