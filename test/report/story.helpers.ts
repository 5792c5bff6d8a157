/**
 * Histories in the shape that GetExecutionHistory returns, and ledgers that go with them, drawn for any number of pairs:
 * what takes an hour or a failure at the right moment in a real run. What a real run looks like is tested on real ones.
 */
import type { Check, Rehearsal } from '../../core/contracts/documents.ts';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import type { Trail, TrailEvent, TrailPair } from '../../core/contracts/trail.ts';
import type { ReportSources } from '../../report/report.ts';
import { builtDefinition } from './definition.helpers.ts';

export type Ending =
  | 'migrated'
  | 'rolled-back'
  | 'restored'
  | 'rehearsed'
  | 'awaiting-approval'
  | 'refused'
  | 'stopped';

export interface StoryOptions {
  readonly pairs?: number;
  readonly ending?: Ending;
  readonly table?: string;
  readonly referencedTable?: string;
  readonly constraint?: string;
  /** Every n-th pair waits for a lock and is tried again. */
  readonly retryEvery?: number;
  readonly concurrency?: number;
  readonly withLedger?: boolean;
}

const ARN = 'arn:aws:states:eu-central-1:123456789012:execution:p2pfk:migrate-public-path-20261125T140211';
const BEGIN = Date.UTC(2026, 10, 25, 14, 2, 11, 402);

/** Writes events with the ids, the chain and the details that Step Functions gives them. */
class Writer {
  readonly events: HistoryEvent[] = [];
  now = BEGIN;

  add(type: string, previousEventId: number, details: Partial<HistoryEvent> = {}, at = this.now): number {
    const id = this.events.length + 1;
    this.events.push({ id, previousEventId, type, timestamp: new Date(at), ...details });
    return id;
  }

  enter(type: string, name: string, previous: number, input: unknown, at = this.now): number {
    const stateEnteredEventDetails = { name, input: JSON.stringify(input) };
    return this.add(`${type}StateEntered`, previous, { stateEnteredEventDetails }, at);
  }

  exit(type: string, name: string, previous: number, at = this.now): number {
    return this.add(`${type}StateExited`, previous, { stateExitedEventDetails: { name, output: '{}' } }, at);
  }

  attempt(
    previous: number,
    input: unknown,
    at: number,
    tookMs: number,
    end: unknown,
    failure?: [string, string],
  ): number {
    const resource = 'arn:aws:lambda:eu-central-1:123456789012:function:step';
    const scheduled = this.add(
      'LambdaFunctionScheduled',
      previous,
      { lambdaFunctionScheduledEventDetails: { resource, input: JSON.stringify(input), timeoutInSeconds: 900 } },
      at,
    );
    const started = this.add('LambdaFunctionStarted', scheduled, {}, at + 1);
    if (failure !== undefined) {
      const [error, errorMessage] = failure;
      const cause = JSON.stringify({ errorType: error, errorMessage, trace: [] });
      return this.add(
        'LambdaFunctionFailed',
        started,
        { lambdaFunctionFailedEventDetails: { error, cause } },
        at + tookMs,
      );
    }
    const output = JSON.stringify(end);
    return this.add(
      'LambdaFunctionSucceeded',
      started,
      { lambdaFunctionSucceededEventDetails: { output } },
      at + tookMs,
    );
  }

  /** A Task with one attempt, outside a Map. */
  task(name: string, previous: number, tookMs: number, result: unknown, failure?: [string, string]): number {
    const entered = this.enter('Task', name, previous, {});
    const ended = this.attempt(entered, {}, this.now, tookMs, result, failure);
    this.now += tookMs + 2;
    return this.exit('Task', name, ended);
  }

  plain(type: 'Choice' | 'Pass' | 'Succeed' | 'Wait', name: string, previous: number, tookMs = 1): number {
    const entered = this.enter(type, name, previous, {});
    this.now += tookMs;
    return this.exit(type, name, entered);
  }
}

interface DrawnPair {
  readonly pair: number;
  readonly referencing: string;
  readonly referenced: string;
  readonly rows: number;
}

interface StageShape {
  readonly map: string;
  readonly state: string;
  /** Choice and Pass behind a Task that polls; none for AddForeignKey. */
  readonly choice?: string;
  readonly done?: string;
  readonly ms: (pair: DrawnPair) => number;
  readonly retry?: (pair: DrawnPair) => boolean;
  readonly failure?: (pair: DrawnPair) => [string, string] | undefined;
}

export function story(options: StoryOptions = {}): ReportSources {
  const { pairs: many = 17, ending = 'migrated', table = 'public.path', referencedTable = 'public.inode' } = options;
  const constraint = options.constraint ?? 'path_medium_hash_ino_fkey';
  const pairs = drawPairs(many, table, referencedTable);
  const writer = new Writer();
  const teller = new Teller(writer, pairs, options.concurrency ?? 4);
  const input = {
    table,
    ...(ending === 'rehearsed' ? { rehearse: true } : ending === 'awaiting-approval' ? { approval: 'manual' } : {}),
  };
  const retried = (pair: DrawnPair): boolean =>
    options.retryEvery !== undefined && pair.pair % options.retryEvery === 0;

  const started = writer.add('ExecutionStarted', 0, { executionStartedEventDetails: { input: JSON.stringify(input) } });
  const planned = {
    status: 'PLANNED',
    migrationId: '7',
    database: { systemIdentifier: '7312', databaseOid: 16384, database: 'copyjob', endpoint: 'db.example.com:5432' },
    table,
    referencedTable,
    constraint,
    pairs: pairs.map(({ pair, referencing }) => ({ pair, referencing })),
    maxConcurrency: 4,
  };
  const refusal: [string, string] = [
    'PreflightFailed',
    'refused, nothing was changed: [missing-privilege] the role app may not reference it',
  ];
  let at = writer.task('Plan', started, 140, planned, ending === 'refused' ? refusal : undefined);
  if (ending === 'refused') {
    at = writer.enter('Fail', 'Refused', at, {});
    const [error, cause] = refusal;
    writer.add('ExecutionFailed', at, { executionFailedEventDetails: { error, cause } });
    return sources(
      options,
      writer,
      { status: 'REFUSED', error: { name: error, message: cause } },
      'FAILED',
      input,
      null,
    );
  }
  at = writer.plain('Choice', 'NothingToDo?', at);
  at = teller.stage(at, {
    map: 'BuildIndexes',
    state: 'BuildIndex',
    choice: 'IndexBuilt?',
    done: 'IndexReady',
    ms: ({ rows }) => 12 + rows / 900,
  });
  at = teller.stage(at, { map: 'AddForeignKeys', state: 'AddForeignKey', ms: () => 9, retry: retried });
  if (ending === 'stopped') {
    teller.stage(
      at,
      {
        map: 'ValidateForeignKeys',
        state: 'ValidateForeignKey',
        choice: 'Validated?',
        done: 'ForeignKeyValid',
        ms: ({ rows }) => 10 + rows / 500,
      },
      true,
    );
    writer.add('ExecutionAborted', writer.events.length, {
      executionAbortedEventDetails: { cause: 'stopped by an operator' },
    });
    return sources(
      options,
      writer,
      { status: 'PAUSED', error: { name: 'Interrupted', message: 'stopped by an operator' } },
      'ABORTED',
      input,
      ledgerOf(pairs, options, 'running', writer),
    );
  }
  const orphans: [string, string] = [
    'OrphanedRows',
    `37 rows of ${pairs[1]?.referencing ?? table} have no row in ${pairs[1]?.referenced ?? ''}`,
  ];
  at = teller.stage(at, {
    map: 'ValidateForeignKeys',
    state: 'ValidateForeignKey',
    choice: 'Validated?',
    done: 'ForeignKeyValid',
    ms: ({ rows }) => 10 + rows / 500,
    ...(ending === 'rolled-back' ? { failure: ({ pair }: DrawnPair) => (pair === 2 ? orphans : undefined) } : {}),
  });
  if (ending === 'rolled-back') return rolledBack(options, writer, teller, at, pairs, input, orphans);

  const gate = ending === 'rehearsed' ? 'REHEARSED' : ending === 'awaiting-approval' ? 'AWAITING_APPROVAL' : 'PASSED';
  const reason = gate === 'PASSED' ? '' : 'all is ready; the rehearsal went well';
  at = writer.task('VerifyGate', at, 480, { status: gate, pairs: many, reason, waitSeconds: 15 });
  at = writer.plain('Choice', 'GatePassed?', at);
  if (ending === 'awaiting-approval') {
    writer.enter('Wait', 'WaitForApproval', at, {});
    writer.now += 9_000;
    return sources(options, writer, null, 'RUNNING', input, ledgerOf(pairs, options, 'running', writer));
  }
  if (ending === 'rehearsed') {
    at = writer.plain('Pass', 'ApprovalNeeded', at);
    at = writer.task('Pause', at, 12, { status: 'PAUSED', migrationId: '7', table, reason });
    at = writer.plain('Succeed', 'Paused', at);
    writer.add('ExecutionSucceeded', at, {
      executionSucceededEventDetails: { output: JSON.stringify({ status: 'PAUSED', reason }) },
    });
    return sources(
      options,
      writer,
      { status: 'PAUSED', error: { name: 'ApprovalNeeded', message: reason } },
      'SUCCEEDED',
      input,
      ledgerOf(pairs, options, 'paused', writer),
    );
  }
  at = writer.task('DropParentForeignKey', at, 38, { status: 'DROPPED', constraint, lockedMs: 8.4 });
  const checks = sixChecks(pairs, ending === 'migrated');
  at = writer.task('VerifyMigration', at, 510, {
    status: ending === 'migrated' ? 'MIGRATED' : 'FAILED',
    migrationId: '7',
    table,
    constraint,
    pairs: many,
    checks,
    reason: '',
  });
  at = writer.plain('Choice', 'Verified?', at);
  if (ending === 'restored') {
    at = writer.plain('Pass', 'VerificationRefused', at);
    return rolledBack(options, writer, teller, at, pairs, input, [
      'VerificationFailed',
      'a pair foreign key is missing',
    ]);
  }
  at = writer.plain('Succeed', 'Migrated', at);
  writer.add('ExecutionSucceeded', at, {
    executionSucceededEventDetails: { output: JSON.stringify({ status: 'MIGRATED' }) },
  });
  return sources(
    options,
    writer,
    { status: 'MIGRATED', error: null },
    'SUCCEEDED',
    input,
    ledgerOf(pairs, options, 'migrated', writer),
  );
}

/** Tells Map states, with as many pairs side by side as are allowed. */
class Teller {
  readonly #writer: Writer;
  readonly #pairs: readonly DrawnPair[];
  readonly #lanes: number;

  constructor(writer: Writer, pairs: readonly DrawnPair[], lanes: number) {
    this.#writer = writer;
    this.#pairs = pairs;
    this.#lanes = lanes;
  }

  stage(previous: number, shape: StageShape, stopHalfway = false): number {
    const writer = this.#writer;
    const items = this.#pairs.map(({ pair, referencing }) => ({ pair, referencing }));
    const entered = writer.enter('Map', shape.map, previous, { pairs: items });
    const begun = writer.add('MapStateStarted', entered, { mapStateStartedEventDetails: { length: items.length } });
    const free = Array.from({ length: this.#lanes }, () => writer.now);
    let last = begun;
    let failed = false;
    for (const [index, pair] of this.#pairs.entries()) {
      if (failed || (stopHalfway && index > this.#pairs.length / 2)) break;
      const lane = free.indexOf(Math.min(...free));
      const told = this.#iteration(begun, shape, index, pair, free[lane] ?? writer.now);
      free[lane] = told.until;
      last = told.last;
      failed = told.failed;
    }
    writer.now = Math.max(...free);
    if (stopHalfway) return last;
    const ended = writer.add(failed ? 'MapStateFailed' : 'MapStateSucceeded', last);
    return writer.exit('Map', shape.map, ended);
  }

  #iteration(begun: number, shape: StageShape, index: number, pair: DrawnPair, from: number) {
    const writer = this.#writer;
    const event = { migrationId: '7', execution: ARN, pair: pair.pair, referencing: pair.referencing };
    const details = { mapIterationStartedEventDetails: { name: shape.map, index } };
    const iteration = writer.add('MapIterationStarted', begun, details, from);
    let at = writer.enter('Task', shape.state, iteration, event, from);
    let now = from + 1;
    if (shape.retry?.(pair) === true) {
      const message = `no ShareRowExclusiveLock on ${pair.referencing} within 500 ms: pid 4711 (psql, user app, idle in transaction) holds RowExclusiveLock`;
      at = writer.attempt(at, event, now, 503, {}, ['LockTimeout', message]);
      now += 503 + 900;
    }
    const failure = shape.failure?.(pair);
    const took = Math.round(shape.ms(pair));
    const result = {
      status: 'DONE',
      pair: pair.pair,
      of: this.#pairs.length,
      referencing: pair.referencing,
      referenced: pair.referenced,
      object: `${shape.state}_${pair.pair}`,
      rows: pair.rows,
      durationMs: took,
      lockWaitMs: pair.pair % 5,
      waitSeconds: 0,
      ...(shape.state === 'AddForeignKey' ? {} : { cost: drawnCost(pair) }),
    };
    at = writer.attempt(at, event, now, took, result, failure);
    now += took;
    if (failure !== undefined) {
      const ended = { mapIterationFailedEventDetails: { name: shape.map, index } };
      return { last: writer.add('MapIterationFailed', at, ended, now), until: now, failed: true };
    }
    at = writer.exit('Task', shape.state, at, now);
    if (shape.choice !== undefined && shape.done !== undefined) {
      at = writer.exit('Choice', shape.choice, writer.enter('Choice', shape.choice, at, {}, now), now);
      at = writer.exit('Pass', shape.done, writer.enter('Pass', shape.done, at, {}, now), now);
    }
    const ended = { mapIterationSucceededEventDetails: { name: shape.map, index } };
    return { last: writer.add('MapIterationSucceeded', at, ended, now), until: now + 2, failed: false };
  }
}

/** Each pair reads 50 bytes of each row, and the whole server writes 1 MB of WAL from one pair to the next. */
function drawnCost({ pair, rows }: DrawnPair) {
  const wal = 9_000_000_000 + pair * 1_048_576;
  return { wal: [wal, wal + 1_048_576], read: [1_000, 1_000 + 50 * rows], lagSeconds: pair === 2 ? 0.25 : 0 };
}

function rolledBack(
  options: StoryOptions,
  writer: Writer,
  teller: Teller,
  before: number,
  pairs: readonly DrawnPair[],
  input: object,
  [error, message]: [string, string],
): ReportSources {
  const dropped = options.ending === 'restored';
  let at = writer.task('Fence', before, 21, {
    status: 'FENCED',
    parentForeignKey: dropped ? 'DROPPED' : 'PRESENT',
    strategy: 'attach',
    pairs: [],
    maxConcurrency: 4,
  });
  at = writer.plain('Choice', 'ParentDropped?', at);
  if (dropped) {
    at = teller.stage(at, {
      map: 'RestoreParent',
      state: 'RestoreParentForPair',
      choice: 'Restored?',
      done: 'ParentReady',
      ms: ({ rows }) => 14 + rows / 500,
    });
    at = writer.task('AttachParent', at, 55, { status: 'DONE', pair: 0, of: 1 });
    at = writer.plain('Choice', 'Attached?', at);
  }
  at = writer.task('DropPairForeignKeys', at, 90, {
    status: 'DROPPED',
    foreignKeys: pairs.length,
    indexes: pairs.length,
  });
  at = writer.task('VerifyRolledBack', at, 18, { status: 'ROLLED_BACK' });
  at = writer.plain('Choice', 'WasRequested?', at);
  at = writer.enter('Fail', 'RolledBack', at, {});
  const cause = JSON.stringify({ errorType: error, errorMessage: message });
  writer.add('ExecutionFailed', at, { executionFailedEventDetails: { error: 'MigrationRolledBack', cause } });
  return sources(
    options,
    writer,
    { status: 'ROLLED_BACK', error: { name: error, message } },
    'FAILED',
    input,
    ledgerOf(pairs, options, 'rolled-back', writer),
  );
}

function drawPairs(many: number, table: string, referencedTable: string): DrawnPair[] {
  const dot = (name: string, suffix: string): string =>
    name.endsWith('"') ? `${name.slice(0, -1)}_${suffix}"` : `${name}_${suffix}`;
  return Array.from({ length: many }, (_, index) => {
    // Skewed as media are: few are large, most are small. The names look like hashes, and come out the same each time.
    const suffix = `p_${(((index * 2_654_435_761 + 97) % 0xffffffff) >>> 0).toString(16).padStart(8, '0')}`;
    const rows = Math.max(3, Math.round(116_303 / (1 + index * 0.9)));
    return { pair: index + 1, referencing: dot(table, suffix), referenced: dot(referencedTable, suffix), rows };
  });
}

function sixChecks(pairs: readonly DrawnPair[], passed: boolean): Check[] {
  const many = pairs.length;
  return [
    {
      id: 'pair-foreign-keys',
      title: 'Checking partition-level FK constraints',
      passed,
      detail: `total ${many}, validated ${many}, not validated 0`,
    },
    {
      id: 'parent-foreign-key',
      title: 'Checking for parent-level FK',
      passed: true,
      detail: 'No parent-level FK found',
    },
    {
      id: 'foreign-key-targets',
      title: 'Verifying FK targets',
      passed: true,
      detail: 'All FK constraints reference matching partition pairs',
    },
    {
      id: 'delete-performance',
      title: 'Testing DELETE performance',
      passed: true,
      detail: 'Deleted 10 rows in 00:00:00.003',
    },
    {
      id: 'orphans',
      title: 'Verifying data integrity',
      passed: true,
      detail: `No orphaned rows found in ${many} pairs checked`,
    },
    {
      id: 'inventory',
      title: 'Listing all partition-to-partition FK constraints',
      passed: true,
      detail: pairs.map((pair) => `${pair.referencing} → ${pair.referenced}: fk_${pair.pair}`).join('\n'),
    },
  ];
}

function ledgerOf(pairs: readonly DrawnPair[], options: StoryOptions, state: string, writer: Writer): Trail {
  const { table = 'public.path', referencedTable = 'public.inode', constraint = 'path_medium_hash_ino_fkey' } = options;
  const iso = (offset: number): string => new Date(BEGIN + offset).toISOString();
  const rehearsal: Rehearsal | null =
    options.ending === 'rehearsed' || options.ending === 'awaiting-approval'
      ? { at: iso(writer.now - BEGIN), lockedMs: 7.9, checks: sixChecks(pairs, true).slice(0, 4) }
      : null;
  const ended = writer.now - BEGIN;
  return {
    target: 'db.example.net:5432/copyjob',
    database: 'copyjob',
    serverVersion: '17.10',
    migration: {
      id: '7',
      table,
      referencedTable,
      constraint,
      definition: `FOREIGN KEY (medium_hash, ino) REFERENCES ${referencedTable}(medium_hash, ino) ON DELETE CASCADE`,
      standingDefinition:
        state === 'migrated'
          ? null
          : `FOREIGN KEY (medium_hash, ino) REFERENCES ${referencedTable}(medium_hash, ino) ON DELETE CASCADE`,
      state,
      execution: ARN,
      role: 'migrator',
      startedBy: null,
      reason: null,
      options: { maxConcurrency: 4, lockTimeoutMs: 500 },
      plan: {
        serverVersion: '17.10',
        findings: [
          {
            id: 'row-movement',
            severity: 'warning',
            message:
              'an UPDATE of the partition key on public.inode would run ON DELETE CASCADE on the referencing rows',
            remedy: 'a guard refuses it; --no-row-movement-guard leaves it out',
          },
          {
            id: 'missing-index',
            severity: 'info',
            message: `${pairs.length} partitions of ${table} have no index on (medium_hash, ino)`,
            remedy: 'built CONCURRENTLY, before anything else',
          },
        ],
        estimatedSeconds: 4,
        deleteBefore: { detail: 'no answer within 500 ms: stopped, so that no session waits for it', passed: false },
      },
      startedAt: iso(90),
      approvalAskedAt: options.ending === 'awaiting-approval' ? iso(4_000) : null,
      approvedAt: null,
      approvedBy: null,
      approvedLogin: null,
      approvalReason: null,
      approvedOptions: null,
      withdrawnAt: null,
      withdrawnBy: null,
      withdrawnLogin: null,
      withdrawnReason: null,
      rehearsal,
      fencedAt: null,
      droppedAt: null,
      finishedAt: state === 'migrated' ? iso(ended) : null,
      lockedMs: state === 'migrated' ? 8.4 : null,
      verification: state === 'migrated' ? { passed: true, checks: sixChecks(pairs, true) } : null,
      error: null,
    },
    pairs: pairs.map((pair) => pairOf(pair, state)),
    events: pairs
      .flatMap((pair) => eventsOf(pair, table, referencedTable, iso))
      .toSorted((one, other) => one.at.localeCompare(other.at))
      .map((event, index) => ({ ...event, id: String(index + 1) })),
  };
}

function pairOf({ pair, referencing, referenced, rows }: DrawnPair, state: string): TrailPair {
  return {
    pair,
    referencing,
    referenced,
    bound: `FOR VALUES IN ('${pair.toString(16).padStart(8, '0')}')`,
    rows,
    bytes: rows * 96,
    constraint: `path_p_${pair}_medium_hash_ino_fkey`,
    constraintAdded: true,
    index: `path_p_${pair}_medium_hash_ino_idx`,
    indexAdded: true,
    state: state === 'rolled-back' ? 'rolled-back' : 'validated',
    attempts: 1,
    lastError: null,
    lockWaitMs: pair % 5,
    indexMs: 12 + rows / 900,
    addMs: 9,
    validateMs: 10 + rows / 500,
    orphans: 0,
  };
}

function eventsOf(
  { pair, referencing, referenced, rows }: DrawnPair,
  table: string,
  referencedTable: string,
  iso: (offset: number) => string,
): TrailEvent[] {
  const name = `path_p_${pair}_medium_hash_ino_fkey`;
  const who = { role: 'migrator', login: 'migrator', execution: ARN, person: null, reason: null };
  const common = { id: '', pair, ...who, error: null };
  const held = (mode: string, ...relations: string[]) => relations.map((relation) => ({ relation, mode }));
  return [
    {
      ...common,
      step: 'BuildIndexes',
      at: iso(200 + pair),
      sql: `CREATE INDEX CONCURRENTLY path_p_${pair}_medium_hash_ino_idx ON ${referencing} USING btree (medium_hash, ino)`,
      locks: null,
      lockWaitMs: null,
      durationMs: 12 + rows / 900,
    },
    {
      ...common,
      step: 'AddForeignKeys',
      at: iso(1_200 + pair),
      sql: `ALTER TABLE ${referencing} ADD CONSTRAINT ${name} FOREIGN KEY (medium_hash, ino) REFERENCES ${referenced}(medium_hash, ino) ON DELETE CASCADE NOT VALID`,
      locks: held('ShareRowExclusiveLock', referenced, referencing),
      lockWaitMs: pair % 5,
      durationMs: 3.2,
    },
    {
      ...common,
      step: 'ValidateForeignKeys',
      at: iso(2_000 + pair),
      sql: `ALTER TABLE ${referencing} VALIDATE CONSTRAINT ${name}`,
      locks: [...held('RowShareLock', referenced), ...held('ShareUpdateExclusiveLock', referencing)],
      lockWaitMs: 0,
      durationMs: 10 + rows / 500,
    },
    ...(pair === 1
      ? [
          {
            ...common,
            pair: null,
            step: 'DropParentForeignKey',
            at: iso(2_600),
            sql: `ALTER TABLE ${table} DROP CONSTRAINT path_medium_hash_ino_fkey`,
            locks: held('AccessExclusiveLock', referencedTable, table),
            lockWaitMs: 0.3,
            durationMs: 8.4,
          },
        ]
      : []),
  ];
}

function sources(
  options: StoryOptions,
  writer: Writer,
  verdict: ReportSources['verdict'],
  status: 'SUCCEEDED' | 'FAILED' | 'RUNNING' | 'ABORTED',
  input: object,
  trail: Trail | null,
): ReportSources {
  return {
    execution: {
      executionArn: ARN,
      stateMachineArn: 'arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk',
      name: ARN.split(':').at(-1),
      status,
      startDate: new Date(BEGIN),
      stopDate: status === 'RUNNING' ? undefined : new Date(writer.now),
      input: JSON.stringify(input),
    },
    history: writer.events,
    definition: builtDefinition(),
    trail: options.withLedger === false ? null : trail,
    verdict,
    version: '0.1.0',
    now: new Date(writer.now),
  };
}
