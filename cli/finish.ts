/** How a command reports its exit code. */

/** What a command leaves behind: its exit code. */
export type Finish = (exitCode: number) => void;
