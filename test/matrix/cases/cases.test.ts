/** The schemas at the borders, on the oldest and the newest version of PostgreSQL that can show them. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MatrixServer, startServer } from '../server.helpers.ts';
import { majorUnderTest } from '../version.helpers.ts';
import { type Case, runCase } from './case.helpers.ts';

let server: MatrixServer;
beforeAll(async () => {
  server = await startServer(majorUnderTest);
});
afterAll(() => server?.stop());

const topics = readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.cases.ts'));
const modules: { readonly cases: readonly Case[] }[] = await Promise.all(
  topics.map((file) => import(/* @vite-ignore */ new URL(file, import.meta.url).href)),
);
const cases = modules.flatMap((module) => module.cases);

describe('schemas at the borders', () => {
  it('each have a case', () => {
    const schemas = readdirSync(new URL('schemas', import.meta.url)).map((file) => file.replace(/\.sql$/, ''));
    expect(schemas.filter((schema) => !cases.some((one) => one.schema === schema))).toEqual([]);
  });

  it.each(
    cases
      .filter(({ since = 13, until = 18 }) => majorUnderTest === since || majorUnderTest === until)
      .map((one) => [`${one.schema}: ${one.title}`, one] as const),
    // One of them has millions of rows, which the parent foreign key checks one by one.
  )('%s', (_, one) => runCase(server, one), 400_000);
});
