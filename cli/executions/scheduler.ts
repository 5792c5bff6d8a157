/** The client of EventBridge Scheduler, and where the schedules of one state machine belong. */
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { ListTagsForResourceCommand, type SFNClient } from '@aws-sdk/client-sfn';
import { ScheduleTag } from '../../core/contracts/aws/schedule-tags.ts';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { type AwsFlags, awsFailure, createClient } from './client.ts';

/** What the stack has made for schedules. */
export interface ScheduleHome {
  readonly role: string;
  readonly deadLetters: string;
  readonly group: string;
}

export interface SchedulerConnection {
  readonly scheduler: SchedulerClient;
  readonly home: ScheduleHome;
  close(): void;
}

/** @throws InvalidInput where the state machine's tags do not tell */
export async function connectToScheduler(
  flags: AwsFlags & { readonly stateMachine: string },
  region: string,
): Promise<SchedulerConnection> {
  const executions = createClient(flags, region);
  // The same region, credentials and endpoint.
  const { endpoint: _, ...shared } = executions.config;
  const scheduler = new SchedulerClient({
    region: shared.region,
    credentials: shared.credentials,
    ...(flags.endpointUrl === undefined ? {} : { endpoint: flags.endpointUrl }),
  });
  const close = () => {
    executions.destroy();
    scheduler.destroy();
  };
  try {
    return { scheduler, home: await readHome(executions, flags.stateMachine), close };
  } catch (error) {
    close();
    throw error;
  }
}

async function readHome(client: SFNClient, stateMachine: string): Promise<ScheduleHome> {
  const { tags = [] } = await client
    .send(new ListTagsForResourceCommand({ resourceArn: stateMachine }))
    .catch((error: unknown) => {
      throw schedulerFailure(error, 'cannot read the tags of the state machine');
    });
  const tag = (key: string): string => {
    const value = tags.find((candidate) => candidate.key === key)?.value;
    if (value) return value;
    throw new InvalidInput(
      `the state machine has no tag ${key}: it is not one of p2pfk's stack, or was deployed by an older version`,
    );
  };
  return { role: tag(ScheduleTag.Role), deadLetters: tag(ScheduleTag.DeadLetterQueue), group: tag(ScheduleTag.Group) };
}

const REMEDIES: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'states:ListTagsForResource, scheduler:CreateSchedule, GetSchedule, ListSchedules, DeleteSchedule are needed, and iam:PassRole for the role of the stack',
  ConflictException: 'there is one of this name: remove it with --remove, or choose another --name',
  ResourceNotFoundException: 'p2pfk schedule --list tells the names',
  ResourceNotFound: 'check --state-machine, its account and its region',
};

/** One line for anything the SDK threw. */
export function schedulerFailure(error: unknown, doing: string): InvalidInput {
  const remedy = error instanceof Error ? REMEDIES[error.name] : undefined;
  if (remedy === undefined || !(error instanceof Error)) return awsFailure(error, doing);
  return new InvalidInput(`${doing}: ${error.name}; ${remedy}`, {}, { cause: error });
}
