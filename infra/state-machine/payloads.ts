/**
 * Payloads of the states. The steps get only names and numbers (shapes: `core/contracts/steps/events.ts` and `results.ts`). What
 * is big or changes is kept in the ledger, because every event of an execution repeats its payload, and a payload may have at
 * most 256 KiB.
 */
import { JsonPath, TaskInput } from 'aws-cdk-lib/aws-stepfunctions';

const MIGRATION = {
  migrationId: JsonPath.stringAt('$.migrationId'),
  execution: JsonPath.stringAt('$$.Execution.Id'),
  // The database that the plan was made in: a step whose connection leads to another one refuses.
  database: JsonPath.objectAt('$.database'),
};

/** Inputs of the Tasks. */
export const Payload = {
  /** Event of `plan`: the execution's input, unchanged. */
  executionInput: TaskInput.fromObject({
    input: JsonPath.entirePayload,
    execution: JsonPath.stringAt('$$.Execution.Id'),
  }),

  /** Event of a step that works on the migration as a whole. */
  migration: TaskInput.fromObject(MIGRATION),

  /** Event of the checks before and after the drop: CountOrphans follows where they ask for it. */
  check: TaskInput.fromObject({ ...MIGRATION, countsPairs: true }),

  /** Event of `fence` and `pause`: the migration, and the error that a Catch put at `$.error`. */
  interruption: TaskInput.fromObject({ ...MIGRATION, error: JsonPath.objectAt('$.error') }),

  /**
   * Event of a step that works on one pair: the input of the iteration. Its fields are named one by one, because after a turn of
   * a polling loop the state also holds the last result.
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

/**
 * Output of one Map iteration, from the path where the step left its result. A Map's output has one of these for each iteration.
 */
export function pairOutcome(resultPath: string): Record<string, unknown> {
  return { status: JsonPath.stringAt(`${resultPath}.status`), pair: JsonPath.numberAt(`${resultPath}.pair`) };
}

/** Where a Catch leaves `{ Error, Cause }` for `fence` and `pause`. */
export const ERROR_PATH = '$.error';
