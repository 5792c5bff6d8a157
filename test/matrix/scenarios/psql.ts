/** The five psql scripts, and the script that plan --sql prints, leave the catalog that the state machine leaves, there and back. */
import { expect } from 'vitest';
import { planScript } from '../../psql/plan-script.helpers.ts';
import { psql, psqlFile, type Script, STEPS } from '../../psql/psql.helpers.ts';
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

/** What `plan --sql` prints, run by psql; then the way back. */
async function samePlanned(server: MatrixServer, layout: MigratedLayout): Promise<void> {
  const scripted = await server.database(layout.sql);
  const machine = await server.database(layout.sql);
  try {
    const before = await everything(scripted.observer);
    const file = await planScript(scripted.url, inputOf(layout));
    const run = async (variables: Record<string, string> = {}) => {
      const { code, errors } = await psqlFile(scripted.url, file, variables);
      expect({ variables, code, errors }).toEqual({ variables, code: 0, errors: [] });
    };

    await run();
    await succeeds(machine, inputOf(layout), 'MIGRATED');
    expect(await everything(scripted.observer)).toBe(await everything(machine.observer));

    await run({ way_back: 'on' });
    expect(await everything(scripted.observer)).toBe(before);
  } finally {
    await scripted.drop();
    await machine.drop();
  }
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

const layouts = [...migratedStrategies, ...tableLayouts, ...migratedBounds, ...migratedForeignKeys].filter(
  (layout) => layout.psql,
);

export const psqlScripts: readonly Scenario[] = [
  ...layouts.map(
    (layout): Scenario => ({
      ...layout,
      title: `the catalog of the state machine, there and back: ${layout.title}`,
      run: (server) => sameCatalog(server, layout),
    }),
  ),
  ...layouts.map(
    (layout): Scenario => ({
      ...layout,
      title: `plan --sql, there and back: ${layout.title}`,
      run: (server) => samePlanned(server, layout),
    }),
  ),
];
