/** A factory for the shapes that the steps of the state machine have in common. */

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

/** The Lambda function of each step. */
export type FunctionsByName = Readonly<Record<StepName, IFunction>>;

/** How a Task is called. */
export interface TaskOptions extends RetryOptions {
  readonly payload: TaskInput;
  /** Path of the result. By default the result replaces the state's input; `JsonPath.DISCARD` drops it. */
  readonly resultPath?: string;
}

/** How a Task is called that is asked again until it is done. */
export interface PollingOptions extends RetryOptions {
  readonly payload: TaskInput;
  /** Path of the result. */
  readonly resultPath: string;
  readonly done: IChainable;
}

/** How a Map runs. */
export interface MapOptions extends RetryOptions {
  /** Path of the object that holds `pairs` and `maxConcurrency`. */
  readonly plan: '$' | '$.fence' | '$.count';
}

/** Makes states in one scope, for one set of functions. */
export class StepFactory {
  readonly scope: Construct;
  readonly #functions: FunctionsByName;

  constructor(scope: Construct, functions: FunctionsByName) {
    this.scope = scope;
    this.#functions = functions;
  }

  /** The Task of a step, as the catalogue declares it. */
  task(name: StepName, { lockTries, patience, ...rest }: TaskOptions): LambdaInvoke {
    const { state, comment, lambda }: StepDefinition = Steps[name];
    const task = new LambdaInvoke(this.scope, state, {
      comment,
      ...rest,
      lambdaFunction: this.#functions[name],
      // With the plain function ARN as Resource, the state gets the function's own result, error name and cause, without an
      // envelope.
      payloadResponseOnly: true,
      retryOnServiceExceptions: false,
      taskTimeout: Timeout.duration(Duration.seconds(lambda.timeoutSeconds)),
    });
    addRetries(task, { ...(lockTries && { lockTries }), ...(patience && { patience }) });
    return task;
  }

  /**
   * A Task on the whole migration whose work may outlive a Lambda function.
   *
   * @throws Error where the catalogue declares no `polling` for the step
   */
  pollingTask(name: StepName, options: PollingOptions): LambdaInvoke {
    const { polling }: StepDefinition = Steps[name];
    if (polling === undefined) throw new Error(`step ${name} is not declared as one that is asked again`);
    return this.#poll(name, polling, options);
  }

  /**
   * A Map that runs a step for each pair and leaves the state's input unchanged. An iteration's output has only two fields of its
   * `PairResult`.
   *
   * @throws Error where the catalogue declares no `perPair` for the step
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
   * A Task whose work may outlive a Lambda function: it starts the work, leaves it to the server and returns `RUNNING`. When it
   * is called again after a while, it finds the work done.
   *
   * @returns the Task, at which the loop begins
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

  /** Writes an error of our own to the path where a Catch would put one. */
  namedError(id: string, options: { comment: string; error: string; causePath: string }): Pass {
    return new Pass(this.scope, id, {
      comment: options.comment,
      parameters: { Error: options.error, Cause: JsonPath.stringAt(options.causePath) },
      resultPath: ERROR_PATH,
    });
  }
}
