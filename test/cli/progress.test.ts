import { describe, expect, it } from 'vitest';
import { seenIn } from '../../cli/progress/state.ts';
import { CheckId } from '../../core/contracts/documents.ts';
import {
  cause,
  fence,
  gate,
  overPairs,
  pair,
  pairInput,
  pairsDropped,
  plan,
  play,
  rolledBack,
  scheduled,
  succeeded,
  verified,
} from './progress.helpers.ts';

const checks = (failing?: string) =>
  Object.values(CheckId).map((id) => ({ id, title: id, passed: id !== failing, detail: '' }));

const forward = (count: number) => [
  succeeded('Plan', plan(count)),
  ...overPairs('BuildIndex', count, { object: 'idx_path_fk' }),
  ...overPairs('AddForeignKey', count),
  ...overPairs('ValidateForeignKey', count),
  succeeded('VerifyGate', gate('PASSED', count)),
];
const FENCED = { name: 'MigrationFenced', message: 'no longer the owner' };
const drop = succeeded('DropParentForeignKey', {
  status: 'DROPPED',
  constraint: 'path_medium_hash_ino_fkey',
  lockedMs: 8.4,
});

describe('a migration that goes well', () => {
  it('reads like the example, in its order', () => {
    const { lines } = play([
      ...forward(2),
      drop,
      succeeded('VerifyMigration', verified('MIGRATED', checks())),
      { type: 'ExecutionSucceeded', at: 0 },
    ]);

    expect(lines).toEqual([
      'Migrating path → inode: 2 pairs, parent-level FK path_medium_hash_ino_fkey',
      '[1/2] ✓ Built index idx_path_fk on path_p_1 in 00:00:42',
      '[2/2] ✓ Built index idx_path_fk on path_p_2 in 00:00:42',
      'Successfully built 2 indexes',
      '[1/2] ✓ Added NOT VALID FK for partition: path_p_1 → inode_p_1',
      '[2/2] ✓ Added NOT VALID FK for partition: path_p_2 → inode_p_2',
      'Successfully added 2 partition-level FK constraints',
      '[1/2] ✓ Validated FK for path_p_1 (1000 rows) in 00:00:42',
      '[2/2] ✓ Validated FK for path_p_2 (2000 rows) in 00:00:42',
      'Successfully validated 2 partition-level FK constraints',
      '✓ No FK violations found - all data is valid',
      '✓ Preflight check passed: All 2 partition-level FKs are VALID',
      'Found parent-level FK constraint: path_medium_hash_ino_fkey',
      '✓ Successfully dropped parent-level FK constraint',
      '  exclusive locks held for at most 9 ms',
    ]);
  });

  it('counts pairs as they come, not by their number', () => {
    const { lines } = play([
      succeeded('Plan', plan(3)),
      ...[3, 1, 2].map((number) => succeeded('AddForeignKey', pair(number, 3), pairInput(number))),
    ]);

    expect(lines.slice(1, 4).map((line) => line.slice(0, 5))).toEqual(['[1/3]', '[2/3]', '[3/3]']);
    expect(lines[1]).toContain('path_p_3');
  });

  it('tells what was there already when a migration goes on', () => {
    const { lines } = play([
      succeeded('Plan', plan(2)),
      ...overPairs('BuildIndex', 2, { status: 'SKIPPED', object: 'path_fk_idx' }),
      succeeded('AddForeignKey', pair(1, 2, { status: 'SKIPPED' }), pairInput(1)),
      succeeded('AddForeignKey', pair(2, 2), pairInput(2)),
    ]);

    expect(lines).toContain('[2/2] ✓ Index on path_p_2 is there: path_fk_idx');
    expect(lines).toContain('All 2 referencing partitions have an index on the FK columns');
    expect(lines).toContain('[1/2] ✓ FK is there for partition: path_p_1 → inode_p_1');
    expect(lines).toContain('Successfully added 1 partition-level FK constraints (1 were there already)');
  });

  it('does not count a validation that runs on in the server, nor the same pair twice', () => {
    const running = succeeded('ValidateForeignKey', pair(1, 2, { status: 'RUNNING', waitSeconds: 5 }), pairInput(1));
    const done = succeeded('ValidateForeignKey', pair(1, 2), pairInput(1));

    const asked = play([succeeded('Plan', plan(2)), scheduled('ValidateForeignKey', pairInput(1), 100), running]);
    const again = play([scheduled('ValidateForeignKey', pairInput(1), 9_000)], asked.progress);
    const twice = play([done, done], again.progress);

    expect(asked.lines).toHaveLength(1);
    expect([...again.progress.running.values()]).toMatchObject([{ since: 100, note: 'runs on in the server' }]);
    expect(twice.lines).toEqual(['[1/2] ✓ Validated FK for path_p_1 (1000 rows) in 00:00:42']);
    expect(twice.progress.running.size).toBe(0);
  });

  it('keeps what the report needs when there is no ledger to read', () => {
    const { progress } = play(forward(1));

    expect(seenIn(progress)).toEqual({
      planned: true,
      migrationId: 'm-1',
      failure: null,
      verified: false,
      pairs: [
        {
          referencing: 'path_p_1',
          referenced: 'inode_p_1',
          state: 'validated',
          rows: 1000,
          validateMs: 42_000,
          lockWaitMs: 9,
        },
      ],
    });
  });
});

it('says of a migration that an earlier execution began that it goes on', () => {
  expect(play([succeeded('Plan', { ...plan(9), resumed: true })]).lines).toEqual([
    'Going on with the migration of path → inode: 9 pairs, parent-level FK path_medium_hash_ino_fkey',
  ]);
});

describe('retries', () => {
  const message = 'could not lock public.path: pid 4711 (psql, user app) holds RowExclusiveLock on public.path';
  const failing = (attempt: number) =>
    ({
      type: 'TaskFailed',
      state: 'DropParentForeignKey',
      attempt,
      input: {},
      failure: { name: 'LockTimeout', message },
      at: 0,
    }) as const;
  const retry = (attempt: number) =>
    ({ type: 'TaskRetrying', state: 'DropParentForeignKey', attempt, input: {}, at: 0 }) as const;

  it('name who holds the lock', () => {
    const { lines } = play([
      scheduled('DropParentForeignKey'),
      failing(1),
      retry(2),
      scheduled('DropParentForeignKey'),
    ]);

    expect(lines).toEqual([`↻ Attempt 2: drop of the parent-level FK, after LockTimeout: ${message}`]);
  });

  it('say that it was the rehearsal, and what a step does where a message has its name, but leave the names of tables alone', () => {
    const task = { state: 'VerifyGate', input: {}, at: 0 };
    const failure = {
      name: 'LockTimeout',
      message:
        'no lock within 500 ms for DropParentForeignKey: RowExclusiveLock on public."AddForeignKeys" is held by pid 7 (app, BuildIndex.exe)',
    };

    const { lines } = play([
      scheduled('VerifyGate'),
      { ...task, type: 'TaskFailed', failure },
      { ...task, type: 'TaskRetrying', attempt: 2 },
    ]);

    expect(lines).toEqual([
      '↻ Attempt 2: rehearsal of the drop, after LockTimeout: no lock within 500 ms for the drop of the parent-level FK: RowExclusiveLock on public."AddForeignKeys" is held by pid 7 (app, BuildIndex.exe)',
    ]);
  });

  it('are told ever less often', () => {
    const attempts = Array.from({ length: 39 }, (_, index) => [failing(index + 1), retry(index + 2)]).flat();

    const { lines } = play([scheduled('DropParentForeignKey'), ...attempts]);

    expect(lines.map((line) => /Attempt (\d+)/.exec(line)?.[1])).toEqual(['2', '3', '5', '9', '17', '33']);
  });

  it('name the pair without the schema that is the table’s own', () => {
    const input = pairInput(7);
    const { lines } = play([
      succeeded('Plan', plan(9)),
      scheduled('AddForeignKey', input),
      {
        type: 'TaskFailed',
        state: 'AddForeignKey',
        input,
        failure: { name: 'DeadlockDetected', message: 'deadlock\ndetected' },
        at: 0,
      },
      { type: 'TaskRetrying', state: 'AddForeignKey', input, attempt: 2, at: 0 },
    ]);

    expect(lines.at(-1)).toBe('↻ Attempt 2: FK for path_p_7, after DeadlockDetected: deadlock detected');
  });
});

describe('the rollback branch', () => {
  const caught = {
    error: { Error: 'OrphanedRows', Cause: cause('OrphanedRows', '37 rows of path_p_1 have no row in inode_p_1') },
  };
  const undone = [
    succeeded('DropPairForeignKeys', pairsDropped(2, 1)),
    succeeded(
      'VerifyRolledBack',
      rolledBack('FOREIGN KEY (medium_hash, ino) REFERENCES public.inode(medium_hash, ino) ON DELETE CASCADE'),
    ),
  ];

  it('says why it is entered and what it takes away, while the parent FK is there', () => {
    const { lines, progress } = play([
      succeeded('Plan', plan(2)),
      ...overPairs('AddForeignKey', 2),
      scheduled('Fence', caught),
      succeeded('Fence', fence('PRESENT')),
      ...undone,
    ]);

    expect(lines.slice(4)).toEqual([
      '✗ OrphanedRows: 37 rows of path_p_1 have no row in inode_p_1',
      'Rolling back: the parent-level FK is still there; what was added is taken away',
      '✓ Dropped 2 partition-level FK constraints and 1 index',
      '✓ Parent-level FK is as it was: path_medium_hash_ino_fkey: FOREIGN KEY (medium_hash, ino) REFERENCES inode(medium_hash, ino) ON DELETE CASCADE',
    ]);
    expect(progress.failure).toEqual({ name: 'OrphanedRows', message: '37 rows of path_p_1 have no row in inode_p_1' });
  });

  it('tells each pair whose coverage comes back, when the parent FK was dropped', () => {
    const { lines } = play([
      ...forward(2),
      drop,
      succeeded('VerifyMigration', verified('FAILED', checks('orphans'), '3 orphaned rows in path_p_2')),
      scheduled('Fence', { error: { Error: 'VerificationFailed', Cause: '3 orphaned rows in path_p_2' } }),
      succeeded('Fence', fence('DROPPED', 2)),
      ...overPairs('RestoreParentForPair', 2, { durationMs: 250 }),
      succeeded('AttachParent', pair(0, 2, { object: 'path_medium_hash_ino_fkey', durationMs: 70 })),
      ...undone,
    ]);

    const from = lines.findIndex((line) => line.startsWith('[1/6]'));
    expect(lines.slice(from, -2)).toEqual([
      '[1/6] Checking partition-level FK constraints...   ✓ PASS',
      '[2/6] Checking for parent-level FK...              ✓ PASS',
      '[3/6] Verifying FK targets...                      ✓ PASS',
      '[4/6] Testing DELETE performance...                ✓ PASS',
      '[5/6] Verifying data integrity...                  ✗ FAIL',
      '[6/6] Listing all partition-to-partition FK constraints...   ✓ PASS',
      '✗ VerificationFailed: 3 orphaned rows in path_p_2',
      'Rolling back: the parent-level FK comes back first, while the partition-level FKs hold (online: valid FKs on the leaves first, then the parent attaches them without a scan)',
      '[1/2] ✓ Parent covers partition again: path_p_1 in 00:00:00.250',
      '[2/2] ✓ Parent covers partition again: path_p_2 in 00:00:00.250',
      '✓ Restored parent-level FK constraint: path_medium_hash_ino_fkey in 00:00:00.070',
    ]);
  });

  it('is no longer disturbed by forward steps that were still on their way', () => {
    const { lines, progress } = play([
      succeeded('Plan', plan(2)),
      scheduled('ValidateForeignKey', pairInput(2)),
      scheduled('Fence', caught),
      succeeded('ValidateForeignKey', pair(2, 2), pairInput(2)),
      { type: 'TaskFailed', state: 'ValidateForeignKey', input: pairInput(1), failure: FENCED, at: 0 },
    ]);

    expect(lines).toHaveLength(2);
    expect([...progress.running.keys()]).toEqual(['Fence']);
  });

  it('is quiet about errors when a person asked for it', () => {
    const { lines, progress } = play([
      succeeded('Plan', plan(2, 'ROLLBACK_REQUESTED')),
      scheduled('Fence', { error: { Error: 'RollbackRequested' } }),
      succeeded('Fence', fence('PRESENT')),
    ]);

    expect(lines[0]).toBe('Rolling back path → inode: 2 pairs, parent-level FK path_medium_hash_ino_fkey');
    expect(lines.some((line) => line.startsWith('✗'))).toBe(false);
    expect(progress.failure).toBeNull();
  });
});

describe('a gate or a window that stops the migration', () => {
  it('gives the reason of the gate once', () => {
    const { lines } = play([
      succeeded('VerifyGate', gate('FAILED', 2, '1 pair FK is disabled')),
      scheduled('Fence', { error: { Error: 'GateFailed', Cause: '1 pair FK is disabled' } }),
    ]);

    expect(lines).toEqual([
      '✗ Preflight check failed: the parent-level FK stays',
      '✗ GateFailed: 1 pair FK is disabled',
    ]);
  });

  it('says that it pauses, and why', () => {
    const { lines } = play([
      scheduled('Pause', {
        error: { Error: 'WindowClosed', Cause: cause('WindowClosed', 'the window ended at 04:00') },
      }),
    ]);

    expect(lines).toEqual(['‖ Pausing: the window ended at 04:00']);
  });
});
