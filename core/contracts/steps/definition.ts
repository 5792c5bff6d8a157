/** What is declared of a step of the state machine: a Lambda function and the Task that calls it. */
import type * as z from 'zod';
import type { PairState } from '../documents.ts';

/** A state that is no Task: its name, and its comment for the auditor who reads the visual history. */
export interface NamedState {
  readonly id: string;
  readonly comment: string;
}

/** The states around a Task that is called again while its result says `RUNNING`. */
export interface PollingStates {
  /** Choice: is it done? */
  readonly choice: NamedState;
  /** Wait of the result's `waitSeconds`, before the Task is called again. */
  readonly wait: NamedState;
}

/** A step that a Map state runs for each pair. */
export interface PerPair extends PollingStates {
  /** The Map state; its name is also that of the step in the ledger's events. */
  readonly map: NamedState;
  /** Pass state that ends an iteration. */
  readonly done: NamedState;
  /** The part of a pair's work that it is, as the report shows it. */
  readonly stage: { readonly id: string; readonly label: string };
  /** State of the pair, in the ledger and in reports, when the step is complete. */
  readonly pairState: PairState;
}

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
  /** For a step on the whole migration that may outlive a function. */
  readonly polling?: PollingStates;
  /** A Choice state after the Task decides where to go; the state machine spells it out. */
  readonly decides?: true;
  /** As a heading, of 20 characters at most: `Foreign keys`. */
  readonly label: string;
  /** In a sentence: `drop of the parent-level FK`. */
  readonly noun: string;
  readonly lambda: LambdaSettings;
  /** Of the rollback branch: only where the parent FK was dropped. */
  readonly afterDropOnly?: true;
  /** The plan's forecast is about the time of these. */
  readonly forecast?: true;
}

export interface LambdaSettings {
  /**
   * `TimeoutSeconds` of the Task, and the timeout of the function: whichever ran out first would otherwise leave the
   * other one waiting or working for nothing. Lambda allows 900 at most.
   */
  readonly timeoutSeconds: number;
  readonly memoryMib: number;
  /** One line for the Lambda console. */
  readonly description: string;
}

/** A function that only reads catalogs and writes a few ledger rows. */
export const SHORT_SECONDS = 60;
/** One that cancels statements, waits out one lock budget or compares definitions. */
export const MEDIUM_SECONDS = 120;
/** One that may look at every row; longer work is started, left, and found again. */
export const LONGEST_SECONDS = 900;

/** A function that mostly waits for PostgreSQL, up to 15 minutes: what it costs is time times memory. It uses some 90 MiB. */
export const WAITING_MIB = 256;
/**
 * One that reads every pair of the migration, or counts milliseconds under an exclusive lock. Memory buys CPU: what it
 * does between two statements takes half as long.
 */
export const WORKING_MIB = 512;
