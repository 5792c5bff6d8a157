/** The few shapes that the steps of the state machine have in common. */

import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  Choice,
  Condition,
  type IChainable,
  JsonPath,
  Map as MapState,
  Pass,
  type TaskInput,
  Timeout,
  Wait,
  WaitTime,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import { Duration } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { LambdaFunctions, type LambdaName } from '../lambda-functions.ts';
import { ERROR_PATH, PAIR_ITEM, pairOutcome } from './payloads.ts';
import { addRetries, type RetryOptions } from './retry.ts';

export type FunctionsByName = Readonly<Record<LambdaName, IFunction>>;

export interface TaskOptions extends RetryOptions {
  /** For the auditor who reads the visual history: what the step does, and its lock. */
  readonly comment: string;
  readonly payload: TaskInput;
  /** Where the result goes; left out, it replaces the state. `JsonPath.DISCARD` drops it. */
  readonly resultPath?: string;
  readonly resultSelector?: Record<string, unknown>;
}

export interface PollingOptions extends RetryOptions {
  readonly comment: string;
  readonly payload: TaskInput;
  /** Where the step leaves its `PairResult`. */
  readonly resultPath: string;
  readonly choice: { readonly id: string; readonly comment: string };
  readonly wait: { readonly id: string; readonly comment: string };
  readonly done: IChainable;
}

export interface MapOptions {
  readonly comment: string;
  /** Path of the object that holds `pairs` and `maxConcurrency`. */
  readonly plan: '$' | '$.fence';
  /** First state of an iteration. */
  readonly iteration: IChainable;
}

/** Makes states in one scope, for one set of functions. */
export class StepFactory {
  readonly scope: Construct;
  readonly #functions: FunctionsByName;

  constructor(scope: Construct, functions: FunctionsByName) {
    this.scope = scope;
    this.#functions = functions;
  }

  /** The Task that calls a function; name and timeout are those of `lambda-functions.ts`. */
  task(name: LambdaName, options: TaskOptions): LambdaInvoke {
    const { state, timeoutSeconds } = LambdaFunctions[name];
    const { lockTries, patience, ...rest } = options;
    const task = new LambdaInvoke(this.scope, state, {
      ...rest,
      lambdaFunction: this.#functions[name],
      // The plain function ARN as Resource: the function's own result, error name and cause, with no envelope around.
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: Timeout.duration(Duration.seconds(timeoutSeconds)),
    });
    addRetries(task, { ...(lockTries && { lockTries }), ...(patience && { patience }) });
    return task;
  }

  /**
   * A Task whose work may outlive a Lambda function: it starts the work, leaves it to the server and says `RUNNING`;
   * asked again after a while, it finds it done. Returns the Task, which is also where the loop begins.
   */
  pollingTask(name: LambdaName, { choice, wait, done, resultPath, ...options }: PollingOptions): LambdaInvoke {
    const task = this.task(name, { ...options, resultPath });
    const pause = new Wait(this.scope, wait.id, {
      comment: wait.comment,
      time: WaitTime.secondsPath(`${resultPath}.waitSeconds`),
    });
    const isDone = new Choice(this.scope, choice.id, { comment: choice.comment })
      .when(Condition.stringEquals(`${resultPath}.status`, 'RUNNING'), pause)
      .otherwise(done);
    task.next(isDone);
    pause.next(task);
    return task;
  }

  /** Ends a Map iteration with two fields only. `resultPath` is where the iteration's step left its `PairResult`. */
  pairDone(id: string, comment: string, resultPath: string): Pass {
    return new Pass(this.scope, id, { comment, parameters: pairOutcome(resultPath) });
  }

  /** Runs an iteration for each pair; the state goes through unchanged. */
  forEachPair(id: string, { comment, plan, iteration }: MapOptions): MapState {
    return new MapState(this.scope, id, {
      comment,
      itemsPath: `${plan}.pairs`,
      maxConcurrencyPath: `${plan}.maxConcurrency`,
      itemSelector: PAIR_ITEM,
      resultPath: JsonPath.DISCARD,
    }).itemProcessor(iteration);
  }

  /** Writes an error of our own to where a Catch would have put one. */
  namedError(id: string, options: { comment: string; error: string; causePath: string }): Pass {
    return new Pass(this.scope, id, {
      comment: options.comment,
      parameters: { Error: options.error, Cause: JsonPath.stringAt(options.causePath) },
      resultPath: ERROR_PATH,
    });
  }
}
