/** What an execution is: the answer of DescribeExecution, with what our commands need of its input. */
import { DescribeExecutionCommand, type DescribeExecutionOutput, type SFNClient } from '@aws-sdk/client-sfn';
import { shellWord } from '../../core/contracts/safe-text.ts';
import { inputOf } from '../../core/history/json.ts';
import { stringOf } from '../progress/events.ts';
import { executionFailure } from './client.ts';

export interface Described extends DescribeExecutionOutput {
  readonly executionArn: string;
  /** `T` where the input has none: it is no execution of ours then, or its Plan step refused it. */
  readonly table: string;
  readonly operation: 'migrate' | 'rollback';
}

/** @throws InvalidInput, one line for each error of the SDK */
export async function describe(client: SFNClient, executionArn: string): Promise<Described> {
  const { $metadata: _, ...output } = await client
    .send(new DescribeExecutionCommand({ executionArn }))
    .catch((error: unknown) => {
      throw executionFailure(error, 'cannot look at the execution', executionArn);
    });
  const input = inputOf(output.input);
  return {
    ...output,
    executionArn,
    table: stringOf(input.table) || 'T',
    operation: input.operation === 'rollback' ? 'rollback' : 'migrate',
  };
}

/** How to do `what` with the table of an execution, where that execution ran. */
export function commandFor(
  what: 'migrate' | 'rollback',
  { executionArn, stateMachineArn }: Described,
  table: string,
): string {
  if (executionArn.startsWith('arn:aws:states:local:')) return `p2pfk ${what} --table ${shellWord(table)}`;
  const operation = what === 'rollback' ? ' --operation rollback' : '';
  return `p2pfk start --state-machine ${shellWord(stateMachineArn ?? 'ARN')}${operation} --table ${shellWord(table)} --wait`;
}
