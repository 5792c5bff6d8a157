/** Every scenario on one version of PostgreSQL: P2PFK_POSTGRES says which, and vitest.matrix.config.ts sets it. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { POSTGRES_MAJORS, type PostgresMajor } from '../../scripts/install-postgres.ts';
import { isRefused, type Layout, migrateAndBack } from './layout.helpers.ts';
import { migratedBounds, refusedBounds } from './layouts/bounds.ts';
import { migratedForeignKeys, refusedForeignKeys } from './layouts/foreign-keys.ts';
import { migratedStrategies, refusedStrategies } from './layouts/strategies.ts';
import { tableLayouts } from './layouts/tables.ts';
import { type MatrixServer, startServer } from './server.helpers.ts';

const major = Number(process.env.P2PFK_POSTGRES ?? 17) as PostgresMajor;
if (!POSTGRES_MAJORS.includes(major)) throw new Error(`P2PFK_POSTGRES=${major}: there is no such version here`);

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(major);
});
afterAll(() => server?.stop());

const possible = <Kind extends Layout>(layouts: readonly Kind[]) =>
  layouts
    .filter(({ since = 13, until = 18 }) => major >= since && major <= until)
    .map((layout): [string, Kind] => [layout.title, layout]);

describe('partitioning', () => {
  it.each(possible(migratedStrategies))('%s', (_, layout) => migrateAndBack(server, layout));
  it.each(possible(refusedStrategies))('%s: refused', (_, layout) => isRefused(server, layout));
});

describe('tables', () => {
  it.each(possible(tableLayouts))('%s', (_, layout) => migrateAndBack(server, layout));
});

describe('bounds', () => {
  it.each(possible(migratedBounds))('%s', (_, layout) => migrateAndBack(server, layout));
  it.each(possible(refusedBounds))('%s: refused', (_, layout) => isRefused(server, layout));
});

describe('foreign keys', () => {
  it.each(possible(migratedForeignKeys))('%s', (_, layout) => migrateAndBack(server, layout));
  it.each(possible(refusedForeignKeys))('%s: refused', (_, layout) => isRefused(server, layout));
});
