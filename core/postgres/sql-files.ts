/**
 * The one place that reads `sql/` from disk. The bundler replaces this module by one with all texts embedded, so a
 * Lambda function or the built command line reads no file at run time.
 */
import { readFileSync } from 'node:fs';

/** What the head of a file declares for `npm run sql:types`; a list goes on in the next line where a line ends with a comma. */
const DECLARATION = /^-- (?:not null|types|may be null): (?:.*,\n-- +)*.*\n/gm;

/**
 * Text of `sql/<name>.sql`, without what its head declares: the scripts of `plan --sql` print it. Throws when there is no such file.
 */
export function readSql(name: string): string {
  const text = readFileSync(new URL(`../../sql/${name}.sql`, import.meta.url), 'utf8');
  return text.replace(/^(?:--.*\n)+/, (head) => head.replaceAll(DECLARATION, ''));
}
