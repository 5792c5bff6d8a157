/** What is deployed: `npm run test:infra`. The other suites have all of it but the emulator, in which every state is slow. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{infra,lambdas}/**/*.test.ts'],
    maxWorkers: 3,
    globalSetup: 'test/support/global-setup.ts',
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
