/** Roles that are not the owner's. They belong to the whole server, so each has a name of its own. */
import { onTestFinished } from 'vitest';
import type { TestCase } from './case.helpers.ts';

/** A role that may do nothing but log in, gone after the test. */
export async function plainRole({ db, observer }: TestCase): Promise<{ role: string; url: string }> {
  const role = `plain_${db.name}`;
  await observer.query(`CREATE ROLE ${role} LOGIN PASSWORD 'plain'`);
  onTestFinished(async () => {
    await observer.query(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  });
  return { role, url: db.urlAs(role, 'plain') };
}
