/** Responses of the operations, in the API's shapes. */
import type { DescribeExecutionOutput, ExecutionListItem, IncludedData } from '@aws-sdk/client-sfn';
import type { ExecutionRecord } from '../store/records.ts';
import { ROLE_ARN, STATE_MACHINE_ARN, STATE_MACHINE_NAME } from './arns.ts';

/** @returns the response of DescribeExecution */
export function describeExecution(record: ExecutionRecord, includedData: IncludedData): DescribeExecutionOutput {
  const { status, input, output, error, cause, stopDate } = record;
  const data = includedData === 'ALL_DATA';
  return {
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status,
    startDate: record.startDate,
    ...(stopDate === null ? {} : { stopDate }),
    ...(data ? { input, inputDetails: { included: true } } : {}),
    ...(data && output !== null ? { output, outputDetails: { included: true } } : {}),
    ...(error === null ? {} : { error }),
    ...(cause === null ? {} : { cause }),
    redriveCount: 0,
    redriveStatus: 'NOT_REDRIVABLE',
    redriveStatusReason: `Execution is ${status} and cannot be redriven`,
  };
}

/** @returns the fields that all descriptions of the state machine have in common */
export function machine(definition: string) {
  return {
    stateMachineArn: STATE_MACHINE_ARN,
    name: STATE_MACHINE_NAME,
    definition,
    roleArn: ROLE_ARN,
    loggingConfiguration: { level: 'OFF', includeExecutionData: false },
    tracingConfiguration: { enabled: false },
  } as const;
}

/** @returns one entry of ListExecutions */
export function listItem(record: ExecutionRecord): ExecutionListItem {
  return {
    executionArn: record.arn,
    stateMachineArn: record.stateMachineArn,
    name: record.name,
    status: record.status,
    startDate: record.startDate,
    ...(record.stopDate === null ? {} : { stopDate: record.stopDate }),
    redriveCount: 0,
  };
}
