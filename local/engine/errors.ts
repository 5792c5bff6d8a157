/** Errors that the adapter raises, in the two forms that the engine knows. */

import { messageOf, OwnError } from '../../core/contracts/errors.ts';
import { redact } from '../../core/contracts/redact.ts';

/** Lengths to which AWS cuts error names and causes. */
const MAX_ERROR_LENGTH = 256;
const MAX_CAUSE_LENGTH = 32_768;

/**
 * A handler's error in the form that Step Functions gets. The engine matches `Retry` and `Catch` by `name` only and copies
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
 * An error that ends the execution even if there is a matching Retry or Catch. The engine reads these two properties of an error,
 * and treats an error without them as retryable and catchable. AWS exempts States.DataLimitExceeded and States.Runtime from
 * `States.ALL` in the same way.
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
