/**
 * A Step Functions endpoint of a few operations on the loopback interface, speaking AWS JSON 1.0, so that the real SDK
 * can be on the other side. Its one execution follows a script of history events, or it has a list of executions.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedEvent {
  readonly type: string;
  /** Index of the event it follows in the script; the one before it where absent. */
  readonly after?: number;
  readonly [details: string]: unknown;
}

export interface Script {
  readonly history?: readonly ScriptedEvent[];
  /** What DescribeExecution adds once the history is at its end. */
  readonly end?: {
    readonly status: string;
    readonly output?: string;
    readonly error?: string;
    readonly cause?: string;
  };
  /** Events that each look at the history finds more than the one before. */
  readonly step?: number;
  /** Executions that it has, the newest first, in place of the one that is started. */
  readonly executions?: readonly ListedExecution[];
  /** An error that StartExecution, or ListExecutions, answers with: HTTP status, type, message. */
  readonly refuse?: readonly [status: number, type: string, message: string];
}

export interface ListedExecution {
  readonly name: string;
  readonly status: string;
  readonly input: object;
  readonly output?: object;
  /** Result of its plan. */
  readonly plan?: object;
}

export interface Endpoint {
  readonly url: string;
  readonly requests: { readonly operation: string; readonly body: Record<string, unknown> }[];
  close(): Promise<void>;
}

export const STATE_MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk';

export function arnOf(name: string): string {
  return `${STATE_MACHINE.replace(':stateMachine:', ':execution:')}:${name}`;
}

/** Answers about executions that are there: a page has two. */
function answerOf(executions: readonly ListedExecution[], operation: string, body: Record<string, unknown>): object {
  const item = ({ name, status }: ListedExecution, index: number) => ({
    executionArn: arnOf(name),
    stateMachineArn: STATE_MACHINE,
    name,
    status,
    startDate: 1_800_000_000 - 60 * index,
    ...(status === 'RUNNING' ? {} : { stopDate: 1_800_000_012.5 - 60 * index }),
  });
  if (operation === 'ListExecutions') {
    const from = Number(body.nextToken ?? 0);
    const next = from + 2 < executions.length ? { nextToken: String(from + 2) } : {};
    return { executions: executions.map(item).slice(from, from + 2), ...next };
  }
  const index = executions.findIndex(({ name }) => arnOf(name) === body.executionArn);
  const found = executions[index];
  if (found === undefined) return { __type: 'ExecutionDoesNotExist', message: 'no such execution' };
  const { input, output, plan = null } = found;
  switch (operation) {
    case 'DescribeExecution':
      return {
        ...item(found, index),
        input: JSON.stringify(input),
        ...(output === undefined ? {} : { output: JSON.stringify(output) }),
      };
    case 'StopExecution':
      return { stopDate: 1_800_000_100 };
    default: {
      const events = plan === null ? [] : task('Plan', {}, plan);
      return {
        events: events.map((event, place) => ({
          ...event,
          id: place + 1,
          previousEventId: place,
          timestamp: 1_800_000_000 + place / 10,
        })),
      };
    }
  }
}

export async function openEndpoint(script: Script): Promise<Endpoint> {
  const history = (script.history ?? []).map(({ after, ...event }, index) => ({
    ...event,
    id: index + 1,
    previousEventId: after === undefined ? index : after + 1,
    timestamp: 1_800_000_000 + index / 10,
  }));
  const requests: Endpoint['requests'] = [];
  let shown = 0;
  let executionArn = '';

  const answer = (operation: string, body: Record<string, unknown>): [number, unknown] => {
    if (script.executions !== undefined) {
      if (script.refuse) return [script.refuse[0], { __type: script.refuse[1], message: script.refuse[2] }];
      const found = answerOf(script.executions, operation, body);
      return ['__type' in found ? 400 : 200, found];
    }
    switch (operation) {
      case 'StartExecution':
        if (script.refuse) return [script.refuse[0], { __type: script.refuse[1], message: script.refuse[2] }];
        executionArn = `${String(body.stateMachineArn).replace(':stateMachine:', ':execution:')}:${String(body.name)}`;
        return [200, { executionArn, startDate: 1_800_000_000 }];
      case 'DescribeExecution': {
        shown = Math.min(history.length, shown + (script.step ?? history.length));
        const ended = shown === history.length && script.end !== undefined;
        const common = { executionArn, stateMachineArn: STATE_MACHINE, startDate: 1_800_000_000 };
        return [
          200,
          ended ? { ...common, ...script.end, stopDate: 1_800_000_012.5 } : { ...common, status: 'RUNNING' },
        ];
      }
      case 'GetExecutionHistory': {
        // Two events a page, so that paging is part of every test.
        const newestFirst = history.slice(0, shown).reverse();
        const from = Number(body.nextToken ?? 0);
        const next = from + 2 < newestFirst.length ? { nextToken: String(from + 2) } : {};
        return [200, { events: newestFirst.slice(from, from + 2), ...next }];
      }
      default:
        return [400, { __type: 'UnknownOperationException' }];
    }
  };

  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).replace('AWSStepFunctions.', '');
      const body = JSON.parse(text) as Record<string, unknown>;
      requests.push({ operation, body });
      const [status, document] = answer(operation, body);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(document));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The events of one Task state that works: entered, scheduled, started, succeeded, exited. */
export function task(name: string, input: unknown, output: unknown): ScriptedEvent[] {
  return [
    { type: 'TaskStateEntered', stateEnteredEventDetails: { name, input: JSON.stringify(input) } },
    {
      type: 'LambdaFunctionScheduled',
      lambdaFunctionScheduledEventDetails: { resource: 'r', input: JSON.stringify(input) },
    },
    { type: 'LambdaFunctionStarted' },
    { type: 'LambdaFunctionSucceeded', lambdaFunctionSucceededEventDetails: { output: JSON.stringify(output) } },
    { type: 'TaskStateExited', stateExitedEventDetails: { name, output: JSON.stringify(output) } },
  ];
}
