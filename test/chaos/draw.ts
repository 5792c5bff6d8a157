/** How a schedule is drawn: everything follows from one seed, and shrinks to fewer and simpler faults. */
import fc from 'fast-check';
import { SHAPES, type ShapeName } from './harness/case.ts';
import { type Fault, has, type Kind, type Lengthy, type Run, type Schedule, type Trigger } from './schedule.ts';

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

/** Steps that take strong locks, by direction: where a lock of the application matters. */
const LOCKING: Readonly<Record<Run['operation'], readonly string[]>> = {
  migrate: ['add-foreign-key', 'drop-parent-foreign-key'],
  rollback: ['restore-parent', 'attach-parent', 'drop-pair-foreign-keys'],
};

/** Steps with an ACCESS EXCLUSIVE lock, and those shortly before. */
const BEFORE_EXCLUSIVE: Readonly<Record<Run['operation'], readonly string[]>> = {
  migrate: ['add-foreign-key', 'validate-foreign-key', 'verify-gate', 'drop-parent-foreign-key'],
  rollback: ['fence', 'restore-parent', 'attach-parent', 'drop-pair-foreign-keys'],
};

/** Handlers that an execution calls, by direction; `plan` makes the entry in the ledger, by which this process counts as alive. */
const FUNCTIONS: Readonly<Record<Run['operation'], readonly string[]>> = {
  migrate: [
    'build-index',
    'add-foreign-key',
    'validate-foreign-key',
    'verify-gate',
    'drop-parent-foreign-key',
    'verify-migration',
  ],
  rollback: ['fence', 'restore-parent', 'attach-parent', 'drop-pair-foreign-keys', 'verify-rolled-back'],
};

const LENGTHY: Readonly<Record<Run['operation'], readonly Lengthy[]>> = {
  migrate: ['create-index', 'validate', 'validate'],
  rollback: ['attach', 'attach', 'validate'],
};

/** The patience of a step is 17.5 s here: one that it bridges, and one that it may or may not, a tenth of three minutes. */
const OUTAGE_MS = [4_000, 18_000] as const;
/** One less than the tries of a step. */
const FUNCTION_FAILS = 20;
const READ_ONLY_MS = 4_000;
const NO_CONNECTIONS_MS = 6_000;

/** Those that take long are drawn less often; 4 where nothing is said. */
const WEIGHT: Partial<Readonly<Record<Kind, number>>> = {
  outage: 1,
  'function-crash': 1,
  'function-throttle': 1,
  standby: 2,
  'disk-full': 2,
  'read-only': 2,
  'half-open': 2,
  'no-connections': 2,
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

/** Recovery from a crash, or the end of one, writes pages anew: on a full disk the server itself could not start again. */
function onFullDisk(schedule: Schedule): Schedule {
  const runs = schedule.runs.map((run) => ({
    ...run,
    // A standby on the same machine would take the tablespace for its own.
    faults: run.faults
      .filter(({ kind }) => kind !== 'standby')
      .map((fault) =>
        fault.kind === 'crash' || fault.kind === 'read-only'
          ? { kind: 'restart' as const, trigger: fault.trigger }
          : fault,
      ),
  }));
  return { ...schedule, shape: 'large', runs };
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
  const weighted = kinds.map((kind) => ({ weight: WEIGHT[kind] ?? 4, arbitrary: faultArbitrary(kind, operation) }));
  return fc.array(fc.oneof(...weighted), { minLength: 1, maxLength: max }).map(onceIfLong);
}

/** Of the faults that take many seconds, the first of each kind. */
function onceIfLong(drawn: Fault[]): Fault[] {
  const isFirst = ({ kind }: Fault, index: number) => drawn.findIndex((other) => other.kind === kind) === index;
  return drawn.filter((fault, index) => WEIGHT[fault.kind] === undefined || isFirst(fault, index));
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
      return fc.record({ kind: fc.constant(kind), durationMs: fc.constantFrom(...OUTAGE_MS) });
    case 'standby':
      return fc.record({
        kind: fc.constant(kind),
        trigger: atStatement(BEFORE_EXCLUSIVE[operation]),
        holdMs: fc.integer({ min: 500, max: 5_000 }),
      });
    case 'read-only':
      return fc.record({ kind: fc.constant(kind), trigger, durationMs: fc.constant(READ_ONLY_MS) });
    case 'outage':
      return fc.record({
        kind: fc.constant(kind),
        trigger,
        how: fc.constantFrom('refused' as const, 'silent' as const),
        durationMs: fc.constantFrom(...OUTAGE_MS),
      });
    case 'half-open':
      return fc.record({
        kind: fc.constant(kind),
        during: fc.constantFrom(...LENGTHY[operation]),
        nth: fc.nat({ max: 2 }),
      });
    case 'function-crash':
    case 'function-throttle':
      return fc.record({
        kind: fc.constant(kind),
        functionName: fc.constantFrom(...FUNCTIONS[operation], ...(kind === 'function-throttle' ? ['plan'] : [])),
        times: fc.constant(FUNCTION_FAILS),
        afterMs: fc.constantFrom(20, 100, 400),
      });
    case 'pairs':
      return fc.record({
        kind: fc.constant(kind),
        trigger,
        what: fc.constantFrom('create' as const, 'detach' as const),
      });
    case 'settings':
      return fc.record({
        kind: fc.constant(kind),
        trigger,
        on: fc.constantFrom('database' as const, 'role' as const),
        which: fc.nat({ max: 1_000 }),
      });
    case 'no-connections':
      return fc.record({ kind: fc.constant(kind), trigger, durationMs: fc.constant(NO_CONNECTIONS_MS) });
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
