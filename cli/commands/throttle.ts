import type { Command } from 'commander';
import { addPaceOptions, changePaceByCommand, PACE_EXIT_CODES, type PaceFlags } from '../change-pace.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';
import { inputOption } from '../input-options.ts';

export function registerThrottle(program: Command, finish: Finish): void {
  const command = program
    .command('throttle')
    .description('change how many pairs a running execution works on side by side, here or in AWS')
    .addOption(
      inputOption(
        'maxConcurrency',
        'pairs side by side from now on, at most as many as it was started with',
      ).makeOptionMandatory(),
    );
  addPaceOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Needs the database alone: the steps of the execution read the limit from the ledger before each pair, wherever they
run. What runs ends, and no further pair is begun as long as so many are at work; the state machine waits meanwhile, and no
function does. It goes up again as far as the execution was started with. A rollback heeds no limit but that one.
Without --execution and --table it is the execution that is at work on the database; of several none is changed.`,
        examples: [
          ['p2pfk throttle --table path --max-concurrency 1 --reason "load at noon"', 'one pair after the other'],
          ['p2pfk throttle --execution $ARN --max-concurrency 4', 'faster again'],
          ['p2pfk throttle --max-concurrency 2 --json', 'the one that is at work, for scripts'],
        ],
        exitCodes: PACE_EXIT_CODES,
      }),
    )
    .action(async (flags: PaceFlags & { readonly maxConcurrency: number }, acting: Command) => {
      const { maxConcurrency } = flags;
      finish(await changePaceByCommand({ command: 'throttle', maxConcurrency }, flags, acting));
    });
}
