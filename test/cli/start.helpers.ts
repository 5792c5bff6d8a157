/**
 * A Step Functions endpoint of three operations on the loopback interface, speaking AWS JSON 1.0, so that the real SDK
 * can be on the other side. Its one execution follows a script of history events.
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
  /** An error that StartExecution answers with: HTTP status, type, message. */
  readonly refuse?: readonly [status: number, type: string, message: string];
}

export interface Endpoint {
  readonly url: string;
  readonly requests: { readonly operation: string; readonly body: Record<string, unknown> }[];
  close(): Promise<void>;
}

export const STATE_MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk';

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
