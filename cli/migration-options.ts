/** Options of the commands that plan, start or take back a migration, in the groups of their help texts. */
import type { Command } from 'commander';
import { declare } from './input-options.ts';
import { addTableOptions, grouped, PACE } from './options.ts';

const WORD = 'Rehearsal and approval:';
const PROOF = 'Proof that every row has its referenced row:';
const LIMITS = 'Maintenance window and load; no pair is begun while a limit is exceeded:';
const ROLLBACK = 'Rollback:';

/** Options that hold for a plan, a migration and a rollback, on its own or as part of one. */
export function addPaceOptions(command: Command): Command {
  grouped(addTableOptions(command), PACE, (pace) => declare(pace, 'maxConcurrency', 'lockTimeoutMs'));
  declare(command, 'searchPath');
  return grouped(command, ROLLBACK, (rollback) => declare(rollback, 'keepIndexes', 'allowBlockingRollback'));
}

/** Of a migration and a rollback, where something is done. */
export function addServerOptions(command: Command): Command {
  return grouped(command, PACE, (pace) => declare(pace, 'maintenanceWorkMemMb', 'terminateIdleBlockersAfterSeconds'));
}

/** Of a plan and of a migration. */
export function addGuardOptions(command: Command): Command {
  return declare(command, 'rowMovementGuard');
}

/** Of a plan and of a migration. */
export function addNamingOption(command: Command): Command {
  return declare(command, 'pairConstraintNames');
}

/** Of a plan and of a migration. */
export function addIndexOptions(command: Command): Command {
  return declare(command, 'noIndexes');
}

/** The limit that a plan has a finding for: a step that is expected to exceed it. */
export function addPlanLimits(command: Command): Command {
  return declare(command, 'maxSnapshotAgeSeconds');
}

/** Options of the commands that start a migration. A rollback waits for neither a window nor an approval. */
export function addInputOptions(command: Command): Command {
  addServerOptions(addPaceOptions(command));
  grouped(command, WORD, (word) =>
    declare(word, 'dryRun', 'rehearse', 'approval', 'approvalTimeoutSeconds', 'approverMustDiffer'),
  );
  grouped(command, PROOF, (proof) => declare(proof, 'proofMaxAgeSeconds', 'recount'));
  addIndexOptions(addNamingOption(addGuardOptions(command)));
  declare(command, 'accept');
  return grouped(command, LIMITS, (limits) =>
    declare(limits, 'deadline', 'maxReplicaLagSeconds', 'maxSnapshotAgeSeconds', 'maxActiveSessions', 'holdBackQuery'),
  );
}
