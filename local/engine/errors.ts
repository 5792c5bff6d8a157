/** The errors that the adapter itself raises, in the two shapes that the engine understands. */

import { messageOf, OwnError } from '../../core/contracts/errors.ts';
import { redact } from '../../core/contracts/redact.ts';

/** AWS cuts both: error names at 256 and causes at 32,768 characters. */
const MAX_ERROR_LENGTH = 256;
const MAX_CAUSE_LENGTH = 32_768;

/**
 * A handler's error as Step Functions sees it. The engine matches `Retry` and `Catch` by `name` alone and copies
 * `message` to `Cause`, so the message is the JSON document that Lambda would have returned.
 */
export class TaskFailure extends Error {
  override readonly name: string;

  constructor(errorType: string, cause: string, options?: ErrorOptions) {
    super(cause.slice(0, MAX_CAUSE_LENGTH), options);
    this.name = errorType.slice(0, MAX_ERROR_LENGTH);
  }
}

/**
 * An error that ends the execution whatever it catches. The engine asks each error whether it may be retried or caught,
 * with `true` as the answer of those that do not say; AWS exempts States.DataLimitExceeded and States.Runtime from
 * `States.ALL` in just this way.
 */
export class TerminalFailure extends TaskFailure {
  readonly isRetryable = false;
  readonly isCatchable = false;
}

/**
 * The document that Lambda's Node runtime returns for what a handler threw.
 * Shape: `{ errorType, errorMessage, trace }`; a thrown non-error has its `typeof` as type and no trace.
 */
export function lambdaFailure(thrown: unknown): TaskFailure {
  const document =
    thrown instanceof Error
      ? { errorType: thrown.name, errorMessage: messageOf(thrown), trace: traceOf(thrown) }
      : { errorType: typeof thrown, errorMessage: messageOf(thrown), trace: [] };
  return new TaskFailure(document.errorType, JSON.stringify(document), { cause: thrown });
}

function traceOf(thrown: Error): string[] {
  const stack = thrown.stack ?? '';
  return (thrown instanceof OwnError ? stack : redact(stack)).split('\n');
}
