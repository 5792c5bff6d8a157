/** Types and helpers that the checks of this folder share. */

import type { ForeignKey } from '../../catalog/foreign-key.ts';
import type { Pairing } from '../../catalog/pairs.ts';
import type { Server } from '../../catalog/server-facts.ts';
import type { PlanFinding, Severity } from '../../contracts/documents.ts';
import type { ExecutionInput } from '../../contracts/execution-input.ts';

/** `plan` may be run by a role that can only read: a privilege that it lacks for `migrate` is then only a warning. */
export type Intent = 'plan' | 'migrate';

/** What preflight checks. */
export interface PreflightSubject {
  readonly server: Server;
  readonly foreignKey: ForeignKey;
  readonly pairing: Pairing;
  readonly input: ExecutionInput;
}

/** A finding that needs no acceptance. */
export function finding(id: string, severity: Severity, message: string, remedy: string): PlanFinding {
  return { id, severity, message, remedy, needsAcceptance: false };
}

/** A warning that refuses the migration until a person accepts it. */
export function toAccept(id: string, message: string, remedy: string): PlanFinding {
  return { id, severity: 'warning', message, remedy, needsAcceptance: true };
}

/** The first five names, and how many more there are. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}
