/** What a schedule is, and how one is drawn: everything follows from one seed, and shrinks to fewer and simpler faults. */
import fc from 'fast-check';
import { SHAPES, type ShapeName } from './harness/case.ts';

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
  | { readonly kind: 'disk-full' };

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

/** Steps as the sessions of the handlers name them; those that matter most, more than once. */
const FORWARD = [
  'plan',
  'build-index',
  'run/build-index',
  'add-foreign-key',
  'add-foreign-key',
  'validate-foreign-key',
  'run/ValidateForeignKeys',
  'verify-gate',
  'drop-parent-foreign-key',
  'drop-parent-foreign-key',
  'drop-parent-foreign-key',
  'verify-migration',
  'verify-migration',
  'execution',
] as const;
const BACKWARD = [
  'plan',
  'fence',
  'restore-parent',
  'run/RestoreParent',
  'attach-parent',
  'attach-parent',
  'run/AttachParent',
  'drop-pair-foreign-keys',
  'drop-pair-foreign-keys',
  'verify-rolled-back',
  'execution',
] as const;

/** Steps that take strong locks, by direction: where somebody else's lock matters. */
const LOCKING: Readonly<Record<Run['operation'], readonly string[]>> = {
  migrate: ['add-foreign-key', 'drop-parent-foreign-key'],
  rollback: ['restore-parent', 'attach-parent', 'drop-pair-foreign-keys'],
};

export function scheduleArbitrary(kinds: readonly Kind[]): fc.Arbitrary<Schedule> {
  const draft = fc.record({
    shape: fc.constantFrom(...(Object.keys(SHAPES) as ShapeName[])),
    lockTimeoutMs: fc.constantFrom(200, 300, 500),
    maxConcurrency: fc.integer({ min: 1, max: 3 }),
    allowanceMs: fc.constantFrom(0, 0, 0, 16_500),
    workload: fc.nat(),
    runs: runsArbitrary(kinds),
    reconcile: fc.boolean(),
    end: fc.constantFrom('migrated' as const, 'original' as const),
  });
  // Only a large index does not fit into a small tablespace, and only where an index is built.
  return draft.map((schedule) => (has(schedule, 'disk-full') ? onFullDisk(schedule) : schedule));
}

/** Recovery from a crash writes whole pages anew: on a full disk the server itself could not start again. */
function onFullDisk(schedule: Schedule): Schedule {
  const runs = schedule.runs.map((run) => ({
    ...run,
    faults: run.faults.map((fault) => (fault.kind === 'crash' ? { ...fault, kind: 'restart' as const } : fault)),
  }));
  return { ...schedule, shape: 'large', runs };
}

/** Whether a schedule wants a fault of that kind. */
export function has(schedule: Pick<Schedule, 'runs'>, kind: Kind): boolean {
  return schedule.runs.some((run) => run.faults.some((fault) => fault.kind === kind));
}

function runsArbitrary(kinds: readonly Kind[]): fc.Arbitrary<Run[]> {
  const migrate = (max: number) => run('migrate', faults(kinds, 'migrate', max));
  const forward = [
    { weight: 4, arbitrary: fc.tuple(migrate(3)) },
    { weight: 2, arbitrary: fc.tuple(migrate(2), migrate(2)) },
  ];
  const backwardKinds = kinds.filter((kind) => kind !== 'window' && kind !== 'disk-full');
  if (backwardKinds.length === 0) return fc.oneof(...forward).map((runs) => [...runs]);

  const backward = (max: number) => faults(backwardKinds, 'rollback', max);
  const rollback = (max: number) => run('rollback', backward(max));
  const peaceful = fc.constant<Run>({ operation: 'migrate', faults: [] });
  const bothWays = [
    { weight: 3, arbitrary: fc.tuple(peaceful, rollback(3)) },
    { weight: 3, arbitrary: fc.tuple(migrate(2), rollback(2)) },
  ];
  // An execution that fails, and is struck while it rolls itself back.
  const failing = { weight: 2, arbitrary: fc.tuple(run('migrate', fc.tuple(cancellation(), backward(2)).map(flat))) };
  const withFailing = backwardKinds.includes('cancel') ? [failing] : [];
  return fc.oneof(...forward, ...bothWays, ...withFailing).map((runs) => [...runs]);
}

function run(operation: Run['operation'], drawn: fc.Arbitrary<Fault[]>): fc.Arbitrary<Run> {
  return drawn.map((faults) => ({ operation, faults }));
}

function faults(kinds: readonly Kind[], operation: Run['operation'], max: number): fc.Arbitrary<Fault[]> {
  return fc.array(fc.oneof(...kinds.map((kind) => faultArbitrary(kind, operation))), { minLength: 1, maxLength: max });
}

function cancellation(): fc.Arbitrary<Fault> {
  const steps = ['add-foreign-key', 'run/ValidateForeignKeys', 'drop-parent-foreign-key', 'verify-migration'];
  return fc.record({ kind: fc.constant('cancel' as const), trigger: atStatement(steps) });
}

function flat([first, others]: [Fault, Fault[]]): Fault[] {
  return [first, ...others];
}

function faultArbitrary(kind: Kind, operation: Run['operation']): fc.Arbitrary<Fault> {
  const trigger = triggerArbitrary(operation === 'migrate' ? FORWARD : BACKWARD);
  switch (kind) {
    case 'cut':
      return fc.record({ kind: fc.constant(kind), trigger, all: fc.boolean() });
    case 'delay':
      return fc.record({
        kind: fc.constant(kind),
        trigger,
        // 0: nothing passes at all.
        latencyMs: fc.constantFrom(0, 0, 5, 20, 40),
        durationMs: fc.integer({ min: 100, max: 3_500 }),
      });
    case 'half-close':
      return fc.record({
        kind: fc.constant(kind),
        trigger,
        sees: fc.constantFrom('client' as const, 'server' as const),
        durationMs: fc.integer({ min: 100, max: 3_500 }),
      });
    case 'lock':
      return fc.record({
        kind: fc.constant(kind),
        trigger: atStatement(LOCKING[operation]),
        mode: fc.constantFrom('ROW EXCLUSIVE' as const, 'ACCESS SHARE' as const),
        relation: fc.nat({ max: 100 }),
        holdMs: fc.integer({ min: 100, max: 2_000 }),
      });
    case 'deadlock':
      return fc.record({ kind: fc.constant(kind), nth: fc.nat({ max: 3 }) });
    case 'duplicate':
    case 'late':
      return fc.record({
        kind: fc.constant(kind),
        trigger,
        which: fc.nat({ max: 1_000 }),
        many: fc.integer({ min: 1, max: 4 }),
      });
    case 'window':
      return fc.record({ kind: fc.constant(kind), afterMs: fc.integer({ min: 0, max: 1_500 }) });
    case 'disk-full':
      return fc.record({ kind: fc.constant(kind) });
    default:
      return fc.record({ kind: fc.constant(kind), trigger });
  }
}

function triggerArbitrary(steps: readonly string[]): fc.Arbitrary<Trigger> {
  const time = fc.record({ at: fc.constant('time' as const), ms: fc.nat({ max: 800 }) });
  return fc.oneof({ weight: 4, arbitrary: atStatement(steps) }, { weight: 1, arbitrary: time });
}

function atStatement(steps: readonly string[]): fc.Arbitrary<Trigger> {
  return fc.record({
    at: fc.constant('statement' as const),
    step: fc.constantFrom(...steps),
    position: fc.integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000),
    phase: fc.constantFrom('before' as const, 'after' as const),
    afterMs: fc.constantFrom(0, 0, 1, 3, 10, 30),
  });
}

/** One line a fault, for whoever reads what struck. */
export function describeFault(fault: Fault): string {
  const { kind, ...rest } = fault;
  return `${kind} ${JSON.stringify(rest)}`;
}
