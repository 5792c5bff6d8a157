/** The documents of `p2pfk audit` and `p2pfk provision`. */
import * as z from 'zod';
import { BlockedTime, LockingStatement, milliseconds, severity, tableName } from './common.ts';

const FindingOfAudit = z.strictObject({
  id: z.string().describe('a finding of docs/after-the-migration.md; ids are stable'),
  severity,
  partition: tableName.nullable().describe('null where it is about the table as a whole'),
  message: z.string(),
  remedy: z.string(),
  sql: z.array(z.string()).describe('the statements that repair it, in order; empty where a person has to decide'),
});

const RepairOfAudit = z.strictObject({
  table: tableName,
  id: z.string().describe('of the finding'),
  partition: tableName.nullable(),
  status: z.enum(['REPAIRED', 'FAILED']),
  durationMs: milliseconds,
  error: z.string().nullable().describe('null when repaired'),
});

/** `p2pfk audit --json`. */
export const AuditDocument = z.strictObject({
  passed: z.boolean().describe('whether no finding is an error or a warning'),
  tables: z.array(
    z.strictObject({
      table: tableName,
      constraint: z.string().nullable().describe('the former parent foreign key; null where no ledger has it'),
      findings: z.array(FindingOfAudit),
    }),
  ),
  repairs: z.array(RepairOfAudit).optional().describe('with --fix --run; tables has what is left after them'),
});

/** `p2pfk provision --json`. */
export const ProvisionDocument = z.strictObject({
  status: z.enum(['PROVISIONED', 'DRY_RUN']),
  table: tableName,
  referencedTable: tableName,
  migrationId: z.string().nullable().describe('null where there is no ledger'),
  referencing: tableName,
  referenced: tableName,
  referencingCreated: z.boolean().describe('false where the partition existed, empty and without a partner'),
  referencedCreated: z.boolean().describe('false where an existing partition holds the keys of the new one'),
  bound: z.string(),
  pairConstraint: z.string(),
  index: z.string(),
  statements: z.array(LockingStatement.omit({ step: true })).describe('in the order in which they ran'),
  lockWaitMs: milliseconds,
  heldMs: milliseconds.describe('from the grant of the last lock to the end of the transaction'),
  blocked: BlockedTime,
});
