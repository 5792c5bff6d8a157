/** The daily audit: what has drifted since the migration, and how many partitions have no working foreign key. */
import * as z from 'zod';
import { audit } from '../../core/drift/find-drift.ts';
import { NOT_LOOKED_AT } from '../../core/drift/unread.ts';
import type { StepContext } from '../../core/steps/context.ts';
import { defineFunction } from '../../core/steps/step.ts';
import { handlerOf } from '../handler.ts';

/** A schedule has nothing to say. */
const AuditEvent = z.object({});

export interface AuditSummary {
  /** Migrated foreign keys that were found, also those of tables that were not read. */
  readonly tables: number;
  /** Partitions without a pair FK, or with one that is not valid, not enforced or points elsewhere. */
  readonly unprotectedPartitions: number;
  /** Tables of which not all was looked at: the other numbers say nothing good of them. */
  readonly tablesNotRead: number;
  /** `<id> <partition or table>`, errors first, the first twenty. */
  readonly findings: readonly string[];
}

const MOST_FINDINGS = 20;

/** Findings by which a row without a referenced row may stand or come in. An index or a guard that lacks is another matter. */
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
