import 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Full version of the server, as one test of each run of the matrix notes it. */
    serverVersion?: string;
  }
}
