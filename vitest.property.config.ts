/** The property test, in two halves side by side: other schemas each time, unless P2PFK_SEED says which. */
import { defineConfig } from 'vitest/config';

const runs = Number(process.env.P2PFK_RUNS ?? 200);
const seed = Number(process.env.P2PFK_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** A replay is one half alone: its seed is the one that the failure has named. */
const halves = process.env.P2PFK_PATH === undefined && runs > 1 ? 2 : 1;

export default defineConfig({
  test: {
    maxWorkers: halves,
    projects: Array.from({ length: halves }, (_, half) => ({
      extends: true,
      test: {
        name: `seed ${seed + half}`,
        include: ['test/property/**/*.test.ts'],
        // A server for each half: what one draws must not wait for the locks of the other.
        globalSetup: 'test/support/global-setup.ts',
        pool: 'forks',
        env: { P2PFK_SEED: String(seed + half), P2PFK_RUNS: String(Math.ceil(runs / halves)) },
      },
    })),
  },
});
