/**
 * The part of the Step Functions API that works on one state machine and its executions, with AWS's semantics: names,
 * idempotency, paging, errors. Requests arrive through endpoint.ts and in-process.ts.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type {
  DescribeExecutionOutput,
  DescribeStateMachineForExecutionOutput,
  DescribeStateMachineOutput,
  ListExecutionsOutput,
  ListStateMachinesOutput,
  StartExecutionOutput,
  StopExecutionOutput,
} from '@aws-sdk/client-sfn';
import type { z } from 'zod';
import { credentialsIn, HOLDS_CREDENTIALS } from '../../core/contracts/credentials.ts';
import { messageOf } from '../../core/contracts/errors.ts';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { hasKeyTwice } from '../../core/contracts/json-keys.ts';
import { redact } from '../../core/contracts/redact.ts';
import type { AbortReason, Handlers } from '../engine/engine.ts';
import type { BuiltDefinition } from '../executions.ts';
import type { ExecutionStore } from '../store/execution-store.ts';
import type { ExecutionRecord, NewExecution } from '../store/records.ts';
import { executionArn, STATE_MACHINE_ARN, STATE_MACHINE_NAME } from './arns.ts';
import { alreadyExists, invalidInput, noSuchExecution, noSuchStateMachine, unknownOperation } from './faults.ts';
import { withoutData } from './history-data.ts';
import { LiveExecution } from './live-execution.ts';
import { pageToken, readPageToken } from './page-token.ts';
import * as requests from './requests.ts';
import { describeExecution, listItem, machine } from './responses.ts';

/** What the service works with. */
export interface StepFunctionsOptions {
  readonly store: ExecutionStore;
  readonly built: BuiltDefinition;
  readonly handlers: Handlers;
  /** Called with a line for a person, about errors that belong to no execution. */
  readonly warn: (line: string) => void;
  /** Called with the ARN of each execution that starts in this process, before its first event. */
  readonly onStart?: ((executionArn: string) => void) | undefined;
}

/** Result of GetExecutionHistory. */
interface HistoryPage {
  readonly events: readonly HistoryEvent[];
  readonly nextToken?: string;
}

/** How long StopExecution waits for another process to stop an execution, in milliseconds; that process checks every second. */
const STOP_ELSEWHERE_MS = 5_000;

/** The API, by operation, and the executions that run in this process. */
export class StepFunctions {
  readonly #options: StepFunctionsOptions;
  readonly #live = new Map<string, LiveExecution>();
  readonly #created = new Date();

  constructor(options: StepFunctionsOptions) {
    this.#options = options;
  }

  /**
   * Answers a request.
   *
   * @param operation name in the API, for example `StartExecution`
   * @param body the request, parsed
   * @returns the response; dates in it are `Date`s
   * @throws ServiceFault for an invalid request or an unknown operation
   */
  async call(operation: string, body: unknown): Promise<object> {
    switch (operation) {
      case 'StartExecution':
        return this.#startExecution(requests.parse(requests.StartExecution, body));
      case 'StopExecution':
        return this.#stopExecution(requests.parse(requests.StopExecution, body));
      case 'DescribeExecution':
        return this.#describeExecution(requests.parse(requests.DescribeExecution, body));
      case 'ListExecutions':
        return this.#listExecutions(requests.parse(requests.ListExecutions, body));
      case 'GetExecutionHistory':
        return this.#getExecutionHistory(requests.parse(requests.GetExecutionHistory, body));
      case 'DescribeStateMachine':
        return this.#describeStateMachine(requests.parse(requests.DescribeStateMachine, body));
      case 'DescribeStateMachineForExecution':
        return this.#describeStateMachineForExecution(requests.parse(requests.DescribeStateMachineForExecution, body));
      case 'ListStateMachines':
        return this.#listStateMachines(requests.parse(requests.ListStateMachines, body));
      default:
        throw unknownOperation(operation);
    }
  }

  /**
   * Resolves when an execution has a new event, after at most `longestMs`. For callers in the same process, which would otherwise
   * have to poll.
   */
  async changed(arn: string, longestMs: number): Promise<void> {
    const over = new AbortController();
    // This timer keeps the process alive, because a caller that waits here has nothing else to do.
    const limit = delay(longestMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([this.#live.get(arn)?.changed ?? limit, limit]);
    over.abort();
  }

  /** ARNs of the executions that run in this process. */
  get running(): readonly string[] {
    return [...this.#live.values()].filter(({ record }) => record.status === 'RUNNING').map(({ record }) => record.arn);
  }

  /** Waits for the executions of this process to end, and then, for at most 10 s, until none of their handlers runs any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#live.values()].map((live) => live.settled()));
  }

  /** Stops the executions of this process, without running any Catch. */
  async stopAll(reason: AbortReason): Promise<void> {
    for (const live of this.#live.values()) live.stop(reason);
    await Promise.all([...this.#live.values()].map((live) => live.ended));
  }

  /** Reports a line for a person. */
  warn(line: string): void {
    this.#options.warn(line);
  }

  /** Closes the store. Executions that have ended stay in it; those that still run are not written any more. */
  close(): void {
    this.#options.store.close();
  }

  #startExecution(request: z.output<typeof requests.StartExecution>): StartExecutionOutput {
    const { store, built, handlers, warn } = this.#options;
    this.#checkStateMachine(request.stateMachineArn);
    const name = request.name ?? randomUUID();
    requests.checkName(name);
    const { input } = request;
    checkInput(input);

    const arn = executionArn(name);
    const execution: NewExecution = {
      arn,
      name,
      stateMachineArn: STATE_MACHINE_ARN,
      definition: built.text,
      input,
      startDate: new Date(),
    };
    const created = this.#create(execution);
    if (created === 'exists') {
      const known = this.#find(arn);
      // The same request again, for example because its answer was lost.
      if (known.status === 'RUNNING' && known.input === input) return { executionArn: arn, startDate: known.startDate };
      throw alreadyExists(arn);
    }
    const kept = created === 'kept';
    const live = new LiveExecution({ execution, definition: built.definition, handlers, store, kept, warn });
    this.#live.set(arn, live);
    this.#options.onStart?.(arn);
    // From then on the store answers for it. It stays in memory only if the store could not be written.
    live.ended
      .then(() => live.settled())
      .then(() => live.kept && this.#live.delete(arn))
      .catch((error: unknown) => warn(`an execution ended badly: ${messageOf(error)}`));
    return { executionArn: arn, startDate: execution.startDate };
  }

  /** Stores the beginning of an execution. A full disk is no reason not to migrate, nor to leave a rollback undone. */
  #create(execution: NewExecution): 'kept' | 'exists' | 'not kept' {
    try {
      return this.#options.store.create(execution) ? 'kept' : 'exists';
    } catch (error) {
      const why = messageOf(error);
      this.#options.warn(
        `this execution is not kept on disk: ${why}; free space there, or choose another place with --state-dir`,
      );
      return 'not kept';
    }
  }

  async #stopExecution(request: z.output<typeof requests.StopExecution>): Promise<StopExecutionOutput> {
    const { executionArn: arn, error, cause } = request;
    const reason: AbortReason = {
      ...(error === undefined ? {} : { error }),
      ...(cause === undefined ? {} : { cause }),
    };
    if (this.#find(arn).status === 'RUNNING') {
      const live = this.#live.get(arn);
      live?.stop(reason);
      if (live === undefined) await this.#stopElsewhere(arn, reason);
      await live?.ended;
    }
    return { stopDate: this.#find(arn).stopDate ?? new Date() };
  }

  /** Stops an execution of another process, for example `p2pfk migrate` in another terminal. */
  async #stopElsewhere(arn: string, reason: AbortReason): Promise<void> {
    this.#options.store.requestStop(arn, reason);
    const deadline = Date.now() + STOP_ELSEWHERE_MS;
    while (this.#find(arn).status === 'RUNNING' && Date.now() < deadline) await delay(100);
  }

  #describeExecution(request: z.output<typeof requests.DescribeExecution>): DescribeExecutionOutput {
    return describeExecution(this.#find(request.executionArn), request.includedData);
  }

  #listExecutions(request: z.output<typeof requests.ListExecutions>): ListExecutionsOutput {
    const { stateMachineArn, statusFilter: status, maxResults: limit, nextToken } = request;
    this.#checkStateMachine(stateMachineArn);
    const page = { stateMachineArn, status, limit };
    const offset = readPageToken(nextToken, page) ?? 0;
    const found = this.#options.store.list({ stateMachineArn, status, limit: limit + 1, offset });
    return {
      executions: found.slice(0, limit).map((record) => listItem(this.#live.get(record.arn)?.record ?? record)),
      ...(found.length > limit ? { nextToken: pageToken(page, offset + limit) } : {}),
    };
  }

  #getExecutionHistory(request: z.output<typeof requests.GetExecutionHistory>): HistoryPage {
    const { executionArn: arn, maxResults: limit, reverseOrder: reverse, includeExecutionData, nextToken } = request;
    this.#find(arn);
    const page = { arn, limit, reverse };
    const after = readPageToken(nextToken, page);
    const events = this.#eventsOf(arn, { after, limit: limit + 1, reverse });
    const shown = events.slice(0, limit);
    return {
      events: includeExecutionData ? [...shown] : shown.map(withoutData),
      ...(events.length > limit ? { nextToken: pageToken(page, shown.at(-1)?.id ?? 0) } : {}),
    };
  }

  #eventsOf(
    arn: string,
    range: { readonly after: number | undefined; readonly limit: number; readonly reverse: boolean },
  ): readonly HistoryEvent[] {
    const live = this.#live.get(arn);
    if (live === undefined) return this.#options.store.events(arn, range);
    // Ids count from 1, so event n has the index n - 1.
    const { after, limit, reverse } = range;
    if (!reverse) return live.events.slice(after ?? 0, (after ?? 0) + limit);
    const end = after === undefined ? live.events.length : after - 1;
    return live.events.slice(Math.max(0, end - limit), end).reverse();
  }

  #describeStateMachine(request: z.output<typeof requests.DescribeStateMachine>): DescribeStateMachineOutput {
    this.#checkStateMachine(request.stateMachineArn);
    return {
      ...machine(this.#options.built.text),
      type: 'STANDARD',
      status: 'ACTIVE',
      creationDate: this.#created,
    };
  }

  #describeStateMachineForExecution(
    request: z.output<typeof requests.DescribeStateMachineForExecution>,
  ): DescribeStateMachineForExecutionOutput {
    const { definition, startDate } = this.#find(request.executionArn);
    return { ...machine(definition), updateDate: startDate };
  }

  #listStateMachines(request: z.output<typeof requests.ListStateMachines>): ListStateMachinesOutput {
    readPageToken(request.nextToken, 'ListStateMachines');
    return {
      stateMachines: [
        {
          stateMachineArn: STATE_MACHINE_ARN,
          name: STATE_MACHINE_NAME,
          type: 'STANDARD',
          creationDate: this.#created,
        },
      ],
    };
  }

  /** @throws ServiceFault InvalidArn, StateMachineDoesNotExist */
  #checkStateMachine(arn: string): void {
    requests.checkArn(arn);
    if (arn !== STATE_MACHINE_ARN) throw noSuchStateMachine(arn);
  }

  /** @throws ServiceFault InvalidArn, ExecutionDoesNotExist */
  #find(arn: string): ExecutionRecord {
    requests.checkArn(arn);
    const record = this.#live.get(arn)?.record ?? this.#options.store.find(arn);
    if (record === null) throw noSuchExecution(arn);
    return record;
  }
}

/** @throws ServiceFault InvalidExecutionInput */
function checkInput(input: string): void {
  if (input.trim() === '') throw invalidInput('Invalid execution input.');
  let value: unknown;
  try {
    value = JSON.parse(input);
  } catch {
    // Node's message quotes the text.
    throw invalidInput('not JSON');
  }
  // The plan step refuses them as well; here they are refused before they are stored. If a key is there twice, the plan step would
  // check one of its values.
  const [key] = credentialsIn(value);
  if (key !== undefined) throw invalidInput(`${redact(key)} ${HOLDS_CREDENTIALS}`);
  if (hasKeyTwice(input)) throw invalidInput('a key is there twice');
}
