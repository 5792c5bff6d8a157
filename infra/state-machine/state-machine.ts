/**
 * The state machine of the migration: a Standard workflow in JSONPath.
 *
 *     Plan -> NothingToDo? -> BuildIndexes -> AddForeignKeys -> ValidateForeignKeys
 *          -> VerifyGate -> GatePassed? -> DropParentForeignKey -> VerifyMigration -> Verified? -> Migrated
 *     pairs without a proof, from GatePassed? or Verified? -> CountOrphans -> CountedAfterDrop? -> VerifyGate or VerifyMigration
 *     held by a person, from GatePassed? or DropParentForeignKey -> WaitWhileHeld -> VerifyGate
 *     OrphanedRows and the like -> Fence -> ParentDropped? -> RestoreParent -> AttachParent -> DropPairForeignKeys
 *                            -> VerifyRolledBack -> WasRequested? -> RolledBack, or RollbackCompleted
 *     any other error -> Pause -> ParentGone? -> Paused, or ChecksPending after the drop
 *     temporary errors, in the rollback branch -> HeldUpBefore? -> WaitHeldUp -> Fence
 *     MigrationFenced in either branch: another execution has taken over -> Superseded
 *
 * The same definition runs in AWS and on the local engine. It has no time-out of its own, because a time-out ends an execution
 * without reaching any Catch. Its correctness never depends on the engine stopping work, because functions that are running
 * continue after a failure. It depends on the fence, which every forward step reads before it writes.
 */
import {
  DefinitionBody,
  type IChainable,
  type StateMachineProps,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { forwardPath } from './forward.ts';
import { pauseBranch } from './pause.ts';
import { rollbackBranch, supersededEnd } from './rollback.ts';
import { type FunctionsByName, StepFactory } from './step-factory.ts';

export type { FunctionsByName };

const COMMENT =
  'Replaces one parent-level foreign key between two partitioned PostgreSQL tables by partition-to-partition foreign keys, online, with proof, and back again if anything fails.';

/**
 * @param scope where the states are made; their names are their construct ids
 * @param functions what each Task calls
 * @returns the first state
 */
function defineStateMachine(scope: Construct, functions: FunctionsByName): IChainable {
  const steps = new StepFactory(scope, functions);
  const superseded = supersededEnd(steps);
  const pause = pauseBranch(steps, superseded);
  const rollback = rollbackBranch(steps, superseded);
  return forwardPath(steps, { pause, fence: rollback.fence, rollbackRequested: rollback.requested });
}

/** Properties of the state machine that are the same wherever it is deployed. */
export function stateMachineProps(scope: Construct, functions: FunctionsByName): StateMachineProps {
  return {
    comment: COMMENT,
    stateMachineType: StateMachineType.STANDARD,
    definitionBody: DefinitionBody.fromChainable(defineStateMachine(scope, functions)),
  };
}
