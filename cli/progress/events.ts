/**
 * What progress is made of: the same few events, whether the local engine emits them as it goes or `start --wait` reads
 * them out of an execution's history in AWS.
 */

export type ProgressEventType =
  | 'TaskScheduled'
  | 'TaskSucceeded'
  | 'TaskFailed'
  | 'TaskRetrying'
  | 'StateEntered'
  | 'ExecutionSucceeded'
  | 'ExecutionFailed'
  | 'ExecutionAborted';

export interface ProgressEvent {
  readonly type: ProgressEventType;
  /** Name of the state; the events of the execution itself have none. */
  readonly state?: string | null | undefined;
  /** Counts from 1. With `TaskRetrying`: the attempt that begins now; how the last one failed was told before. */
  readonly attempt?: number | undefined;
  readonly input?: unknown;
  readonly output?: unknown;
  /** Error name, as the state machine's Retry and Catch match it. */
  readonly error?: string | null | undefined;
  /** As Lambda gives it: JSON `{"errorType","errorMessage"}`, or plain text. */
  readonly cause?: string | null | undefined;
  readonly timestamp: Date | string | number;
}

/** Milliseconds since 1970. */
export function timeOf(event: ProgressEvent): number {
  const { timestamp } = event;
  if (timestamp instanceof Date) return timestamp.getTime();
  return typeof timestamp === 'number' ? timestamp : Date.parse(timestamp);
}

export interface NamedError {
  readonly name: string;
  readonly message: string;
}

/** Reads an error name and a Cause, which holds Lambda's JSON where a function failed and plain text elsewhere. */
export function readError(error: string | null | undefined, cause: string | null | undefined): NamedError {
  const parsed = parseCause(cause ?? '');
  return { name: error || parsed.name || 'Unknown', message: parsed.message || error || 'no cause given' };
}

/** The error name inside a Cause, empty where it is plain text; and what it says. */
export function parseCause(cause: string): NamedError {
  try {
    const value: unknown = JSON.parse(cause);
    if (isRecord(value) && typeof value.errorMessage === 'string') {
      return { name: stringOf(value.errorType), message: value.errorMessage };
    }
  } catch {
    // Plain text then.
  }
  return { name: '', message: cause };
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
