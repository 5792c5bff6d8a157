/**
 * The AWS JSON 1.0 protocol: the operation in `X-Amz-Target`, the request as a JSON object, dates as seconds since the epoch,
 * errors as `{"__type", "message"}` with status 400. https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
import { messageOf } from '../../core/contracts/errors.ts';
import { notJson, ServiceFault } from './faults.ts';
import type { StepFunctions } from './step-functions.ts';

export const TARGET_PREFIX = 'AWSStepFunctions.';
export const CONTENT_TYPE = 'application/x-amz-json-1.0';

/** An HTTP answer of the API. */
export interface Answer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/**
 * Calls the operation and answers, with a fault where it failed.
 *
 * @param target value of the header `X-Amz-Target`
 * @param body the request as JSON text
 */
export async function answer(service: StepFunctions, target: string, body: string): Promise<Answer> {
  try {
    const request = parseBody(body);
    const response = await service.call(target.slice(TARGET_PREFIX.length), request);
    return { status: 200, body: JSON.stringify(onTheWire(response)) };
  } catch (error) {
    if (error instanceof ServiceFault) return fault(400, error);
    // A defect of ours. Its message may quote anything, so it is only printed here and not sent.
    service.warn(`${target} failed: ${messageOf(error)}`);
    return fault(500, new ServiceFault('InternalFailure', 'The endpoint failed; it has printed why.'));
  }
}

/** @returns the answer for an error */
export function fault(status: number, { name, message }: ServiceFault): Answer {
  return { status, body: JSON.stringify({ __type: name, message }) };
}

function parseBody(body: string): object {
  let value: unknown;
  try {
    value = JSON.parse(body === '' ? '{}' : body);
  } catch {
    throw notJson();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw notJson();
  return value;
}

function onTheWire(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(onTheWire);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, onTheWire(each)]));
}
