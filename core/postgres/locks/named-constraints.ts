/**
 * Whether a statement that names a foreign key means the one that was chosen. Between the choice and the lock, the owner of the table
 * can drop it and give its name to another one, which references a table with code of that owner: VALIDATE would run that code. So the
 * identity is compared behind the lock, which keeps the constraint as it is.
 */
import { type Client, escapeLiteral } from 'pg';
import { PartitionSetChanged } from '../../contracts/errors.ts';
import { doStatement } from '../literals.ts';
import { OTHER_TABLE } from '../postgres-errors.ts';
import { run, withLiterals } from '../sql.ts';

/** A foreign key as a statement names it. */
export interface NamedConstraint {
  /** Null where an earlier statement makes it, so that its oid is not known yet. */
  readonly oid: number | null;
  readonly name: string;
  /** The table that has it. */
  readonly relation_oid: number;
  /** The table that it has to reference: the one whose code was examined. */
  readonly referenced_oid: number;
}

const MESSAGE =
  'refused, nothing was changed: a foreign key was replaced by another one of its name, or renamed, while a lock was waited for; run p2pfk plan, and see who did that';

/** @throws PartitionSetChanged where the name belongs to another constraint now, or to none */
export async function requireConstraints(client: Client, constraints: readonly NamedConstraint[]): Promise<void> {
  if (constraints.length === 0) return;
  const others = await run(client, 'checks/other-constraints', { constraints });
  if (others.length > 0) throw new PartitionSetChanged(MESSAGE);
}

/** The same as a statement, for a transaction that is sent as one message. */
export function constraintsGuard(constraints: readonly NamedConstraint[]): string {
  return doStatement(`BEGIN
IF EXISTS (
${withLiterals('checks/other-constraints', { constraints })}
) THEN RAISE EXCEPTION USING MESSAGE = ${escapeLiteral(MESSAGE)}, ERRCODE = '${OTHER_TABLE}'; END IF;
END`);
}
