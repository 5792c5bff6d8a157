/** What is deployed: `npm run test:infra`. The default suite has all of it but the emulator, in which every state is slow. */
import { defineConfig } from 'vitest/config';
import base from './vitest.config.ts';

export default defineConfig({
  test: { ...base.test, include: ['test/{infra,lambdas}/**/*.test.ts'], exclude: [] },
});
