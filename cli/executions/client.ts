/** The Step Functions client of the AWS SDK, and its errors in words. */
import { SFNClient } from '@aws-sdk/client-sfn';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { echoed, redact } from '../../core/contracts/redact.ts';
import { oneLine } from '../text.ts';

export interface AwsFlags {
  readonly region?: string;
  readonly awsProfile?: string;
  readonly endpointUrl?: string;
}

/** `arn:aws:states:eu-central-1:123456789012:<kind>:name...`, in any AWS partition, with an optional version or alias. */
const ARN = /^arn:aws[\w-]*:states:([a-z0-9-]+):\d{12}:(stateMachine|execution):[^\s]+$/;

export type ArnKind = 'stateMachine' | 'execution';

const OPTIONS: Readonly<Record<ArnKind, readonly [option: string, rest: string]>> = {
  stateMachine: ['--state-machine', 'NAME'],
  execution: ['--execution', 'STATE-MACHINE:NAME'],
};

/** @throws InvalidInput where it is no ARN of that kind */
export function regionOf(arn: string, kind: ArnKind): string {
  const [, region, found] = ARN.exec(arn) ?? [];
  if (region === undefined || found !== kind) {
    const [option, rest] = OPTIONS[kind];
    throw new InvalidInput(
      `${option} must be an ARN such as arn:aws:states:eu-central-1:123456789012:${kind}:${rest}, not ${echoed(arn)}`,
    );
  }
  return region;
}

function isLoopback(endpointUrl: string): boolean {
  let url: URL;
  try {
    url = new URL(endpointUrl);
  } catch {
    throw new InvalidInput(`--endpoint-url must be a URL such as http://127.0.0.1:8083, not ${echoed(endpointUrl)}`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new InvalidInput(`--endpoint-url must begin with http:// or https://, not ${url.protocol}//`);
  }
  return ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

/** @param region that of the ARN, which wins over the environment's: a request elsewhere would never find it */
export function createClient(flags: AwsFlags, region: string): SFNClient {
  const local = flags.endpointUrl !== undefined && isLoopback(flags.endpointUrl);
  const anonymous =
    local && flags.awsProfile === undefined && !process.env.AWS_ACCESS_KEY_ID && !process.env.AWS_PROFILE;
  return new SFNClient({
    region: flags.region ?? region,
    ...(flags.awsProfile === undefined ? {} : { profile: flags.awsProfile }),
    ...(flags.endpointUrl === undefined ? {} : { endpoint: flags.endpointUrl }),
    // An emulator takes any, and p2pfk serve says which to set; without this the SDK would look for some on the network.
    ...(anonymous ? { credentials: { accessKeyId: 'local', secretAccessKey: 'local' } } : {}),
  });
}

const REMEDIES: Readonly<Record<string, string>> = {
  StateMachineDoesNotExist: 'check --state-machine, its account and its region',
  ExecutionAlreadyExists: 'an execution of this name ran in the last 90 days: choose another --name',
  ExecutionDoesNotExist: 'check the account and the region',
  InvalidArn: 'check --state-machine or --execution',
  InvalidName: '--name may have 80 characters: letters, digits, - and _',
  AccessDeniedException:
    'states:StartExecution is needed, and with --wait states:DescribeExecution and states:GetExecutionHistory',
  UnrecognizedClientException: 'the credentials are not valid: check the profile or AWS_ACCESS_KEY_ID',
  MissingAuthenticationTokenException: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ExpiredTokenException: 'the credentials have expired: sign in again',
  InvalidSignatureException: 'the secret key does not fit the access key, or the clock is wrong',
  CredentialsProviderError: 'set AWS_PROFILE or --aws-profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  ECONNREFUSED: 'nothing listens there: check --endpoint-url',
  ENOTFOUND: 'no such host: check --region, --endpoint-url and the network',
};

const EXECUTION_REMEDIES: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'states:DescribeExecution and states:GetExecutionHistory are needed, and to stop it states:StopExecution',
};

const LIST_REMEDIES: Readonly<Record<string, string>> = {
  AccessDeniedException:
    'states:ListExecutions is needed on the state machine; with the ARN of an execution nothing is listed',
};

const LOCAL_REMEDIES: Readonly<Record<string, string>> = {
  ExecutionDoesNotExist: 'it was started by another user or with another --state-dir, or it is gone after 90 days',
};

/** @param arn of the execution that was asked for */
export function executionFailure(error: unknown, doing: string, arn: string): InvalidInput {
  const local = arn.startsWith('arn:aws:states:local:') ? LOCAL_REMEDIES : {};
  return failure(error, doing, { ...REMEDIES, ...EXECUTION_REMEDIES, ...local });
}

/** One line for anything the SDK threw. The first line only: a refused signature's next ones quote what was signed. */
export function awsFailure(error: unknown, doing: string): InvalidInput {
  return failure(error, doing, REMEDIES);
}

/** Of the commands that list executions, to show them or to choose one. */
export function listFailure(error: unknown): InvalidInput {
  return failure(error, 'cannot list the executions', { ...REMEDIES, ...LIST_REMEDIES });
}

function failure(error: unknown, doing: string, remedies: Readonly<Record<string, string>>): InvalidInput {
  const { name, message, code } = parts(error);
  const remedy = remedies[name] ?? remedies[code];
  const first = redact(message.split('\n')[0]?.trim() ?? '').replace(/[.\s]+$/, '');
  const text = `${doing}: ${name}${first === '' ? '' : `: ${first}`}${remedy === undefined ? '' : `; ${remedy}`}`;
  return new InvalidInput(oneLine(text), {}, { cause: error });
}

function parts(error: unknown): { name: string; message: string; code: string } {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), code: '' };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const inner = error instanceof AggregateError ? error.errors.find((each) => each instanceof Error) : undefined;
  const message = error.message || (inner instanceof Error ? inner.message : '');
  return {
    name: error.name === 'Error' || error.name === 'AggregateError' ? code || error.name : error.name,
    message,
    code,
  };
}
