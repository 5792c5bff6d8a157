/** What a schedule is: tables, executions, their faults, and how it has to end. How one is drawn: draw.ts. */
import type { ShapeName } from './harness/case.ts';

/** Every kind of fault, with what it does. */
export const KINDS = {
  kill: 'SIGKILL of the process that runs the handlers',
  stop: 'the execution is stopped (SIGINT)',
  terminate: 'pg_terminate_backend on a session of ours',
  cancel: 'pg_cancel_backend on a statement of ours',
  restart: 'restart of PostgreSQL (fast shutdown)',
  crash: 'immediate shutdown of PostgreSQL, then recovery',
  cut: 'a connection, or all of them, reset',
  delay: 'the network slow, or silent for a while',
  'half-close': 'a connection ended on one side only',
  lock: 'a lock held by an application in an open transaction',
  deadlock: 'an application and we wait for each other',
  duplicate: 'a handler delivered once more while the execution runs',
  late: 'a handler delivered late: in a later execution, behind the fence, after the end',
  rival: 'a second execution at the same time',
  window: 'the maintenance window ends',
  'disk-full': 'no space left for an index',
  standby: 'a report on a standby that has read the tables, in an open transaction',
  'read-only': 'the server is a standby for 4 s, then promoted',
  outage: 'no network for a while: refused or silent',
  'half-open': 'a connection lost in both directions, and neither side hears of it',
  'function-crash': 'a function ends in the middle of an invocation, 20 times in a row',
  'function-throttle': 'a function is throttled, 20 times in a row',
  pairs: 'a pair of partitions created, or detached, by a person',
  settings: 'settings planted on the database or the role',
  'no-connections': 'every connection slot of the server taken',
} as const;

export type Kind = keyof typeof KINDS;
export const ALL_KINDS = Object.keys(KINDS) as Kind[];

/** When a fault strikes. */
export type Trigger =
  /** At a statement of a step: `position` from 0 to 1 over all statements that the step makes in a whole execution. */
  | {
      readonly at: 'statement';
      readonly step: string;
      readonly position: number;
      /** Before it reaches the server, or after that and before its answer is back. */
      readonly phase: 'before' | 'after';
      /** How long the server may have worked on it, in phase `after`. */
      readonly afterMs: number;
    }
  | { readonly at: 'time'; readonly ms: number };

export type Fault =
  | {
      readonly kind: 'kill' | 'stop' | 'terminate' | 'cancel' | 'restart' | 'crash' | 'rival';
      readonly trigger: Trigger;
    }
  | { readonly kind: 'cut'; readonly trigger: Trigger; readonly all: boolean }
  | { readonly kind: 'delay'; readonly trigger: Trigger; readonly latencyMs: number; readonly durationMs: number }
  | {
      readonly kind: 'half-close';
      readonly trigger: Trigger;
      readonly sees: 'client' | 'server';
      readonly durationMs: number;
    }
  | {
      readonly kind: 'lock';
      readonly trigger: Trigger;
      readonly mode: 'ROW EXCLUSIVE' | 'ACCESS SHARE';
      readonly relation: number;
      readonly holdMs: number;
    }
  /** At the n-th LOCK TABLE of ours that waits. */
  | { readonly kind: 'deadlock'; readonly nth: number }
  | { readonly kind: 'duplicate' | 'late'; readonly trigger: Trigger; readonly which: number; readonly many: number }
  | { readonly kind: 'window'; readonly afterMs: number }
  /** From the first index on. */
  | { readonly kind: 'disk-full'; readonly durationMs: number }
  | { readonly kind: 'standby'; readonly trigger: Trigger; readonly holdMs: number }
  | { readonly kind: 'read-only'; readonly trigger: Trigger; readonly durationMs: number }
  | {
      readonly kind: 'outage';
      readonly trigger: Trigger;
      /** Connections are reset, and new ones too; or no byte passes. */
      readonly how: 'refused' | 'silent';
      readonly durationMs: number;
    }
  /** While the server works on the n-th statement of that sort. */
  | { readonly kind: 'half-open'; readonly during: Lengthy; readonly nth: number }
  | FunctionFault
  | { readonly kind: 'pairs'; readonly trigger: Trigger; readonly what: 'create' | 'detach' }
  | { readonly kind: 'settings'; readonly trigger: Trigger; readonly on: 'database' | 'role'; readonly which: number }
  | { readonly kind: 'no-connections'; readonly trigger: Trigger; readonly durationMs: number };

/** Statements that may take long, or hold what others wait for. */
export type Lengthy = 'create-index' | 'validate' | 'attach';

/** The first call of a function, and its retries: the same input. */
export interface FunctionFault {
  readonly kind: 'function-crash' | 'function-throttle';
  readonly functionName: string;
  readonly times: number;
  /** How long a call works before its process ends, if it is not done before. */
  readonly afterMs: number;
}

export interface Run {
  readonly operation: 'migrate' | 'rollback';
  readonly faults: readonly Fault[];
}

export interface Schedule {
  readonly shape: ShapeName;
  readonly lockTimeoutMs: number;
  readonly maxConcurrency: number;
  /** Milliseconds that a handler believes to have; 0: as many as it has. */
  readonly allowanceMs: number;
  /** For what the application does. */
  readonly workload: number;
  readonly runs: readonly Run[];
  /** After an execution that died or failed, its migration is brought to rest before anybody comes again. */
  readonly reconcile: boolean;
  /** What all ends as, by a last execution that is left in peace. */
  readonly end: 'migrated' | 'original';
}

/** Whether a schedule wants a fault of that kind. */
export function has(schedule: Pick<Schedule, 'runs'>, kind: Kind): boolean {
  return schedule.runs.some((run) => run.faults.some((fault) => fault.kind === kind));
}

/** One line a fault, for whoever reads what struck. */
export function describeFault(fault: Fault): string {
  const { kind, ...rest } = fault;
  return `${kind} ${JSON.stringify(rest)}`;
}
