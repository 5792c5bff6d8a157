/** The statements of `statements/own-partition`, for a text that another role may run than the one that wrote it. */
import { block, literal } from '../plan/script/psql-text.ts';
import { readSql } from '../postgres/sql-files.ts';

/** A new partition and its parent; `parent` is a name in SQL, quoted where needed. */
export interface NewPartitionNames {
  readonly parent: string;
  readonly schema: string;
  readonly name: string;
}

/**
 * One statement that asks who runs it, and runs what follows from that: which default privileges have to be taken back, and
 * whether the owner has to be changed, depends on the role that creates the partition. The question is asked under a search_path of
 * PostgreSQL's own; the statements run under the caller's, as event triggers of the application may.
 */
export function ownedWhenRun({ parent, schema, name }: NewPartitionNames): string {
  const values: Readonly<Record<string, string>> = {
    ":'parent_oid'::oid": `${literal(parent)}::pg_catalog.regclass`,
    ":'schema'": literal(schema),
    ":'name'": literal(name),
  };
  const question = readSql('statements/own-partition')
    .replace(/^(?:--.*\n)+/, '')
    .replace(/;\s*$/, '')
    .replaceAll(/:'(?:parent_oid'::oid|schema'|name')/g, (variable) => values[variable] ?? variable);
  return block(
    [
      'DECLARE',
      "  callers_path pg_catalog.text := pg_catalog.current_setting('search_path');",
      '  statements pg_catalog.text;',
      'BEGIN',
      "  PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);",
      '  statements := array_to_string(ARRAY(SELECT q.sql FROM (',
      question,
      "  ) q), '; ');",
      "  PERFORM set_config('search_path', callers_path, true);",
      '  EXECUTE statements;',
      'END',
    ].join('\n'),
  ).replace(/;$/, '');
}
