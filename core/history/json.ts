/** Careful reading of JSON that others wrote. */

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function parseRecord(text: string | undefined): Json {
  const value = parseJson(text);
  return isRecord(value) ? value : {};
}

export function parseJson(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Step Functions leaves out what is too big, and a Cause may be plain text.
    return undefined;
  }
}

export function stringOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** A Cause holds Lambda's JSON where a function failed, and plain text elsewhere. */
export function messageOfCause(cause: string | undefined): string {
  return stringOf(parseRecord(cause).errorMessage) ?? cause ?? '';
}
