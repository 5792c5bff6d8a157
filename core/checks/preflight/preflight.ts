/**
 * Preflight: everything that the operator should know before anything runs. Each finding has a stable id, explained in
 * docs/findings.md.
 */
import type { Client } from 'pg';
import type { PlanFinding, Severity, UnpairedPartition } from '../../contracts/documents.ts';
import { run } from '../../postgres/sql.ts';
import type { Intent, PreflightSubject } from './finding.ts';
import { checkActions, checkActivity, checkHazards } from './hazards.ts';
import { checkPairs, isComplete, judgeUnpaired } from './partition-findings.ts';
import { checkCapacity, checkMemory, checkMinorVersion, checkServer } from './server-findings.ts';
import { checkSnapshots } from './snapshot-findings.ts';
import { readFindings } from './sql-findings.ts';
import { checkStandbys } from './standby-findings.ts';
import { checkPartitioning, checkPrivileges } from './table-findings.ts';

export type { Intent, PreflightSubject } from './finding.ts';

/** All findings, errors first. Reads the catalog, and whether unpaired referencing partitions hold rows. */
export async function preflight(
  client: Client,
  subject: PreflightSubject,
  intent: Intent,
): Promise<{ readonly findings: PlanFinding[]; readonly unpaired: UnpairedPartition[] }> {
  const { foreignKey, pairing } = subject;
  const tables = await run(client, 'catalog/partitioning', { ...foreignKey });
  const referencing = tables.find((table) => table.oid === foreignKey.referencing_oid);
  const referenced = tables.find((table) => table.oid === foreignKey.referenced_oid);
  if (!referencing || !referenced) throw new Error('a table of the foreign key vanished while it was read');
  const unpaired = await judgeUnpaired(client, subject);
  const findings = [
    ...checkServer(subject.server),
    ...checkMinorVersion(subject),
    ...(isComplete(pairing) ? [] : checkPartitioning(foreignKey, referencing, referenced)),
    ...(await checkPrivileges(client, subject, [referencing, referenced], intent)),
    ...unpaired.findings,
    ...checkPairs(subject),
    ...checkActions(),
    ...checkMemory(subject),
    ...checkCapacity(subject),
    ...checkSnapshots(subject),
    ...(await checkActivity(client)),
    ...(await checkHazards(client, subject.foreignKey)),
    ...(await checkStandbys(client)),
    ...(await readFindings(client, subject)),
  ];
  return { findings: bySeverity(findings), unpaired: unpaired.partitions };
}

/** Errors first, otherwise in the given order. */
export function bySeverity(findings: readonly PlanFinding[]): PlanFinding[] {
  const order: readonly Severity[] = ['error', 'warning', 'info'];
  return [...findings].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
