/** One embedded PostgreSQL for the whole test run; every test file makes its own databases in it. */
import type { TestProject } from 'vitest/node';
import { FAST, startEmbeddedPostgres } from '../../local/embedded/embedded-postgres.ts';
import { missingPrograms } from './programs.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the database `postgres`, as superuser. */
    readonly serverUrl: string;
  }
}

export default async function setup({ provide, name }: TestProject): Promise<() => Promise<void>> {
  // Once, though each project is set up.
  const missing = name === 'infra' ? undefined : missingPrograms();
  if (missing !== undefined) console.warn(missing);
  const server = await startEmbeddedPostgres({
    settings: { ...FAST, max_connections: '200', max_prepared_transactions: '10' },
  });
  provide('serverUrl', server.url);
  return () => server.stop();
}
