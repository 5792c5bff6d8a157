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
import { type StepName, Steps } from '../../core/contracts/steps/catalogue.ts';
import type { PollingStates, StepDefinition } from '../../core/contracts/steps/definition.ts';
import { ERROR_PATH, PAIR_ITEM, Payload, pairOutcome } from './payloads.ts';
import { addRetries, type RetryOptions } from './retry.ts';

export type FunctionsByName = Readonly<Record<StepName, IFunction>>;

export interface TaskOptions extends RetryOptions {
  readonly payload: TaskInput;
  /** Where the result goes; left out, it replaces the state. `JsonPath.DISCARD` drops it. */
  readonly resultPath?: string;
}

export interface PollingOptions extends RetryOptions {
  readonly payload: TaskInput;
  /** Where the step leaves its result. */
  readonly resultPath: string;
  readonly done: IChainable;
}

export interface MapOptions extends RetryOptions {
  /** Path of the object that holds `pairs` and `maxConcurrency`. */
  readonly plan: '$' | '$.fence';
}

/** Makes states in one scope, for one set of functions. */
export class StepFactory {
  readonly scope: Construct;
  readonly #functions: FunctionsByName;

  constructor(scope: Construct, functions: FunctionsByName) {
    this.scope = scope;
    this.#functions = functions;
  }

  /** The Task that calls a function, as the catalogue declares it. */
  task(name: StepName, { lockTries, patience, ...rest }: TaskOptions): LambdaInvoke {
    const { state, comment, lambda }: StepDefinition = Steps[name];
    const task = new LambdaInvoke(this.scope, state, {
      comment,
      ...rest,
      lambdaFunction: this.#functions[name],
      // The plain function ARN as Resource: the function's own result, error name and cause, with no envelope around.
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: Timeout.duration(Duration.seconds(lambda.timeoutSeconds)),
    });
    addRetries(task, { ...(lockTries && { lockTries }), ...(patience && { patience }) });
    return task;
  }

  /**
   * A Task on the whole migration that may outlive a Lambda function.
   *
   * @throws Error where the catalogue gives the step no `polling`
   */
  pollingTask(name: StepName, options: PollingOptions): LambdaInvoke {
    const { polling }: StepDefinition = Steps[name];
    if (polling === undefined) throw new Error(`step ${name} is not declared as one that is asked again`);
    return this.#poll(name, polling, options);
  }

  /**
   * A Map that runs a step for each pair; the state goes through unchanged. An iteration ends with two fields of its `PairResult` only.
   *
   * @throws Error where the catalogue gives the step no `perPair`
   */
  forEachPair(name: StepName, { plan, ...retries }: MapOptions): MapState {
    const { perPair }: StepDefinition = Steps[name];
    if (perPair === undefined) throw new Error(`step ${name} is not declared as one that works on a pair`);
    const { map, done } = perPair;
    const resultPath = '$.result';
    const end = new Pass(this.scope, done.id, { comment: done.comment, parameters: pairOutcome(resultPath) });
    const iteration = this.#poll(name, perPair, { ...retries, payload: Payload.pair, resultPath, done: end });
    return new MapState(this.scope, map.id, {
      comment: map.comment,
      itemsPath: `${plan}.pairs`,
      maxConcurrencyPath: `${plan}.maxConcurrency`,
      itemSelector: PAIR_ITEM,
      resultPath: JsonPath.DISCARD,
    }).itemProcessor(iteration);
  }

  /**
   * A Task whose work may outlive a Lambda function: it starts the work, leaves it to the server and says `RUNNING`;
   * asked again after a while, it finds it done. Returns the Task, which is also where the loop begins.
   */
  #poll(
    name: StepName,
    { choice, wait }: PollingStates,
    { done, resultPath, ...options }: PollingOptions,
  ): LambdaInvoke {
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

  /** Writes an error of our own to where a Catch would have put one. */
  namedError(id: string, options: { comment: string; error: string; causePath: string }): Pass {
    return new Pass(this.scope, id, {
      comment: options.comment,
      parameters: { Error: options.error, Cause: JsonPath.stringAt(options.causePath) },
      resultPath: ERROR_PATH,
    });
  }
}
