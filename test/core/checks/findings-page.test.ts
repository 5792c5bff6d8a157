/** A finding stands in several lists: none of them lacks one. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { SQL_FINDINGS } from '../../../core/checks/preflight/sql-findings.ts';
import { FINDING_IDS } from '../../../core/contracts/finding-ids.ts';

it('every finding is explained in docs/findings.md, with its severity and whether it needs acceptance', () => {
  const root = new URL('../../../', import.meta.url);
  const sources = readdirSync(new URL('core/checks/preflight', root)).map((file) =>
    readFileSync(new URL(`core/checks/preflight/${file}`, root), 'utf8'),
  );
  const queries = readdirSync(new URL('sql/findings', root)).map((file) =>
    readFileSync(new URL(`sql/findings/${file}`, root), 'utf8'),
  );
  const found = (pattern: RegExp, texts: readonly string[]) =>
    texts.flatMap((text) => [...text.matchAll(pattern)].map(([, id]) => id ?? ''));
  const ids = [
    ...found(/(?:finding|toAccept)\(\s*'([a-z0-9-]+)'/g, sources),
    ...found(/^ {2}'?([a-z0-9-]+)'?: \{\n {4}severity:/gm, sources),
    ...found(/'([a-z0-9-]+)'(?: AS id)?, '(?:error|warning|info)'/g, queries),
    ...found(/'([a-z0-9-]+)' AS id, CASE /g, queries),
  ];
  const toAccept = [
    ...found(/toAccept\(\s*'([a-z0-9-]+)'/g, sources),
    ...found(/'([a-z0-9-]+)'(?: AS id)?, '(?:error|warning|info)'(?: AS severity)?, (?!false)\S/g, queries),
  ];
  const docs = readFileSync(new URL('docs/findings.md', root), 'utf8');
  const rows = [...docs.matchAll(/^\| `([a-z0-9-]+)` \| ([a-z, ]+) \| (yes|no)\b[^|]* \|/gm)];
  const explained = rows.map(([, id]) => id);

  expect(ids.length).toBeGreaterThan(45);
  expect([...new Set(ids)].sort()).toEqual([...explained].sort());
  expect([...FINDING_IDS].sort()).toEqual([...explained].sort());
  expect(rows.flatMap(([, id, , acceptance]) => (acceptance === 'yes' ? [id] : [])).sort()).toEqual(
    [...new Set(toAccept)].sort(),
  );
  for (const [, id, severity = ''] of severitiesOf(queries)) {
    const row = rows.find(([, known]) => known === id);
    expect(row?.[2]?.split(', '), id).toContain(severity);
  }
});

/** Ids and severities of the queries that give a finding the same severity always. */
function severitiesOf(queries: readonly string[]): RegExpExecArray[] {
  return queries.flatMap((text) => [...text.matchAll(/'([a-z0-9-]+)'(?: AS id)?, '(error|warning|info)'/g)]);
}

it('every file of sql/findings is asked for by the plan, and by the psql scripts', () => {
  const sql = new URL('../../../sql/', import.meta.url);
  const files = readdirSync(new URL('findings', sql)).map((file) => file.replace(/\.sql$/, ''));
  const scripts = readdirSync(new URL('psql/migration', sql)).map((file) =>
    readFileSync(new URL(`psql/migration/${file}`, sql), 'utf8'),
  );
  const inScripts = scripts.flatMap((text) =>
    [...text.matchAll(/^\\set finding (\S+)$|findings\/([a-z0-9-]+)\.sql/gm)].map(
      ([, set, included]) => set ?? included,
    ),
  );
  const checks = new URL('../../../core/checks/preflight/', import.meta.url);
  const sources = readdirSync(checks).map((file) => readFileSync(new URL(file, checks), 'utf8'));
  const isAsked = (file: string) =>
    SQL_FINDINGS.some((id) => id === file) || sources.some((text) => text.includes(`'findings/${file}'`));
  expect(files.filter((file) => !isAsked(file))).toEqual([]);
  expect(files.filter((file) => !inScripts.includes(file))).toEqual([]);
});
