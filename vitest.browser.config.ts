/** The pages in a real Chromium: `npm run test:browser`. CHROMIUM names another one than Debian's. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // One browser at a time: the pages are looked at as one person would.
    fileParallelism: false,
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
