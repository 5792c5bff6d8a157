/**
 * The quotas of a Standard execution that the engine knows nothing about.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
import { lambdaFailure, TerminalFailure } from './errors.ts';

/** Bytes of UTF-8 JSON that an input or output of a state, task or execution may have. */
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** Events in one execution's history. The last one that fits must be the one that ends the execution. */
export const MAX_HISTORY_EVENTS = 25_000;

/** Milliseconds that a Lambda function may run at most. */
export const MAX_LAMBDA_MS = 900_000;

/** Characters of an execution's name. */
export const MAX_NAME_LENGTH = 80;

/** States.DataLimitExceeded, which neither `Retry` nor `Catch` may touch, as in AWS. */
function dataLimitExceeded(what: string, bytes: number): TerminalFailure {
  return new TerminalFailure(
    'States.DataLimitExceeded',
    `${what} has ${bytes} bytes, more than the ${MAX_PAYLOAD_BYTES} that Step Functions allows.`,
  );
}

/** The words and the error name with which AWS ends an execution at its 25,000th event. */
export function historyLimitExceeded(): TerminalFailure {
  return new TerminalFailure(
    'States.Runtime',
    `The execution reached the maximum number of history events (${MAX_HISTORY_EVENTS}).`,
  );
}

/** The failure if a value is too large to travel, else `null`. */
export function payloadFailure(value: unknown, what: string): TerminalFailure | null {
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? 'null');
  return bytes > MAX_PAYLOAD_BYTES ? dataLimitExceeded(what, bytes) : null;
}

/**
 * What is left of a value that went over the wire: no `undefined`, no class instances, dates as text. In process the
 * engine would hand the very object on, so that what works here breaks in AWS.
 *
 * @throws TerminalFailure States.DataLimitExceeded
 * @throws TaskFailure Runtime.MarshalError, as Lambda does for what JSON cannot hold (bigint, cycles)
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
