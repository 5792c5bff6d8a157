/** `p2pfk stop`. */

import { type SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { describeIdentity } from '../../core/ledger/schema/identity.ts';
import { ExitCode } from '../exit-codes.ts';
import type { OutputFlags, PeopleFlags } from '../options.ts';
import { createOutput } from '../output.ts';
import { statedHere, statedInAws, stopCause } from '../people.ts';
import { shellWord } from '../text.ts';
import { type ChooseFlags, chooseExecution } from './choose.ts';
import { executionFailure } from './client.ts';
import { connectTo } from './connection.ts';
import { commandFor, type Described, describe } from './describe.ts';
import { callerIdentity } from './identity.ts';
import { plannedDatabaseOf } from './planned.ts';

/** @returns the exit code */
export async function stop(flags: StopFlags): Promise<number> {
  const output = createOutput(flags);
  if (flags.cause !== undefined && flags.reason !== undefined)
    throw new InvalidInput('--cause and --reason are the same: give one of them');
  const people = { ...flags, ...(flags.cause === undefined ? {} : { reason: flags.cause }) };
  // Checked before the first request, so that bad input costs none.
  statedHere(people);
  const executionArn = await chooseExecution(flags, { output, toStop: true });
  const { client, close } = await connectTo(flags, executionArn, (line) => output.complain(`! ${line}`));
  try {
    const before = await describe(client, executionArn);
    if (before.status === 'RUNNING') {
      try {
        const cause = stopCause(await statedInAws(people, () => identityFor(client, executionArn)), 'p2pfk stop');
        await client.send(new StopExecutionCommand({ executionArn, error: 'Interrupted', cause }));
      } catch (error) {
        throw executionFailure(error, 'cannot stop the execution', executionArn);
      }
    }
    const after = await describe(client, executionArn);
    // Who may stop an execution need not be allowed to read its history.
    const database = await plannedDatabaseOf(client, executionArn).catch(() => null);
    // On stderr: what follows on stdout are commands to copy.
    if (database !== null && !output.quiet) output.complain(`It works on ${describeIdentity(database)}`);
    const lines = stopLines(before, after);
    for (const line of output.quiet ? lines.slice(0, 1) : lines) output.line(line);
    output.document({ executionArn, status: after.status, stopDate: after.stopDate?.toISOString() ?? null });
    return ExitCode.Done;
  } finally {
    close();
  }
}

function identityFor(client: SFNClient, executionArn: string): Promise<string | null> {
  return executionArn.startsWith('arn:aws:states:local:') ? Promise.resolve(null) : callerIdentity(client);
}

function stopLines(before: Described, after: Described): string[] {
  if (before.status !== 'RUNNING') return [`Nothing to stop: the execution has ended before, ${before.status}`];
  const table = shellWord(after.table);
  const reconciled = after.executionArn.startsWith('arn:aws:states:local:')
    ? []
    : [
        "In AWS the stack's reconciliation now looks at the migration: before the drop of the parent-level FK it stays where it is; after",
        'it, it is verified; if that fails, or if this was a rollback, an execution is started that rolls it back.',
      ];
  return [
    after.status === 'RUNNING' ? '‖ Asked to stop; it has not stopped yet' : '‖ Stopped: no further step starts',
    ...reconciled,
    'What is done stays done. This goes on from there:',
    `  ${commandFor('migrate', after, table)}`,
    'This undoes it:',
    `  ${commandFor('rollback', after, table)}`,
  ];
}

export type StopFlags = ChooseFlags & OutputFlags & PeopleFlags & { readonly cause?: string };
