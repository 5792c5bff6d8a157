/** Which database the console serves, and which executions worked on it. */
import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import { connectReadOnly } from '../../core/ledger/connect.ts';
import {
  type DatabaseIdentity,
  describeIdentity,
  isSamePlace,
  readIdentity,
} from '../../core/ledger/schema/identity.ts';
import { plannedDatabaseOf } from '../executions/planned.ts';
import type { ConsoleContext } from './context.ts';

/** Asked each time: another server may answer at the same address by now. Null while it is out of reach. */
export async function servedDatabase({ databaseUrl }: ConsoleContext): Promise<DatabaseIdentity | null> {
  try {
    const client = await connectReadOnly({ databaseUrl, applicationName: 'p2pfk console' });
    try {
      return await readIdentity(client);
    } finally {
      await client.end();
    }
  } catch {
    return null;
  }
}

/** For a confirmation. */
export async function servedName(context: ConsoleContext): Promise<string> {
  const served = await servedDatabase(context);
  return served === null ? `${context.database}, which does not answer` : describeIdentity(served);
}

/** An execution as the list shows it. */
export interface Listed {
  readonly execution: DescribeExecutionOutput;
  /** Where it worked, in words, if not on the served database; null: there. */
  readonly elsewhere: string | null;
}

export async function listedOf(
  { client, isOwn = () => false }: ConsoleContext,
  execution: DescribeExecutionOutput,
  served: DatabaseIdentity | null,
): Promise<Listed> {
  const { executionArn = '' } = execution;
  if (isOwn(executionArn)) return { execution, elsewhere: null };
  const planned = await plannedDatabaseOf(client, executionArn);
  if (planned === null) return { execution, elsewhere: 'its database is not recorded' };
  if (served !== null && isSamePlace(planned, served)) return { execution, elsewhere: null };
  return { execution, elsewhere: `another database: ${planned.database} at ${planned.endpoint}` };
}
