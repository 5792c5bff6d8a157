/**
 * The texts of `sql/` as a module in the bundles: a Lambda function or the built command line reads no file at run time, and what
 * is deployed cannot be separated from its statements.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Every `.sql` file of a folder that code reads.
 *
 * @returns `<path below the folder, with slashes, without extension>` -> text, without the comment at its head
 */
export async function readSqlFiles(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.sql'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).slice(0, -'.sql'.length))
    .map((name) => name.split(sep).join('/'))
    // Without scripts for psql, which no code reads.
    .filter((name) => !/^(psql\/|migrate-|aws-role$|ledger-)/.test(name))
    .sort();
  const texts = await Promise.all(
    names.map(async (name) => withoutHead(await readFile(join(folder, `${name}.sql`), 'utf8'))),
  );
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
}

/**
 * Removes the comment at the head of a file, which is for readers of the repository. A comment further down may be part of a
 * function.
 */
function withoutHead(sql: string): string {
  return sql.replace(/^(?:--.*\n)+/, '');
}

/**
 * Source of the module that replaces `core/postgres/sql-files.ts`. It exports the same names; if that module gets another export
 * that is imported somewhere, the bundler reports it.
 */
export function embeddedModule(files: Readonly<Record<string, string>>): string {
  return `
const files = new Map(${JSON.stringify(Object.entries(files))});
export function readSql(name) {
  const text = files.get(name);
  if (text === undefined) throw new Error(\`There is no sql/\${name}.sql in this build\`);
  return text;
}
`;
}

/** The esbuild plugin; `sqlFolder` is the absolute path of `sql/`. */
export function embedSql(sqlFolder: string): Plugin {
  return {
    name: 'embed-sql',
    setup(build) {
      build.onLoad({ filter: /[\\/]core[\\/]postgres[\\/]sql-files\.ts$/ }, async () => ({
        contents: embeddedModule(await readSqlFiles(sqlFolder)),
        loader: 'js',
      }));
    },
  };
}
