/**
 * Names that another role takes between the moment when we choose one and the statement that uses it. A role that may CREATE in the schema
 * can make a table with the name that an index is about to get, and every name that can be worked out can be taken first.
 */
import { randomBytes } from 'node:crypto';
import { DatabaseError } from 'pg';
import { NameTaken } from '../contracts/errors.ts';
import { sqlStateOf, toNamedError } from './postgres-errors.ts';

/** Duplicate relation, and duplicate constraint or trigger. */
const TAKEN: ReadonlySet<string> = new Set(['42P07', '42710']);
/** In the catalog itself: the other transaction was not committed when PostgreSQL looked. */
const DUPLICATE_KEY = '23505';

/** The first tries take the first documented name that is free by now. */
const DOCUMENTED_TRIES = 2;
const TRIES = 5;

/**
 * Runs `work` again, as often as it fails because a name is taken. It chooses its names anew each time.
 *
 * @param work gets the `salt` for `sql/catalog/pair-states.sql`: undefined for documented names, later random
 * @throws NameTaken when even random names were taken, which undoes nothing
 */
export async function withFreeNames<Result>(work: (salt: string | undefined) => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await work(tries <= DOCUMENTED_TRIES ? undefined : randomBytes(16).toString('hex'));
    } catch (error) {
      if (!isNameTaken(error)) throw error;
      if (tries < TRIES) continue;
      const named = toNamedError(error);
      throw new NameTaken(
        `${named.message}: each of ${TRIES} names was taken before it could be used; find the role that creates them, or REVOKE CREATE ON SCHEMA from it`,
        named.context,
        { cause: named },
      );
    }
  }
}

function isNameTaken(error: unknown): boolean {
  const state = sqlStateOf(error) ?? '';
  if (TAKEN.has(state)) return true;
  return state === DUPLICATE_KEY && schemaOf(error) === 'pg_catalog';
}

/** Of the unique constraint that was violated. */
function schemaOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError) return error.schema;
  return error instanceof Error ? schemaOf(error.cause) : undefined;
}
