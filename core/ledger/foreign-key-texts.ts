/**
 * Texts of the ledger that become a part of a statement: the definition of the parent FK and its parts. The ledger is protected
 * by its owner, its grants, and triggers that admit no other role; but before version 3 it had no triggers, and a member of
 * pg_write_all_data needs no grant. So a text is accepted only if it is something that pg_get_constraintdef prints, and nothing
 * follows it.
 */
import { LedgerNotTrusted } from '../contracts/errors.ts';

const IDENTIFIER = '(?:[a-z_][a-z0-9_]*|"(?:[^"]|"")+")';
const COLUMNS = `${IDENTIFIER}(?:, ${IDENTIFIER})*`;
const ACTION = `(?:NO ACTION|RESTRICT|CASCADE|SET NULL|SET DEFAULT)`;
const ACTIONS = `(?: MATCH (?:FULL|PARTIAL))?(?: ON UPDATE ${ACTION})?(?: ON DELETE ${ACTION}(?: \\(${COLUMNS}\\))?)?(?: DEFERRABLE)?(?: INITIALLY DEFERRED)?(?: NOT ENFORCED)?`;

/** The same patterns are in sql/psql/migration/find-foreign-key.sql; a test compares them. */
export const PATTERNS = {
  definition: `^FOREIGN KEY \\(${COLUMNS}\\) REFERENCES (?:${IDENTIFIER}\\.)?${IDENTIFIER}\\(${COLUMNS}\\)${ACTIONS}$`,
  columns: `^${COLUMNS}$`,
  actions: `^${ACTIONS}$`,
} as const;

const EXPRESSIONS = {
  definition: new RegExp(PATTERNS.definition, 'u'),
  columns: new RegExp(PATTERNS.columns, 'u'),
  actions: new RegExp(PATTERNS.actions, 'u'),
};

interface Texts {
  readonly id: string;
  /** The table's name when the migration began; `definition` contains the same name. */
  readonly referenced_name: string;
  readonly definition: string;
  readonly columns: string;
  readonly referenced_columns: string;
  readonly actions: string;
}

function isOfItsParts({ definition, columns, referenced_name: name, referenced_columns, actions }: Texts): boolean {
  const parts = `FOREIGN KEY (${columns}) REFERENCES ${name}(${referenced_columns})${actions}`;
  return definition === parts || definition === `${parts} NOT ENFORCED`;
}

/**
 * Checks the texts of a migration.
 *
 * @returns its argument
 * @throws LedgerNotTrusted where a text is anything but a foreign key. The message does not contain the text, which may have been
 *   written to mislead its reader.
 */
export function requireForeignKeyTexts<Migration extends Texts>(migration: Migration): Migration {
  const { definition, columns, actions } = EXPRESSIONS;
  const wrong = [
    ...(definition.test(migration.definition) ? [] : ['definition']),
    ...(columns.test(migration.columns) ? [] : ['columns']),
    ...(columns.test(migration.referenced_columns) ? [] : ['referenced_columns']),
    ...(actions.test(migration.actions) ? [] : ['actions']),
  ];
  if (wrong.length === 0 && !isOfItsParts(migration)) wrong.push('definition');
  if (wrong.length === 0) return migration;
  throw new LedgerNotTrusted(
    `refused, nothing was changed: ${wrong.join(' and ')} of migration ${migration.id} in the ledger, schema p2pfk, ${wrong.length === 1 ? 'is' : 'are'} not as p2pfk writes it: find out who changed it before you go on (superusers, the ledger's owner and members of pg_write_all_data can)`,
  );
}
