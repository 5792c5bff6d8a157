/** How an execution ended. */
export type ExecutionOutcome =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string }
  /** What StopExecution was given, where it was given anything. */
  | { readonly status: 'ABORTED'; readonly error?: string; readonly cause?: string };
