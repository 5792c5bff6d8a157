/** Reads the Cause of a failure: Lambda's JSON `{ errorType, errorMessage }` where a function failed, and plain text elsewhere. */

/** Error of an execution, as its Cause describes it. */
export interface NamedError {
  /** Name of the error, as the state machine's Retry and Catch match it; empty where the Cause is plain text. */
  readonly name: string;
  readonly message: string;
}

/** @returns the name and the message in a Cause; each is an empty text where the Cause has none */
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

/** @returns the message in a Cause, for example in `$.error.Cause` of a Catch; undefined where there is no Cause */
export function messageOfCause(cause: string | undefined): string | undefined {
  return cause ? readCause(cause).message : undefined;
}
