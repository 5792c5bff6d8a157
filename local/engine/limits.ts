/**
 * Quotas of a Standard execution that the engine does not know.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
import { lambdaFailure, TerminalFailure } from './errors.ts';

/** Most bytes of UTF-8 JSON in an input or output of a state, task or execution. */
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** Most events in one execution's history. The last one must be the one that ends the execution. */
export const MAX_HISTORY_EVENTS = 25_000;

/** Longest run time of a Lambda function, in milliseconds. */
export const MAX_LAMBDA_MS = 900_000;

/** Most characters of an execution's name. */
export const MAX_NAME_LENGTH = 80;

/** States.DataLimitExceeded, to which no `Retry` or `Catch` applies, as in AWS. */
function dataLimitExceeded(what: string, bytes: number): TerminalFailure {
  return new TerminalFailure(
    'States.DataLimitExceeded',
    `${what} has ${bytes} bytes, more than the ${MAX_PAYLOAD_BYTES} that Step Functions allows.`,
  );
}

/** The error name and cause with which AWS ends an execution at its 25,000th event. */
export function historyLimitExceeded(): TerminalFailure {
  return new TerminalFailure(
    'States.Runtime',
    `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`,
  );
}

/** @returns the failure if a value is too large for Step Functions, else `null` */
export function payloadFailure(value: unknown, what: string): TerminalFailure | null {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? 'null');
  return bytes > MAX_PAYLOAD_BYTES ? dataLimitExceeded(what, bytes) : null;
}

/**
 * The value after a conversion to JSON and back: no `undefined`, no class instances, dates as text. Within one process the engine
 * would pass the object itself, and code that works here would fail in AWS.
 *
 * @throws TerminalFailure States.DataLimitExceeded
 * @throws TaskFailure Runtime.MarshalError, as Lambda does for what JSON cannot represent (bigint, cycles)
 */
export function overTheWire(value: unknown, what: string): unknown {
  let json: string;
  try {
    json = JSON.stringify(value) ?? 'null';
  } catch {
    const error = new Error(`Unable to stringify ${what}`);
    error.name = 'Runtime.MarshalError';
    throw lambdaFailure(error);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_PAYLOAD_BYTES) throw dataLimitExceeded(what, bytes);
  return JSON.parse(json);
}
