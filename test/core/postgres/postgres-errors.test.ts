/** Which of PostgreSQL's errors undo work: those of the data, the schema and the application's code, and no others. */
import { expect, it, onTestFinished } from 'vitest';
import { toNamedError } from '../../../core/postgres/postgres-errors.ts';
import { createDatabase } from '../../support/database.ts';

it('each SQLSTATE has a name that says what is at fault', async () => {
  const db = await createDatabase();
  onTestFinished(() => db.drop());
  const client = await db.client();
  const named = async (sqlState: string): Promise<string> => {
    const raised = await client
      .query(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${sqlState}'; END $$`)
      .catch((error: unknown) => error);
    return toNamedError(raised).name;
  };
  const wanted = {
    // The data, the schema, and code of the application: work is undone.
    ...{ '23503': 'OrphanedRows', '23505': 'StatementFailed', '22012': 'StatementFailed' },
    ...{ '42883': 'StatementFailed', '54000': 'StatementFailed', P0001: 'StatementFailed', '55000': 'StatementFailed' },
    // A person's word.
    '57014': 'StatementCanceled',
    // The server: a full disk, no memory, an I/O error, damage.
    ...{ '53100': 'ServerTrouble', '53400': 'ServerTrouble', '58030': 'ServerTrouble', XX000: 'ServerTrouble' },
    ...{ XX001: 'ServerTrouble', '57000': 'ServerTrouble', '53200': 'LockTableFull' },
    // No connection, none to be had, or one to a server that takes no writes.
    ...{ '08006': 'ConnectionLost', '53300': 'ConnectionLost', '57P01': 'ConnectionLost', '25006': 'ConnectionLost' },
    // A lock of another session.
    ...{ '55P03': 'LockTimeout', '40P01': 'DeadlockDetected' },
    '42501': 'PrivilegeMissing',
  };
  const found: Record<string, string> = {};
  for (const sqlState of Object.keys(wanted)) found[sqlState] = await named(sqlState);

  expect(found).toEqual(wanted);
  expect(toNamedError(new TypeError('undefined is not a function')).name).toBe('InternalFault');
});
