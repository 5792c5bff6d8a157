/** No text of ours that runs under a search_path of other people leaves a name to be looked up there. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { capturable, exposedIn } from '../../support/captured-names.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const filesIn = (folder: string, ending: string) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending))
    .map((file) => join(folder, file))
    .sort();

describe('the scan', () => {
  it.each([
    ['SELECT quote_ident(c.relname) FROM pg_catalog.pg_class c', ['quote_ident()']],
    ['SELECT pg_catalog.now() + 1', ['+']],
    ['SELECT a OPERATOR(pg_catalog.=) b, count(*), -1, c.*', ['count()']],
    ["SELECT CASE k WHEN 'a' THEN 1 END", ['CASE with a value']],
    [
      "SELECT k IN ('a'), k LIKE 'b', k BETWEEN 1 AND 2, nullif(k, 0), k IS DISTINCT FROM 1",
      ['IN', 'LIKE', 'BETWEEN', 'nullif', 'DISTINCT'],
    ],
    ["SELECT ':x'::text, pg_catalog.format('%I = %I') FROM pg_class", ['::text', 'FROM pg_class']],
    ['WITH a AS (SELECT 1) SELECT pg_catalog.count(*) FROM a x', []],
    ["SELECT pg_catalog.obj_description(c.oid, 'pg_class')", ['obj_description()']],
    ['SELECT u.n FROM unnest(a, b) u(n), unnest(a) v(n)', ['unnest()']],
  ])('finds in %s what could be captured', (sql, found) => {
    expect(capturable(sql, { catalogFirst: false })).toEqual(found);
  });
});

describe('pg_settings, the one system view on which PUBLIC has more than SELECT, so that any login can LOCK it,', () => {
  it('is read by no text of ours: the function behind it takes no lock', () => {
    const code = ['cli', 'core', 'lambdas', 'local'].flatMap((folder) => filesIn(folder, '.ts'));
    const reads = [...filesIn('sql', '.sql'), ...code].filter((file) =>
      /\b(?:FROM|JOIN) (?:pg_catalog\.)?pg_settings\b/i.test(read(file)),
    );
    expect(reads).toEqual([]);
  });
});

describe('under the caller’s search_path', () => {
  it.each(['session', 'catalog/resolve-table', 'checks/session-works', 'checks/end-standby-wait'])(
    'sql/%s.sql has every name qualified',
    (name) => {
      expect(capturable(read(`sql/${name}.sql`), { catalogFirst: false })).toEqual([]);
    },
  );

  // Event triggers of the application see the caller's path behind pg_catalog: sql/ledger/search-path.sql.
  it.each([
    'ledger/state',
    'ledger/name-schema',
    'ledger/versions/001-tables',
    'ledger/versions/002-one-shape',
    'ledger/versions/003-identity-and-evidence',
    'ledger/versions/004-what-was-approved',
    'ledger/versions/005-proofs',
    'ledger/versions/006-current-catalog',
    'ledger/functions',
    'ledger/views',
    'ledger/withdraw',
    'ledger/mark-copy',
    'ledger/complete-copy',
  ])('sql/%s.sql has its functions and operators qualified', (name) => {
    expect(capturable(read(`sql/${name}.sql`), { catalogFirst: true })).toEqual([]);
  });

  const scripts = readdirSync(join(ROOT, 'sql')).filter(
    (file) => file.endsWith('.sql') && !/^(?:session|settings)/.test(file),
  );

  it.each(scripts)('sql/%s has nothing that could be captured, through all of its includes', (script) => {
    const exposed = exposedIn(join(ROOT, 'sql', script));
    const found = exposed.flatMap(({ file, text, catalogFirst }) =>
      capturable(text, { catalogFirst }).map((name) => `${basename(file)}: ${name}`),
    );
    expect(exposed.length).toBeGreaterThan(0);
    expect(found).toEqual([]);
  });

  it('core runs one query of its own, the DDL of steps, and a query that a person gives', () => {
    const users = (pattern: RegExp) =>
      filesIn('core', '.ts').filter((file) => pattern.test(read(file).replaceAll(/^import.*$/gm, '')));
    expect(users(/\bwithCallerSearchPath\(/)).toEqual([
      'core/catalog/foreign-key.ts',
      'core/postgres/execute.ts',
      'core/postgres/session/caller-search-path.ts',
      'core/steps/throttle.ts',
    ]);
    expect(read('core/catalog/foreign-key.ts').match(/withCallerSearchPath\([^;]*/g)).toEqual([
      expect.stringContaining("'catalog/resolve-table'"),
    ]);
    expect(users(/\bCALLER_SEARCH_PATH\b/)).toEqual([
      'core/postgres/execute.ts',
      'core/postgres/session/caller-search-path.ts',
      'core/steps/forward/build-index.ts',
      'core/steps/validation.ts',
    ]);
    expect(users(/'ledger\/search-path'(?!:)/)).toEqual(['core/ledger/schema/make-ledger.ts']);
  });

  // But the one that looks after another: it runs sql/checks/session-works.sql alone.
  it('every session of ours is opened where its search_path is set', () => {
    const sources = ['core', 'cli', 'local', 'lambdas'].flatMap((folder) => filesIn(folder, '.ts'));
    expect(sources.filter((file) => /\bnew (?:Client|Pool|PooledSession)\(/.test(read(file)))).toEqual([
      'core/ledger/connect.ts',
      'core/postgres/session/session-look.ts',
    ]);
  });
});

it('every function of the ledger has a search_path of its own, with pg_temp last', () => {
  for (const file of filesIn('sql', '.sql'))
    for (const [header] of read(file).matchAll(/CREATE (?:OR REPLACE )?FUNCTION (?:p2pfk\.)?\w+\([\s\S]*?\$\w+\$/g))
      expect(header, file).toMatch(/SET search_path = pg_catalog, pg_temp/);
});

it('no text leaves pg_temp to be searched first', () => {
  const texts = ['core', 'sql', 'local', 'cli'].flatMap((folder) => [
    ...filesIn(folder, '.ts'),
    ...filesIn(folder, '.sql'),
  ]);
  const found = texts.flatMap((file) =>
    (read(file).match(/\bSET (?:LOCAL )?search_path = pg_catalog(?!, pg_temp)/g) ?? []).map(() => file),
  );
  expect(found).toEqual([]);
});
