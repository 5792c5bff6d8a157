/** Golden outputs, to compare the code before and after a change that is to change nothing: `npm run test:golden`. See docs/testing.md. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/golden/**/*.test.ts'],
    globalSetup: 'test/support/global-setup.ts',
    // A lock that is refused on a busy machine is a try more, and so a line more.
    maxWorkers: 1,
    pool: 'forks',
  },
});
