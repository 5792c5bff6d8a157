import type { Command } from 'commander';
import { addPaceOptions, changePaceByCommand, PACE_EXIT_CODES, type PaceFlags } from '../change-pace.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';

export function registerHold(program: Command, finish: Finish): void {
  const command = program
    .command('hold')
    .description('let a running execution begin no further pair, here or in AWS, until p2pfk resume');
  addPaceOptions(command)
    .hook('preAction', (_, acting) => {
      if (acting.opts().reason === undefined) acting.error("required option '--reason <text>' not specified");
    })
    .addHelpText(
      'after',
      helpText({
        about: `Needs the database alone: the steps of the execution read the hold from the ledger before each pair, wherever they run.
What runs ends; then no pair is begun and the parent-level foreign key is not dropped. The state machine waits meanwhile,
and no function does. Deadline and time for an approval go on, and after 24 hours the execution pauses.
After the drop, and in a rollback, a hold is refused: nothing delays the last checks and the way back. It is for this
execution: if that is stopped or fails, it rolls back or pauses as it would have, and the next one begins without it.
Without --execution and --table it is the execution that is at work on the database; of several none is held.`,
        examples: [
          ['p2pfk hold --table path --reason "CHG-1234: month-end"', 'until p2pfk resume --table path'],
          ['p2pfk hold --execution $ARN --by ana --reason "CHG-1234" --json', 'here or in AWS, for scripts'],
        ],
        exitCodes: PACE_EXIT_CODES,
      }),
    )
    .action(async (flags: PaceFlags, acting: Command) =>
      finish(await changePaceByCommand({ command: 'hold' }, flags, acting)),
    );
}
