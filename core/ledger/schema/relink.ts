/** `--relink`: a person confirms that the ledger in this database is to be used for this database. */
import type { Client } from 'pg';
import { toNamedError } from '../../postgres/postgres-errors.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { readSql } from '../../postgres/sql-files.ts';
import { type DatabaseIdentity, forgetLink, identityValues, readIdentity } from './identity.ts';
import { upgradeLedger } from './make-ledger.ts';
import { checkLedger, refuseDrift } from './state.ts';

/** Result of relinking. */
export interface Relinked {
  readonly identity: DatabaseIdentity;
  /** False: it belonged to this database before, by this endpoint, or there is no ledger. */
  readonly changed: boolean;
}

/**
 * Links the ledger to this database, after comparing its migrations with the catalog. In one transaction; an older ledger is
 * upgraded before. `sql/ledger/relink.sql` describes what is compared, and what happens to work that the other database was
 * doing.
 *
 * @throws LedgerElsewhere with the first difference; nothing was changed
 * @throws PrivilegeMissing where this role may not write to the ledger
 */
export async function relink(client: Client): Promise<Relinked> {
  const identity = await readIdentity(client);
  await upgradeLedger(client);
  if (!(await checkLedger(client)).readable) return { identity, changed: false };
  await refuseDrift(client);
  try {
    const changed = await inTransaction(client, async () => {
      await run(client, 'ledger/relink-values', identityValues(identity));
      await client.query(readSql('ledger/relink'));
      return (await runOne(client, 'ledger/relinked')).relinked;
    });
    forgetLink(client);
    return { identity, changed };
  } catch (error) {
    throw toNamedError(error);
  }
}
