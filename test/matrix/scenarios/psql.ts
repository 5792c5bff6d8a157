/** The five psql scripts leave the catalog that the state machine leaves, there and back. */
import { expect } from 'vitest';
import { psql, type Script, STEPS } from '../../psql/psql.helpers.ts';
import { inputOf, type MigratedLayout } from '../layout.helpers.ts';
import { migratedBounds } from '../layouts/bounds.ts';
import { migratedForeignKeys } from '../layouts/foreign-keys.ts';
import { migratedStrategies } from '../layouts/strategies.ts';
import { tableLayouts } from '../layouts/tables.ts';
import { everything, succeeds } from '../migration.helpers.ts';
import type { MatrixDatabase, MatrixServer } from '../server.helpers.ts';
import type { Scenario } from './scenario.helpers.ts';

async function runScripts(db: MatrixDatabase, layout: MigratedLayout, scripts: readonly Script[]): Promise<void> {
  const { table, constraint } = inputOf(layout);
  // What a layout changes for the application is not the subject here.
  const variables = { table, accept: 'all', ...(constraint === undefined ? {} : { constraint: String(constraint) }) };
  const { code, errors } = await psql(db.url, scripts, variables);
  expect({ scripts, code, errors }).toEqual({ scripts, code: 0, errors: [] });
}

async function sameCatalog(server: MatrixServer, layout: MigratedLayout): Promise<void> {
  const scripts = await server.database(layout.sql);
  const machine = await server.database(layout.sql);
  try {
    const before = await everything(scripts.observer);
    const input = inputOf(layout);

    await runScripts(scripts, layout, STEPS);
    await succeeds(machine, input, 'MIGRATED');
    expect(await everything(scripts.observer)).toBe(await everything(machine.observer));

    await runScripts(scripts, layout, ['rollback']);
    expect(await everything(scripts.observer)).toBe(before);
  } finally {
    await scripts.drop();
    await machine.drop();
  }
}

export const psqlScripts: readonly Scenario[] = [
  ...migratedStrategies,
  ...tableLayouts,
  ...migratedBounds,
  ...migratedForeignKeys,
]
  .filter((layout) => layout.psql)
  .map((layout) => ({
    ...layout,
    title: `the catalog of the state machine, there and back: ${layout.title}`,
    run: (server) => sameCatalog(server, layout),
  }));
