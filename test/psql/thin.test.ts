/** The psql scripts hold no statement of their own: what they run is what the Lambda functions run. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SQL = fileURLToPath(new URL('../../sql', import.meta.url));

const scripts = globSync(['*.sql', 'psql/**/*.sql'], { cwd: SQL }).filter((name) => name !== 'session.sql');

/** Without comments and without the texts that people read. */
function code(name: string): string {
  return readFileSync(join(SQL, name), 'utf8')
    .replaceAll(/^\s*--.*$/gm, '')
    .replaceAll(/^\\(?:echo|set).*$/gm, '')
    .replaceAll(/'(?:[^']|'')*'/g, "''");
}

/** Files that a script includes: `\ir FILE`, and `\set file FILE` or `\set body FILE`, which are seen from sql/psql/control. */
function included(name: string): string[] {
  const text = readFileSync(join(SQL, name), 'utf8');
  const direct = [...text.matchAll(/^\\ir (?!:)(\S+)$/gm)].map(([, file]) => join(dirname(name), file as string));
  const named = [...text.matchAll(/^\\set (?:file|body) (\S+)$/gm)].map(([, file]) =>
    join('psql/control', file as string),
  );
  return [...direct, ...named];
}

describe('the psql scripts', () => {
  it.each(scripts)('%s spells no DDL', (name) => {
    expect(code(name)).not.toMatch(/\b(?:ALTER|CREATE|DROP|COMMENT ON|LOCK TABLE|VALIDATE|TRUNCATE|GRANT)\b/);
  });

  it.each(scripts)('%s includes only files that are there', (name) => {
    for (const file of included(name)) expect(globSync(file, { cwd: SQL }), file).toEqual([file]);
  });

  it('use every file of sql/psql', () => {
    const used = new Set(scripts.flatMap(included));

    expect(scripts.filter((name) => name.startsWith('psql/') && !used.has(name))).toEqual([]);
  });

  it('run all statements that the state machine runs', () => {
    const used = new Set(scripts.flatMap(included).map((file) => relative('statements', file)));
    const spelled = globSync('*.sql', { cwd: join(SQL, 'statements') });

    expect(
      spelled.filter(
        (name) => readFileSync(join(SQL, 'statements', name), 'utf8').includes('\n:begin\n') && !used.has(name),
      ),
    ).toEqual([]);
  });

  it('get what they include in a frame, or as a statement without rows', () => {
    const shared = new Set(scripts.flatMap(included).filter((file) => !file.startsWith('psql/')));

    for (const file of shared) {
      const text = readFileSync(join(SQL, file), 'utf8');
      const framed = /^:begin$/m.test(text) && /\n:end\n$/.test(text);
      expect({ file, framed: framed || /^(?:INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DO)\b.*;\n$/ms.test(text) }).toEqual(
        {
          file,
          framed: true,
        },
      );
    }
  });
});
