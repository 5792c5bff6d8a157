/** What `migrate` and `rollback` show before they begin. Pure. */
import type { Estimate, Plan, PlanFinding } from '../../core/contracts/documents.ts';
import type { ExecutionInput } from '../../core/contracts/execution-input.ts';
import type { Migration } from '../../core/ledger/migrations.ts';
import { AS_STATED } from '../../report/words.ts';
import { oneLine, plural } from '../text.ts';
import { approvalLine, estimateLines, rollbackForecast } from './plan-text.ts';

export interface Preview {
  /** `host:port/database`; never a password. */
  readonly target: string;
  /** Version. */
  readonly server: string;
  readonly role: string;
  readonly people: Pick<ExecutionInput, 'by' | 'reason'>;
}

/** @param open findings that are asked for one by one, or refuse it */
export function migrationPreview(preview: Preview, plan: Plan, open: readonly PlanFinding[]): string[] {
  const { table, referencedTable, constraint, pairs, findings } = plan;
  const warnings = findings.filter((finding) => finding.severity === 'warning' && !open.includes(finding));
  return [
    ...heading(preview),
    `Foreign key  ${constraint} of ${table} → ${referencedTable}, ${plural(pairs.length, 'pair')}`,
    ...approvalLine(plan),
    ...estimateLines(plan),
    ...warnings.map(
      ({ id, message, needsAcceptance }) => `! ${id}: ${oneLine(message)}${needsAcceptance ? ' (accepted)' : ''}`,
    ),
  ];
}

export function rollbackPreview(
  preview: Preview,
  migration: Migration,
  { pairs, forecast }: { readonly pairs: number; readonly forecast: Estimate['rollback'] },
): string[] {
  const { id, state, started_at: startedAt, constraint_name: constraint } = migration;
  const stands = migration.constraint_oid !== null;
  return [
    ...heading(preview),
    `Foreign key  ${constraint} of ${migration.table_name} → ${migration.referenced_name}, ${plural(pairs, 'pair')}`,
    `Migration    ${id}, ${state}, begun ${new Date(startedAt).toISOString()}`,
    stands
      ? 'Rollback     the old foreign key is still there: what the migration added is dropped, each pair locked for an instant'
      : rollbackForecast(forecast),
  ];
}

function heading({ target, server, role, people: { by, reason } }: Preview): string[] {
  const version = /^\d/.test(server) ? `PostgreSQL ${server}` : server;
  const why = reason === undefined ? '' : `: ${reason}`;
  return [
    `Database     ${target}, ${version}, as role ${role}`,
    ...(by === undefined ? [] : [`Started by   ${by} (${AS_STATED})${why}`]),
  ];
}
