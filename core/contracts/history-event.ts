/**
 * Schema of one event of an execution's history, as GetExecutionHistory returns it, and as the local execution store keeps it in
 * JSON, with the time in ISO 8601. It has the details that p2pfk reads or writes; AWS's type has more.
 *
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
import * as z from 'zod';

const text = z.string().optional();
const dataDetails = z.object({ truncated: z.boolean().optional() }).optional();
/** `input` and `output` are JSON, absent in a history without its data. */
const input = { input: text, inputDetails: dataDetails };
const output = { output: text, outputDetails: dataDetails };

const withOutput = z.object(output).optional();
/** `cause` is Lambda's JSON `{ errorType, errorMessage }`, or plain text. */
const failure = z.object({ error: text, cause: text }).optional();
const iteration = z.object({ name: text, index: z.int().optional() }).optional();

/** An event. Unknown keys are removed; the timestamp is converted to a Date. */
export const HistoryEvent = z.object({
  /** Counts from 1. */
  id: z.int().optional(),
  /** The event that led to this one; 0 at the beginning. */
  previousEventId: z.int().optional(),
  timestamp: z.union([z.date(), z.iso.datetime().transform((iso) => new Date(iso))]).optional(),
  /** For example `TaskStateEntered`. Any name is accepted. */
  type: text,

  executionStartedEventDetails: z.object({ ...input, roleArn: text }).optional(),
  executionSucceededEventDetails: withOutput,
  executionFailedEventDetails: failure,
  executionTimedOutEventDetails: failure,
  executionAbortedEventDetails: failure,

  stateEnteredEventDetails: z.object({ name: text, ...input }).optional(),
  stateExitedEventDetails: z.object({ name: text, ...output }).optional(),

  mapStateStartedEventDetails: z.object({ length: z.int().optional() }).optional(),
  mapIterationStartedEventDetails: iteration,
  mapIterationSucceededEventDetails: iteration,
  mapIterationFailedEventDetails: iteration,
  mapIterationAbortedEventDetails: iteration,

  lambdaFunctionScheduledEventDetails: z
    .object({ resource: text, ...input, timeoutInSeconds: z.number().optional() })
    .optional(),
  lambdaFunctionSucceededEventDetails: withOutput,
  lambdaFunctionFailedEventDetails: failure,
  lambdaFunctionTimedOutEventDetails: failure,
  lambdaFunctionScheduleFailedEventDetails: failure,
  lambdaFunctionStartFailedEventDetails: failure,

  taskScheduledEventDetails: z.object({ parameters: text }).optional(),
  taskSucceededEventDetails: withOutput,
  taskFailedEventDetails: failure,
  taskTimedOutEventDetails: failure,
  taskStartFailedEventDetails: failure,
  taskSubmitFailedEventDetails: failure,
});
export type HistoryEvent = z.output<typeof HistoryEvent>;
