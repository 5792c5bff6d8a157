/** The Cause of a failure: Lambda's JSON `{ errorType, errorMessage }` where a function failed, and plain text elsewhere. */

export interface NamedError {
  /** Name of the error, as the state machine's Retry and Catch match it; empty where a Cause is plain text. */
  readonly name: string;
  readonly message: string;
}

/** @returns the name and the message inside a Cause; empty where it has none */
export function readCause(cause: string | null | undefined): NamedError {
  if (!cause) return { name: '', message: '' };
  try {
    const parsed: unknown = JSON.parse(cause);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed) {
      const { errorMessage } = parsed;
      const name = 'errorType' in parsed && typeof parsed.errorType === 'string' ? parsed.errorType : '';
      if (typeof errorMessage === 'string') return { name, message: errorMessage };
    }
  } catch {
    // Not JSON: the text itself is the message.
  }
  return { name: '', message: cause };
}

/** @returns undefined where there is no Cause */
export function messageOfCause(cause: string | undefined): string | undefined {
  return cause ? readCause(cause).message : undefined;
}
