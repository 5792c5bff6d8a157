/** How an execution ended. */
export type ExecutionOutcome =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string }
  /** Error and cause are those of the StopExecution call, if it gave any. */
  | { readonly status: 'ABORTED'; readonly error?: string; readonly cause?: string };
