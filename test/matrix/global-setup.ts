/** Installs the version that a project of the suite is about, before it runs: one line says why where that cannot be. */
import type { TestProject } from 'vitest/node';
import { installPostgres, POSTGRES_MAJORS } from '../../scripts/install-postgres.ts';

export default async function setup({ name }: TestProject): Promise<void> {
  const major = POSTGRES_MAJORS.find((one) => name === `postgres-${one}`);
  if (major !== undefined) await installPostgres(major);
}
