/** Rows of the execution store, and their types in TypeScript. */

import type { ExecutionStatus } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { HistoryEvent } from '../../core/contracts/history-event.ts';
import { shellWord } from '../../core/contracts/safe-text.ts';

/** An execution as the store has it. */
export interface ExecutionRecord {
  readonly arn: string;
  readonly name: string;
  readonly stateMachineArn: string;
  /** ASL, as it was when the execution started. */
  readonly definition: string;
  readonly status: ExecutionStatus;
  /** JSON text, unchanged. */
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly cause: string | null;
  readonly startDate: Date;
  readonly stopDate: Date | null;
}

/** An execution that begins. */
export type NewExecution = Pick<
  ExecutionRecord,
  'arn' | 'name' | 'stateMachineArn' | 'definition' | 'input' | 'startDate'
>;
/** How an execution ended. */
export type ExecutionEnd = Pick<ExecutionRecord, 'status' | 'output' | 'error' | 'cause' | 'stopDate'>;

/** Which executions to list. */
export interface ListOptions {
  readonly stateMachineArn: string;
  readonly status?: string | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Which events to read. */
export interface EventRange {
  /** Events with a greater id, or with `reverse` with a smaller one. Default: from the first or the last one. */
  readonly after?: number | undefined;
  readonly limit: number;
  readonly reverse?: boolean | undefined;
}

/** A row of SQLite; dates are milliseconds since the epoch. */
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

/** @returns the execution of a row */
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

/**
 * What a person can do after the process ended, as text: the ledger in the database has what is done, and the input has the
 * table.
 */
export function adviceAfterProcessEnd(input: string): string {
  let table = 'T';
  try {
    const value = JSON.parse(input) as { readonly table?: unknown } | null;
    if (typeof value?.table === 'string') table = value.table;
  } catch {
    // The input was checked when the execution was started.
  }
  return (
    'The process that ran this execution has ended. What is done stays done, and the ledger in the database knows it: ' +
    `p2pfk migrate --table ${shellWord(table)} goes on from there, p2pfk rollback --table ${shellWord(table)} undoes it.`
  );
}
