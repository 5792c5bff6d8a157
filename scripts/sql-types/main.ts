/** `npm run sql:types`: generates core/postgres/sql-types.ts again, with the PostgreSQL that `npm ci` installs. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { FAST, startEmbeddedPostgres } from '../../local/embedded/embedded-postgres.ts';
import { makeTables, writeModule } from './module.ts';

const MODULE = join(import.meta.dirname, '../../core/postgres/sql-types.ts');

const server = await startEmbeddedPostgres({ settings: FAST });
try {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  try {
    await makeTables(client);
    await writeFile(MODULE, await writeModule(client));
  } finally {
    await client.end();
  }
} finally {
  await server.stop();
}
