/** The daily audit: drift since the migrations, and the number of partitions without a working foreign key. */
import * as z from 'zod';
import { audit } from '../../core/drift/find-drift.ts';
import { NOT_LOOKED_AT } from '../../core/drift/unread.ts';
import type { StepContext } from '../../core/steps/context.ts';
import { defineFunction } from '../../core/steps/step.ts';
import { handlerOf } from '../handler.ts';

/** The schedule's event, which is empty. */
const AuditEvent = z.object({});

/** Result of the audit: numbers for the metrics, and the first findings for the log. */
export interface AuditSummary {
  /** Migrated foreign keys that were found, including those of tables that could not be read. */
  readonly tables: number;
  /** Partitions without a pair FK, or with one that is not valid, not enforced or has another target. */
  readonly unprotectedPartitions: number;
  /** Tables that could not be read completely: for these the other numbers are no proof that all is well. */
  readonly tablesNotRead: number;
  /** `<id> <partition or table>`, errors first, the first twenty. */
  readonly findings: readonly string[];
}

const MOST_FINDINGS = 20;

/** Findings that let in, or keep, a row without a referenced row. A missing index or guard is not among them. */
const UNPROTECTED = new Set([
  'attached-partition',
  'missing-pair-foreign-key',
  'pair-foreign-key-not-valid',
  'pair-foreign-key-not-enforced',
  'pair-foreign-key-differs',
  'wrong-target',
  'unpaired-referencing-partition',
  'unread-partition-unprotected',
]);

/** Audits all migrated foreign keys of the database; reads only. */
export async function auditAll({ client }: StepContext): Promise<AuditSummary> {
  const audited = await audit(client, {});
  const drift = audited.flatMap(({ table, drift: found }) => found.map((item) => ({ table, ...item })));
  const unprotected = drift.filter(({ finding }) => finding.severity === 'error' && UNPROTECTED.has(finding.id));
  const notRead = drift.filter(({ finding }) => NOT_LOOKED_AT.includes(finding.id));
  return {
    tables: audited.length,
    unprotectedPartitions: new Set(unprotected.map(({ partition }) => partition)).size,
    tablesNotRead: new Set(notRead.map(({ table }) => table)).size,
    findings: drift
      .slice(0, MOST_FINDINGS)
      .map(({ finding, partition, table }) => `${finding.id} ${partition ?? table}`),
  };
}

export const handler = handlerOf(defineFunction('audit', AuditEvent, auditAll));
