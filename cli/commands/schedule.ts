import { type Command, Option } from 'commander';
import type { ScheduleFlags } from '../executions/schedule-window.ts';
import type { Finish } from '../finish.ts';
import { AWS_ENVIRONMENT_HELP, helpText } from '../help.ts';
import { addInputOptions } from '../migration-options.ts';
import { AWS_PERSON, addEndpointOptions, addOutputOptions, addPeopleOptions } from '../options.ts';
import { duration } from '../units.ts';

export function registerSchedule(program: Command, finish: Finish): void {
  const command = program
    .command('schedule')
    .description('start the state machine in AWS when a maintenance window opens; list and remove schedules')
    .requiredOption('-s, --state-machine <arn>', "the state machine's ARN, as the stack's output tells it")
    .option('--at <time>', 'once: 2027-01-31T03:00 by the clocks of --timezone, or with an offset of its own')
    .option('--cron <expression>', 'again and again: "0 3 ? * SUN *" (minutes hours day month weekday year)')
    .option('--timezone <name>', 'IANA time zone of --at or --cron, such as Europe/Berlin')
    .option('--window <duration>', 'how long the window is, such as 15m or 2h: nothing is begun after it', duration)
    .option('--name <name>', 'name of the schedule (default: made from table and time)')
    .addOption(new Option('--list', 'list the schedules of this state machine').implies({ withoutTable: true }))
    .addOption(new Option('--remove <name>', 'remove a schedule').implies({ withoutTable: true }));
  addEndpointOptions(addPeopleOptions(addInputOptions(command), AWS_PERSON));
  addOutputOptions(command)
    .addHelpText(
      'after',
      helpText({
        about: `Makes a schedule of EventBridge Scheduler, with the role, the group and the dead-letter queue of the stack, which the state
machine's tags tell. The end of the window is the deadline; what is not done by then goes on in the next window. An opening
that could not be delivered within the window is not made up for. One that is delivered twice is worked on once.`,
        examples: [
          [
            'p2pfk schedule --state-machine $ARN --table path --at 2027-01-31T03:00 --timezone Europe/Berlin --window 2h',
            'once, for two hours',
          ],
          [
            'p2pfk schedule --state-machine $ARN --table path --cron "0 3 ? * SUN *" --timezone Europe/Berlin --window 90m',
            'each Sunday, until it is migrated',
          ],
          ['p2pfk schedule --state-machine $ARN --list', 'what is planned'],
          ['p2pfk schedule --state-machine $ARN --remove NAME', 'not any more'],
        ],
        environment: AWS_ENVIRONMENT_HELP,
        exitCodes: [[0, 'made, listed or removed'], 2],
      }),
    )
    .action(async (flags: ScheduleFlags) => finish(await (await import('../executions/schedule.ts')).schedule(flags)));
}
