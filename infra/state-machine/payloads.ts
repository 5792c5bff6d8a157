/**
 * What travels between states. The steps get names and numbers only (`core/contracts/steps/events.ts` and
 * `results.ts` have the shapes); what is big
 * or changes lives in the ledger, because every event of an execution repeats its payload and one payload has 256 KiB.
 */
import { JsonPath, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';

const MIGRATION = {
  migrationId: JsonPath.stringAt('$.migrationId'),
  execution: JsonPath.stringAt('$$.Execution.Id'),
  // Which one the plan was made in: a step whose connection leads elsewhere by then refuses.
  database: JsonPath.objectAt('$.database'),
};

export const Payload = {
  /** Event of `plan`: the execution's input, untouched. */
  executionInput: TaskInput.fromObject({
    input: JsonPath.entirePayload,
    execution: JsonPath.stringAt('$$.Execution.Id'),
  }),

  /** Event of a step that works on the migration as a whole. */
  migration: TaskInput.fromObject(MIGRATION),

  /** Event of `fence` and `pause`: the migration, and what a Catch put at `$.error`. */
  interruption: TaskInput.fromObject({ ...MIGRATION, error: JsonPath.objectAt('$.error') }),

  /**
   * Event of a step that works on one pair: the iteration's own input again. Named field by field, because after a turn
   * of a polling loop the state holds the last result too.
   */
  pair: TaskInput.fromObject({
    migrationId: JsonPath.stringAt('$.migrationId'),
    execution: JsonPath.stringAt('$.execution'),
    database: JsonPath.objectAt('$.database'),
    pair: JsonPath.numberAt('$.pair'),
    last: JsonPath.numberAt('$.last'),
    referencing: JsonPath.stringAt('$.referencing'),
  }),
} as const;

/** Input of one Map iteration. */
export const PAIR_ITEM = {
  ...MIGRATION,
  pair: JsonPath.numberAt('$$.Map.Item.Value.pair'),
  last: JsonPath.numberAt('$$.Map.Item.Value.last'),
  referencing: JsonPath.stringAt('$$.Map.Item.Value.referencing'),
};

/** Output of one Map iteration, from where its step left its result: a Map's output has one of these a pair. */
export function pairOutcome(resultPath: string): Record<string, unknown> {
  return { status: JsonPath.stringAt(`${resultPath}.status`), pair: JsonPath.numberAt(`${resultPath}.pair`) };
}

/** Where a Catch leaves `{ Error, Cause }` for `fence` and `pause`. */
export const ERROR_PATH = '$.error';
