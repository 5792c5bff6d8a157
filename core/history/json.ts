/** Careful reading of JSON that others wrote. */

import { withoutCredentials } from '../contracts/credentials.ts';

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns `{}` for what is no record */
export function recordOf(value: unknown): Json {
  return isRecord(value) ? value : {};
}

/** @returns `{}` where the text is no JSON, or that of no record */
export function parseRecord(text: string | undefined): Json {
  return recordOf(parseJson(text));
}

/**
 * The input of an execution, to show: AWS keeps also one with a connection string, which the plan step then refuses.
 *
 * @returns `{}` where the text is no JSON, or that of no record
 */
export function inputOf(text: string | undefined): Json {
  return recordOf(withoutCredentials(parseJson(text)));
}

/** @returns undefined where the text is no JSON */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Step Functions leaves out what is too big.
    return undefined;
  }
}

export function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
