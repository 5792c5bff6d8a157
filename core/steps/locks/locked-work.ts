/** The work of a step under a strong lock: the parts that all steps have in common. */
import { ledgerStepOf, type StepName, Steps } from '../../contracts/steps/catalogue.ts';
import type { EnteredMigration } from '../context.ts';
import type { LockedWork } from './lock-budget.ts';

/** @param work the step's own part: the lock, and the pair (null: the migration as a whole) */
export function lockedWork(
  step: StepName,
  { migration, lockBudgetMs }: Pick<EnteredMigration, 'migration' | 'lockBudgetMs'>,
  execution: string,
  work: Pick<
    LockedWork,
    'pair' | 'lock' | 'heldMs' | 'announcedMs' | 'roundTrips' | 'end' | 'rehearsedIn' | 'writesMigration'
  >,
): LockedWork {
  return {
    migrationId: migration.id,
    execution,
    // Only the rollback works behind the fence.
    direction: Steps[step].direction === 'rollback' ? 'rollback' : 'forward',
    step: ledgerStepOf(step),
    budgetMs: lockBudgetMs,
    terminateIdleAfterSeconds: migration.options.terminateIdleBlockersAfterSeconds,
    ...work,
  };
}
