/** All executions of one migration: who started each, from the ledger's notes, and how it ended, from the histories that are still there. */

import type { DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import type { Trail, TrailEvent } from '../../core/contracts/trail.ts';
import { inputOf, parseRecord, stringOf } from '../../core/history/json.ts';
import type { MigrationExecution } from '../contracts.ts';

export interface ExecutionSources {
  /** The one that the report is about. */
  readonly execution: DescribedExecution;
  readonly others: readonly DescribedExecution[];
  readonly trail: Trail | null;
}

/** @returns in the order in which they began; empty without the ledger */
export function executionsOf({ execution, others, trail }: ExecutionSources): MigrationExecution[] {
  if (trail === null) return [];
  const own = execution.executionArn ?? '';
  const described = new Map([...others, execution].map((one) => [one.executionArn ?? '', one]));
  const noted = Map.groupBy(
    trail.events.filter((event) => event.execution !== null),
    (event) => event.execution ?? '',
  );
  // One that was refused by the plan has no note of its own, and notes of an older edition name no execution.
  const arns = new Set([...noted.keys(), own, trail.migration.execution]);
  return [...arns]
    .map((arn) => executionOf(arn, noted.get(arn) ?? [], { described: described.get(arn), isThis: arn === own }))
    .sort((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt));
}

/** ARNs of the executions that took part, besides the one that is known. */
export function otherExecutions(trail: Trail, own: string): string[] {
  const all = new Set(trail.events.flatMap(({ execution }) => execution ?? []));
  return [...all.add(trail.migration.execution)].filter((arn) => arn !== own && arn.startsWith('arn:'));
}

function executionOf(
  arn: string,
  events: readonly TrailEvent[],
  { described, isThis }: { readonly described: DescribedExecution | undefined; readonly isThis: boolean },
): MigrationExecution {
  const input = inputOf(described?.input);
  const first = events[0];
  const begun = events.find(({ step, sql, error }) => step === 'Plan' && sql === null && error === null) ?? first;
  const ended = described === undefined ? events.at(-1)?.at : described.stopDate?.toISOString();
  return {
    arn,
    isThis,
    operation: described === undefined ? null : input.operation === 'rollback' ? 'rollback' : 'migrate',
    startedAt: described?.startDate?.toISOString() ?? first?.at ?? '',
    endedAt: ended ?? null,
    startedBy: begun?.person ?? stringOf(input.by),
    reason: begun?.reason ?? stringOf(input.reason),
    role: begun?.role ?? null,
    login: begun?.login ?? null,
    statements: events.filter(({ sql }) => sql !== null).length,
    outcome: described === undefined ? null : outcomeOf(described),
  };
}

/** Error of an execution whose process is gone, as the store of this machine gives it. */
export const PROCESS_ENDED = 'ProcessEnded';

function outcomeOf({ status, output, error }: DescribedExecution): string {
  if (status === 'SUCCEEDED') return stringOf(parseRecord(output).status) ?? status;
  if (status === 'ABORTED' || status === 'TIMED_OUT') return error === PROCESS_ENDED ? 'INTERRUPTED' : 'STOPPED';
  return status === 'FAILED' ? (error ?? status) : (status ?? '');
}

export type DescribedExecution = Pick<
  DescribeExecutionOutput,
  'executionArn' | 'status' | 'startDate' | 'stopDate' | 'input' | 'output' | 'error'
>;
