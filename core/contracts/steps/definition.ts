/** Declaration of a step of the state machine: a Lambda function, and the Task that calls it. */
import type * as z from 'zod';
import type { PairState } from '../documents.ts';

/** A state other than a Task: its name, and its comment for an auditor who reads the visual history. */
export interface NamedState {
  readonly id: string;
  readonly comment: string;
}

/** The states around a Task that is called again while its result has the status `RUNNING`. */
export interface PollingStates {
  /** Choice: whether it is done. */
  readonly choice: NamedState;
  /** Waits for the result's `waitSeconds`, before the Task is called again. */
  readonly wait: NamedState;
}

/** A step that a Map state runs for each pair. */
export interface PerPair extends PollingStates {
  /** The Map state. Its name is also the step's name in the ledger's events. */
  readonly map: NamedState;
  /** Pass state that ends an iteration. */
  readonly done: NamedState;
  /** The part of a pair's work that this step is, as the report shows it. */
  readonly stage: { readonly id: string; readonly label: string };
  /** State of a pair, in the ledger and in reports, when the step is complete. */
  readonly pairState: PairState;
}

/** Everything that is declared of one step. */
export interface StepDefinition<Event extends z.ZodType = z.ZodType, Result extends z.ZodType = z.ZodType> {
  /** Name of the Task state. */
  readonly state: string;
  /** Folder of `core/steps/` that holds the step, and the branch of the state machine that it belongs to. */
  readonly direction: 'forward' | 'rollback' | 'pause';
  readonly event: Event;
  readonly result: Result;
  /** Comment of the Task state: what the step does, and under which lock. */
  readonly comment: string;
  /** For a step on one pair, or on a run of pairs. */
  readonly perPair?: PerPair;
  /** For a step on pairs: another step chooses which, and most executions have none. The state machine says where it leads. */
  readonly chosen?: true;
  /** For a step on the whole migration that may outlive a function. */
  readonly polling?: PollingStates;
  /** A Choice state after the Task decides where to go; the state machine defines it. */
  readonly decides?: true;
  /** Heading, of 20 characters at most: `Foreign keys`. */
  readonly label: string;
  /** Noun for a sentence: `drop of the parent-level FK`. */
  readonly noun: string;
  readonly lambda: LambdaSettings;
  /** For the rollback branch: runs only where the parent FK was dropped. */
  readonly afterDropOnly?: true;
  /** The plan's forecast includes the time of this step. */
  readonly forecast?: true;
}

/** Settings of the Lambda function. */
export interface LambdaSettings {
  /**
   * `TimeoutSeconds` of the Task, and the time-out of the function. They are equal, because otherwise one of them would continue
   * to wait or work after the other had ended. Lambda allows 900 at most.
   */
  readonly timeoutSeconds: number;
  readonly memoryMib: number;
  /** One line for the Lambda console. */
  readonly description: string;
}

/** Time-out of a function that only reads catalogs and writes a few ledger rows. */
export const SHORT_SECONDS = 60;
/** Time-out of a function that cancels statements, waits for one lock budget or compares definitions. */
export const MEDIUM_SECONDS = 120;
/** Time-out of a function that may read every row. Longer work is started, left running, and found again. */
export const LONGEST_SECONDS = 900;

/**
 * For a function that mostly waits for PostgreSQL, up to 15 minutes: its cost is time multiplied by memory. It uses some 90 MiB.
 */
export const WAITING_MIB = 256;
/**
 * For a function that reads every pair of the migration, or needs to be fast under an exclusive lock. Lambda gives CPU in
 * proportion to memory: the work between two statements takes half as long.
 */
export const WORKING_MIB = 512;
