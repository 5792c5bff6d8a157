import type { Command } from 'commander';
import { addPaceOptions, changePaceByCommand, PACE_EXIT_CODES, type PaceFlags } from '../change-pace.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';

export function registerResume(program: Command, finish: Finish): void {
  const command = program
    .command('resume')
    .description('let an execution go on that p2pfk hold has held, here or in AWS');
  addPaceOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Needs the database alone. The execution goes on at its next look: after seconds, or minutes where it was held for long.
A limit of p2pfk throttle stays. One that is paused, or was stopped, is no longer there to go on: run migrate again.
Without --execution and --table it is the execution that is at work on the database.`,
        examples: [
          ['p2pfk resume --table path', 'let it go on'],
          ['p2pfk resume --execution $ARN --by ana --reason "month-end is over"', 'here or in AWS, with who and why'],
        ],
        exitCodes: PACE_EXIT_CODES,
      }),
    )
    .action(async (flags: PaceFlags, acting: Command) =>
      finish(await changePaceByCommand({ command: 'resume' }, flags, acting)),
    );
}
