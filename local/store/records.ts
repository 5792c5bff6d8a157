/** What the execution store holds, and how a row of it is read. */

import type { ExecutionStatus } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { HistoryEvent } from '../../core/contracts/history-event.ts';
import { shellWord } from '../../core/contracts/safe-text.ts';

export interface ExecutionRecord {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string;
  /** ASL, as it was when the execution started. */
  readonly definition: string;
  readonly status: ExecutionStatus;
  /** JSON, as it was given. */
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly startDate: Date;
  readonly stopDate: Date | null;
}

export type NewExecution = Pick<
  ExecutionRecord,
  'arn' | 'name' | 'stateMachineArn' | 'definition' | 'input' | 'startDate'
>;
export type ExecutionEnd = Pick<ExecutionRecord, 'status' | 'output' | 'error' | 'cause' | 'stopDate'>;

export interface ListOptions {
  readonly stateMachineArn: string;
  readonly status?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

export interface EventRange {
  /** Events with a greater id, or with `reverse` with a smaller one; from the first or the last on where absent. */
  readonly after?: number | undefined;
  readonly limit: number;
  readonly reverse?: boolean | undefined;
}

export interface Row {
  readonly arn: string;
  readonly name: string;
  readonly state_machine_arn: string;
  readonly definition: string;
  readonly status: ExecutionStatus;
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly start_date: number;
  readonly stop_date: number | null;
}

export function recordOf(row: Row): ExecutionRecord {
  return {
    arn: row.arn,
    name: row.name,
    stateMachineArn: row.state_machine_arn,
    definition: row.definition,
    status: row.status,
    input: row.input,
    output: row.output,
    error: row.error,
    cause: row.cause,
    startDate: new Date(row.start_date),
    stopDate: row.stop_date === null ? null : new Date(row.stop_date),
  };
}

/** @throws Error where the text is not an event that this program has written */
export function eventOf(json: string): HistoryEvent {
  const { data, error } = HistoryEvent.safeParse(JSON.parse(json));
  if (error !== undefined) throw new Error(`the store holds an event that cannot be read: ${z.prettifyError(error)}`);
  return data;
}

/** How to go on. The ledger in the database knows what is done; the input knows the table. */
export function whatNext(input: string): string {
  let table = 'T';
  try {
    const value = JSON.parse(input) as { readonly table?: unknown } | null;
    if (typeof value?.table === 'string') table = value.table;
  } catch {
    // Checked when it was started.
  }
  return (
    'The process that ran this execution has ended. What is done stays done, and the ledger in the database knows it: ' +
    `p2pfk migrate --table ${shellWord(table)} goes on from there, p2pfk rollback --table ${shellWord(table)} undoes it.`
  );
}
