/**
 * The one place that reads `sql/` from disk. The bundler replaces this module by one with all texts embedded, so a
 * Lambda function or the built command line reads no file at run time.
 */
import { readFileSync } from 'node:fs';

/** Text of `sql/<name>.sql`. Throws when there is no such file. */
export function readSql(name: string): string {
  return readFileSync(new URL(`../../sql/${name}.sql`, import.meta.url), 'utf8');
}
