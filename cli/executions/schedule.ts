/** `p2pfk schedule`: maintenance windows as schedules of EventBridge Scheduler. Everything is checked before it is sent. */

import {
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  paginateListSchedules,
  type SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { type Opening, openingOf } from '../../core/contracts/aws/maintenance-window.ts';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { echoed, unlessSecret } from '../../core/contracts/redact.ts';
import { ExitCode } from '../exit-codes.ts';
import { executionInputOf, givenInput } from '../input.ts';
import { createOutput, type Output } from '../output.ts';
import { statedInAws } from '../people.ts';
import { regionOf } from './client.ts';
import { callerIdentity } from './identity.ts';
import { checkedWindow, type ScheduleFlags } from './schedule-window.ts';
import { connectToScheduler, type ScheduleHome, schedulerFailure } from './scheduler.ts';

/** @returns the exit code */
export async function schedule(flags: ScheduleFlags): Promise<number> {
  const region = regionOf(flags.stateMachine, 'stateMachine');
  const asked = [flags.list === true, flags.remove !== undefined, flags.table !== undefined].filter(Boolean);
  if (asked.length > 1) throw new InvalidInput('--list, --remove and a new schedule cannot be asked for together');
  // All that can be wrong is found before anything is sent; who schedules it is asked in AWS.
  if (flags.table !== undefined) newSchedule(flags, flags.table);
  const output = createOutput(flags);
  const { scheduler, home, close } = await connectToScheduler(flags, region);
  try {
    if (flags.list) await list(scheduler, home, flags.stateMachine, output);
    else if (flags.remove !== undefined) await remove(scheduler, home, flags.remove, output);
    else if (flags.table !== undefined) {
      const people = await statedInAws(flags, () => callerIdentity(scheduler));
      const planned = newSchedule({ ...flags, ...people }, flags.table);
      await create(scheduler, home, { ...planned, stateMachine: flags.stateMachine }, output);
    }
    return ExitCode.Done;
  } finally {
    close();
  }
}

interface NewSchedule {
  readonly name: string;
  readonly once: boolean;
  readonly opening: Opening;
  readonly minutes: number;
}

function newSchedule(flags: ScheduleFlags, table: string): NewSchedule {
  if (flags.deadline !== undefined) {
    throw new InvalidInput('--deadline has no meaning for a schedule: the end of the --window is the deadline');
  }
  const given = givenInput({ ...flags, table }, 'migrate');
  executionInputOf(given);
  const window = checkedWindow(flags);
  const opening = openingOf({ ...window, input: { ...given, table } });
  return { name: nameOf(flags, table, opening), once: window.at !== undefined, opening, minutes: window.minutes };
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** The same schedule, asked for twice, has the same name, so that it is not made twice. */
function nameOf({ name }: ScheduleFlags, table: string, { expression }: Opening): string {
  if (name === undefined) {
    const words = `p2pfk-${unlessSecret(table, 'table')}-${expression.replaceAll('*', 'x').replaceAll('?', 'y')}`;
    return words
      .replace(/[^A-Za-z0-9_.-]+/g, '-')
      .replace(/-+$/, '')
      .slice(0, 64);
  }
  if (!NAME.test(name)) {
    throw new InvalidInput(`--name must be 1 to 64 letters, digits, '.', '-' and '_', not ${echoed(name)}`);
  }
  return name;
}

async function create(
  scheduler: SchedulerClient,
  home: ScheduleHome,
  { name, once, opening, minutes, stateMachine }: NewSchedule & { readonly stateMachine: string },
  output: Output,
): Promise<void> {
  const { expression, timeZone, input, retries, maximumEventAgeSeconds } = opening;
  const created = await scheduler
    .send(
      new CreateScheduleCommand({
        Name: name,
        GroupName: home.group,
        Description: `Opens a p2pfk maintenance window of ${minutes} minutes`,
        ScheduleExpression: expression,
        ScheduleExpressionTimezone: timeZone,
        FlexibleTimeWindow: { Mode: 'OFF' },
        // One that was for once would stay behind for ever.
        ...(once ? { ActionAfterCompletion: 'DELETE' as const } : {}),
        Target: {
          Arn: stateMachine,
          RoleArn: home.role,
          Input: JSON.stringify(input),
          RetryPolicy: { MaximumRetryAttempts: retries, MaximumEventAgeInSeconds: maximumEventAgeSeconds },
          DeadLetterConfig: { Arn: home.deadLetters },
        },
      }),
    )
    .catch((error: unknown) => {
      throw schedulerFailure(error, `cannot make the schedule ${name}`);
    });
  output.line(`Scheduled ${name}: ${expression} ${timeZone}, a window of ${minutes} minutes`);
  output.document({
    scheduleArn: created.ScheduleArn ?? null,
    name,
    group: home.group,
    expression,
    timeZone,
    minutes,
    input,
  });
}

async function list(
  scheduler: SchedulerClient,
  home: ScheduleHome,
  stateMachine: string,
  output: Output,
): Promise<void> {
  const schedules: object[] = [];
  try {
    for await (const page of paginateListSchedules({ client: scheduler }, { GroupName: home.group })) {
      for (const { Name, Target } of page.Schedules ?? []) {
        if (Target?.Arn !== stateMachine) continue;
        const found = described(
          await scheduler.send(new GetScheduleCommand({ Name: Name ?? '', GroupName: home.group })),
        );
        schedules.push(found);
        const { name, expression, timeZone, minutes, table } = found;
        output.line(`${name}: ${table}, ${expression} ${timeZone}, a window of ${minutes ?? '?'} minutes`);
      }
    }
  } catch (error) {
    throw schedulerFailure(error, 'cannot list the schedules');
  }
  if (schedules.length === 0) output.line('No schedules.');
  output.document({ schedules });
}

function described({ Name, ScheduleExpression, ScheduleExpressionTimezone, State, Target }: GetScheduleCommandOutput) {
  const input: unknown = JSON.parse(Target?.Input ?? '{}');
  const { table = null, windowMinutes = null } = input as { table?: string; windowMinutes?: number };
  return {
    name: Name ?? '',
    table,
    expression: ScheduleExpression ?? '',
    timeZone: ScheduleExpressionTimezone ?? '',
    minutes: windowMinutes,
    enabled: State !== 'DISABLED',
    input,
  };
}

async function remove(scheduler: SchedulerClient, home: ScheduleHome, name: string, output: Output): Promise<void> {
  await scheduler.send(new DeleteScheduleCommand({ Name: name, GroupName: home.group })).catch((error: unknown) => {
    throw schedulerFailure(error, `cannot remove the schedule ${name}`);
  });
  output.line(`Removed ${name}`);
  output.document({ removed: name });
}
