/** The branch that stops without undoing anything: the next execution goes on where this one left off. */
import { Fail, Succeed, type TaskStateBase } from 'aws-cdk-lib/aws-stepfunctions';
import { Payload } from './payloads.ts';
import { catchSuperseded } from './rollback.ts';
import type { StepFactory } from './step-factory.ts';

export function pauseBranch(steps: StepFactory, superseded: Fail): TaskStateBase {
  const pause = steps.task('pause', {
    comment: 'Writes to the ledger why the migration waits, taking no lock on either table; every foreign key stands.',
    payload: Payload.interruption,
  });
  const paused = new Succeed(steps.scope, 'Paused', {
    comment:
      'The window closed, approval is awaited, or a lock was never free: the same command, run again, goes on from here.',
  });
  const pauseFailed = new Fail(steps.scope, 'PauseFailed', {
    comment: 'The pause could not be recorded; nothing was undone, and the same command, run again, goes on from here.',
    error: 'PauseFailed',
    causePath: '$.pauseError.Cause',
  });
  pause.next(paused);
  catchSuperseded(pause, superseded);
  pause.addCatch(pauseFailed, { resultPath: '$.pauseError' });
  return pause;
}
