/** What every page of the console works with. */
import type { SFNClient } from '@aws-sdk/client-sfn';

export interface ConsoleContext {
  /** On the endpoint of this process. */
  readonly client: SFNClient;
  /** Resolves when an execution has something new to tell, at the latest after so many milliseconds. */
  readonly changed: (executionArn: string, longestMs: number) => Promise<void>;
  /** Whether this process runs it; never, where absent. */
  readonly isOwn?: (executionArn: string) => boolean;
  readonly databaseUrl: string | undefined;
  /** The database for people, without a password: `host:port/database`. */
  readonly database: string;
  /** The person that a form without a name stands for: the user who started the server, on the page that only this user can open. Else absent. */
  readonly person?: string | undefined;
}
