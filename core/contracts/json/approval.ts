/** The documents of `p2pfk approve`. */
import * as z from 'zod';
import { milliseconds, tableName, time } from './common.ts';
import { VerificationDocument } from './migration.ts';

const subject = {
  table: tableName,
  constraint: z.string(),
  migrationId: z.string(),
  state: z.enum(['running', 'paused']).describe('running: its execution goes on by itself; paused: the next one does'),
  execution: z.string().describe('the execution that waits, or that paused'),
};
const reason = z.string().nullable();

const RehearsalOfDrop = z.strictObject({
  at: time,
  lockedMs: milliseconds.describe('from the request of the first exclusive lock to ROLLBACK'),
  workMs: milliseconds.optional().describe('of these, after the last lock was granted'),
  checks: VerificationDocument.shape.checks,
  standbys: z.string().optional().describe('one line about standbys, which replay the locks'),
});

/** `p2pfk approve --json`. */
export const ApprovalDocument = z.strictObject({
  ...subject,
  waitingSince: time.nullable().describe('null where it paused before it asked'),
  options: z.record(z.string(), z.unknown()).describe('what differs from the defaults: keys of an execution input'),
  accepted: z.array(
    z.strictObject({
      id: z.string(),
      message: z.string(),
      role: z.string(),
      sessionUser: z.string().describe('the login, which differs from the role after SET ROLE'),
      by: z.string().optional().describe('as stated, not verified'),
      at: time,
    }),
  ),
  rehearsal: RehearsalOfDrop.nullable(),
  approvedAt: time,
  approvedBy: z.string().describe('as stated, not verified'),
  approvedLogin: z.string().nullable().describe('of the session, noted by the database'),
  reason,
  looksAgainBy: time
    .nullable()
    .describe('when the execution that waits looks for the approval at the latest; null where it has paused'),
  alreadyApproved: z.boolean(),
});

/** `p2pfk approve --withdraw --json`. */
export const WithdrawalDocument = z.strictObject({
  ...subject,
  withdrawnAt: time,
  withdrawnBy: z.string().describe('as stated, not verified'),
  reason,
  approvedAt: time,
  approvedBy: z.string(),
});
