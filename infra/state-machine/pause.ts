/** The pause: the branch that stops without undoing anything. The next execution continues where this one stopped. */
import { Choice, Condition, Fail, Succeed, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import { Payload } from './payloads.ts';
import { catchSuperseded } from './rollback.ts';
import type { StepFactory } from './step-factory.ts';

/** @returns the first state of the branch */
export function pauseBranch(steps: StepFactory, superseded: Fail): TaskStateBase {
  const pause = steps.task('pause', {
    payload: Payload.interruption,
  });
  const checksPending = new Succeed(steps.scope, 'ChecksPending', {
    comment:
      'The parent foreign key is gone, in a verified transaction; the checks after the drop are still to be run, by reconciliation or by the same command.',
  });
  const paused = new Succeed(steps.scope, 'Paused', {
    comment:
      'Trouble that may pass, a closed window, or an approval that is awaited: every foreign key is in place, and the same command, run again, goes on from here.',
  });
  const pauseFailed = new Fail(steps.scope, 'PauseFailed', {
    comment: 'The pause could not be recorded; nothing was undone, and the same command, run again, goes on from here.',
    error: 'PauseFailed',
    causePath: '$.pauseError.Cause',
  });
  const parentGone = new Choice(steps.scope, 'ParentGone?', {
    comment: 'After the drop a pause is another one: pair foreign keys alone guard the rows, and checks are missing.',
  })
    .when(Condition.stringEquals('$.status', 'CHECKS_PENDING'), checksPending)
    .otherwise(paused);
  pause.next(parentGone);
  catchSuperseded(pause, superseded);
  pause.addCatch(pauseFailed, { resultPath: '$.pauseError' });
  return pause;
}
