/** Requests of each operation, checked as Step Functions checks them: names, types, lengths. Unknown fields are ignored. */
import * as z from 'zod';
import { HOLDS_CREDENTIALS, isFree } from '../../core/contracts/credentials.ts';
import { invalidArn, invalidName, invalidRequest } from './faults.ts';

const MAX_RESULTS = 1_000;
const DEFAULT_RESULTS = 100;
/** Most characters of each field, as in the API's model. */
const MAX_INPUT = 262_144;
const MAX_NAME = 80;
const MAX_ERROR = 256;
const MAX_CAUSE = 32_768;
const MAX_ARN = 256;
const MAX_TOKEN = 1_024;

/** A text that is kept. AWS keeps also a connection string, here it is refused. The input is checked where it is parsed. */
const kept = (longest: number) => z.string().max(longest).refine(isFree, HOLDS_CREDENTIALS);

const arn = z.string().min(1).max(MAX_ARN);
const name = kept(MAX_NAME).min(1);
/** 0 means the default, as in AWS. */
const maxResults = z
  .int()
  .min(0)
  .max(MAX_RESULTS)
  .default(0)
  .transform((count) => count || DEFAULT_RESULTS);
const nextToken = z.string().min(1).max(MAX_TOKEN).optional();
const includedData = z.enum(['ALL_DATA', 'METADATA_ONLY']).default('ALL_DATA');

export const StartExecution = z.object({
  stateMachineArn: arn,
  name: name.optional(),
  input: z.string().max(MAX_INPUT).default('{}'),
});

export const StopExecution = z.object({
  executionArn: arn,
  error: kept(MAX_ERROR).optional(),
  cause: kept(MAX_CAUSE).optional(),
});

export const DescribeExecution = z.object({ executionArn: arn, includedData });

export const ListExecutions = z.object({
  stateMachineArn: arn,
  statusFilter: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']).optional(),
  maxResults,
  nextToken,
});

export const GetExecutionHistory = z.object({
  executionArn: arn,
  maxResults,
  nextToken,
  reverseOrder: z.boolean().default(false),
  includeExecutionData: z.boolean().default(true),
});

export const DescribeStateMachine = z.object({ stateMachineArn: arn, includedData });
export const DescribeStateMachineForExecution = z.object({ executionArn: arn, includedData });
export const ListStateMachines = z.object({ maxResults, nextToken });

/**
 * Checks a request.
 *
 * @throws ServiceFault ValidationException
 */
export function parse<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidRequest(issue?.path.join('.') ?? '', problemOf(issue));
}

function problemOf(issue: z.core.$ZodIssue | undefined): string {
  switch (issue?.code) {
    case 'too_big':
      return issue.origin === 'string'
        ? `Member must have length less than or equal to ${issue.maximum}`
        : `Member must have value less than or equal to ${issue.maximum}`;
    case 'too_small':
      return issue.origin === 'string'
        ? `Member must have length greater than or equal to ${issue.minimum}`
        : `Member must have value greater than or equal to ${issue.minimum}`;
    case 'invalid_value':
      return `Member must satisfy enum value set: [${issue.values.join(', ')}]`;
    case 'invalid_type':
      return issue.input === undefined ? 'Member must not be null' : `Member must be a ${issue.expected}`;
    default:
      return issue?.message ?? 'Member is not valid';
  }
}

/** @throws ServiceFault InvalidArn where the text does not have the form of an ARN of Step Functions */
export function checkArn(value: string): void {
  if (!/^arn:[^:]+:states:[^:]*:[^:]*:\w+:.+$/.test(value)) throw invalidArn(value);
}

/**
 * Characters that the API reference forbids in names: white space, brackets, wildcards, most punctuation and control characters.
 */
const FORBIDDEN_IN_NAMES = /[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\p{Cs}\uFFFE\uFFFF]/u;

/** @throws ServiceFault InvalidName where the name has a forbidden character */
export function checkName(value: string): void {
  if (FORBIDDEN_IN_NAMES.test(value)) throw invalidName(value);
}
