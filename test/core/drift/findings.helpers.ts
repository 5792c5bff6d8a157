/** What an audit finds, in short. */
import type { Client } from 'pg';
import type { AuditFinding } from '../../../core/drift/drift.ts';
import { audit, auditDocument } from '../../../core/drift/find-drift.ts';

export async function findings(core: Client, wanted: { table?: string } = {}): Promise<AuditFinding[]> {
  return auditDocument(await audit(core, wanted)).tables.flatMap((table) => table.findings);
}

/** `severity id partition` of each, sorted. */
export function brief(found: readonly AuditFinding[]): string[] {
  return found.map(({ id, severity, partition }) => `${severity} ${id} ${partition ?? '-'}`).sort();
}
