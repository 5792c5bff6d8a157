/** Every scenario on one version of PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeWithPsql } from '../psql/psql.helpers.ts';
import { isRefused, migrateAndBack } from './layout.helpers.ts';
import { migratedBounds, refusedBounds } from './layouts/bounds.ts';
import { migratedForeignKeys, refusedForeignKeys } from './layouts/foreign-keys.ts';
import { migratedStrategies, refusedStrategies } from './layouts/strategies.ts';
import { tableLayouts } from './layouts/tables.ts';
import { afterwards } from './scenarios/afterwards.ts';
import { checks } from './scenarios/checks.ts';
import { detached } from './scenarios/detached.ts';
import { psqlScripts } from './scenarios/psql.ts';
import { rollbacks } from './scenarios/rollback.ts';
import { several } from './scenarios/several.ts';
import { type MatrixServer, startServer } from './server.helpers.ts';
import { majorUnderTest, possible } from './version.helpers.ts';

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
});
afterAll(() => server?.stop());

describe('server', () => {
  it('starts, and has the version that it should have', ({ task }) => {
    task.meta.serverVersion = server.version;
    expect(server.version).toMatch(new RegExp(`^${majorUnderTest}\\.`));
  });
});

describe('rollback strategies', () => {
  it.each(possible(rollbacks))('%s', (_, scenario) => scenario.run(server));
});

describe('checks', () => {
  it.each(possible(checks))('%s', (_, scenario) => scenario.run(server));
});

describe('after the migration', () => {
  it.each(possible(afterwards))('%s', (_, scenario) => scenario.run(server));
});

describe('partitioning', () => {
  it.each(possible(migratedStrategies))('%s', (_, layout) => migrateAndBack(server, layout));
  it.each(possible(refusedStrategies))('%s: refused', (_, layout) => isRefused(server, layout));
  it.each(possible(detached))('%s', (_, scenario) => scenario.run(server));
});

describe('tables and columns', () => {
  it.each(possible(tableLayouts))('%s', (_, layout) => migrateAndBack(server, layout));
});

describe('bounds', () => {
  it.each(possible(migratedBounds))('%s', (_, layout) => migrateAndBack(server, layout));
  it.each(possible(refusedBounds))('%s: refused', (_, layout) => isRefused(server, layout));
});

describe('foreign keys', () => {
  it.each(possible(migratedForeignKeys))('%s', (_, layout) => migrateAndBack(server, layout));
  it.each(possible(several))('%s', (_, scenario) => scenario.run(server));
  it.each(possible(refusedForeignKeys))('%s: refused', (_, layout) => isRefused(server, layout));
});

describeWithPsql('psql scripts', () => {
  it.each(possible(psqlScripts))('%s', (_, scenario) => scenario.run(server));
});
