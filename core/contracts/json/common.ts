/** What several JSON documents of the command line share. */
import * as z from 'zod';

export const count = z.int().nonnegative();
export const milliseconds = z.number().nonnegative();
/** An estimate of the server, or a forecast made of such estimates. */
export const estimate = z.number().nonnegative();
export const time = z.iso.datetime().describe('ISO 8601, by the clock of the database where there is one');

export const tableName = z.string().describe('with its schema, quoted where needed');

export const NamedProblem = z.strictObject({
  name: z.string().describe('an error of docs/troubleshooting.md; its names are stable'),
  message: z.string().describe('for people; may change with any version'),
});

export const severity = z.enum(['error', 'warning', 'info']);

export const pairState = z.enum(['planned', 'indexed', 'added', 'validated', 'restored', 'rolled-back']);

export const BlockedTime = z
  .strictObject({
    longestMs: milliseconds.describe('of the longest try'),
    totalMs: milliseconds.describe('of all tries together'),
    tries: count.describe('including failed tries and rehearsals'),
  })
  .describe('for how long locks of p2pfk blocked readers or writers at most');

/** A statement, and the lock that it takes. */
export const LockingStatement = z.strictObject({
  step: z.string().describe('the state of the state machine that runs it'),
  sql: z.string(),
  lock: z.string().describe('the strongest table lock and the relations it is taken on; for people'),
});
