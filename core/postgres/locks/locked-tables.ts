/**
 * Whether LOCK TABLE has locked the tables that were meant. They were chosen by oid, and a statement can only name them: whoever owns a
 * table can give its name to another one, and a session that waits for the lock then gets that one. Asked behind each lock, before
 * anything else names the tables; from then on none of them can be renamed. Against the owner of a schema, who can rename that without any
 * lock, this is no help: sql/catalog/untrusted-code.sql asks for one that is trusted.
 */
import { type Client, escapeLiteral } from 'pg';
import { PartitionSetChanged } from '../../contracts/errors.ts';
import { doStatement } from '../literals.ts';
import { OTHER_TABLE } from '../postgres-errors.ts';
import { run, withLiterals } from '../sql.ts';

const MESSAGE =
  'refused, nothing was changed: a table was renamed while its lock was waited for, and its name belongs to another one now; run p2pfk plan, and see who did that';

/**
 * @param relations oids of the tables that the LOCK TABLE statement names
 * @throws PartitionSetChanged where another table was locked in the place of one
 */
export async function requireLocked(client: Client, relations: readonly number[]): Promise<void> {
  const others = await run(client, 'checks/not-locked', { relations });
  if (others.length > 0) throw otherTable();
}

function otherTable(): PartitionSetChanged {
  return new PartitionSetChanged(MESSAGE);
}

/** The same as a statement, for a transaction that is sent as one message. */
export function lockedTablesGuard(relations: readonly number[]): string {
  return doStatement(`BEGIN
IF EXISTS (
${withLiterals('checks/not-locked', { relations })}
) THEN RAISE EXCEPTION USING MESSAGE = ${escapeLiteral(MESSAGE)}, ERRCODE = '${OTHER_TABLE}'; END IF;
END`);
}
