/** Installs what the suite runs on, before it runs: with one line that says why where that cannot be. */
import type { TestProject } from 'vitest/node';
import { installPostgres, POSTGRES_MAJORS } from '../../scripts/install-postgres.ts';

export default async function setup({ name }: TestProject): Promise<void> {
  const wanted = POSTGRES_MAJORS.filter((major) => name === `postgres-${major}` || name === '');
  for (const major of wanted) await installPostgres(major);
}
