/** The steps of the rollback branch, in their order. */
import { LONGEST_SECONDS, MEDIUM_SECONDS, type StepDefinition, WAITING_MIB } from './definition.ts';
import { InterruptEvent, MigrationEvent, PairEvent } from './events.ts';
import { AttachResult, DropPairsResult, FenceResult, PairResult, RolledBackResult } from './results.ts';

/** Steps of the rollback branch, by function name. */
export const rollbackSteps = {
  fence: {
    state: 'Fence',
    direction: 'rollback',
    event: InterruptEvent,
    result: FenceResult,
    comment:
      'Fences the migration in the ledger (FOR UPDATE on its row) and cancels its running statements, so that no forward DDL can run any more; it locks neither table; while there is no database, the rollback waits here for 24 hours.',
    decides: true,
    label: 'Fence',
    noun: 'fence',
    lambda: {
      timeoutSeconds: MEDIUM_SECONDS,
      memoryMib: WAITING_MIB,
      description: 'Stops all forward work of a migration',
    },
  },
  'restore-parent': {
    state: 'RestoreParentForPair',
    direction: 'rollback',
    event: PairEvent,
    result: PairResult,
    comment:
      'Adds to one referencing partition a NOT VALID foreign key to the referenced table (ShareRowExclusiveLock for an instant), then validates it under ShareUpdateExclusiveLock and RowShareLock.',
    perPair: {
      map: {
        id: 'RestoreParent',
        comment:
          'For each pair, side by side, prepares the return of the parent foreign key under ShareUpdateExclusiveLock, so that reads and writes go on; no pairs where the strategy needs none.',
      },
      choice: { id: 'Restored?', comment: 'A validation may outlive a Lambda function: the server goes on with it.' },
      wait: { id: 'WaitForRestore', comment: 'Holds nothing while the server validates this partition.' },
      done: { id: 'ParentReady', comment: 'This partition has a valid foreign key for the parent to attach.' },
      stage: { id: 'restore', label: 'Restore parent' },
      pairState: 'restored',
    },
    afterDropOnly: true,
    label: 'Parent coverage',
    noun: 'parent coverage',
    lambda: {
      timeoutSeconds: LONGEST_SECONDS,
      memoryMib: WAITING_MIB,
      description: 'Prepares the return of the parent FK on one partition',
    },
  },
  'attach-parent': {
    state: 'AttachParent',
    direction: 'rollback',
    event: MigrationEvent,
    result: AttachResult,
    comment:
      'Puts the parent foreign key back by attaching the valid ones, under ShareRowExclusiveLock on both tables for some milliseconds; a scan under that lock only where the operator allowed it.',
    polling: {
      choice: { id: 'Attached?', comment: 'A validation may outlive a Lambda function: the server goes on with it.' },
      wait: { id: 'WaitForAttach', comment: 'Holds nothing while the server validates the parent foreign key.' },
    },
    afterDropOnly: true,
    label: 'Parent FK',
    noun: 'parent-level FK',
    lambda: { timeoutSeconds: LONGEST_SECONDS, memoryMib: WAITING_MIB, description: 'Puts the parent FK back' },
  },
  'drop-pair-foreign-keys': {
    state: 'DropPairForeignKeys',
    direction: 'rollback',
    event: MigrationEvent,
    result: DropPairsResult,
    comment:
      'Drops the pair foreign keys, and unless kept the indexes, that this migration added, under AccessExclusiveLock on one pair at a time for an instant.',
    label: 'Removal of pair FKs',
    noun: 'removal of partition-level FKs',
    lambda: { timeoutSeconds: LONGEST_SECONDS, memoryMib: WAITING_MIB, description: 'Drops what the migration added' },
  },
  'verify-rolled-back': {
    state: 'VerifyRolledBack',
    direction: 'rollback',
    event: MigrationEvent,
    result: RolledBackResult,
    comment:
      'Compares the parent foreign key with the definition noted before the migration, character for character, under AccessShareLock.',
    decides: true,
    label: 'Check of rollback',
    noun: 'check of the rollback',
    lambda: {
      timeoutSeconds: MEDIUM_SECONDS,
      memoryMib: WAITING_MIB,
      description: 'Compares the parent FK with the original',
    },
  },
} as const satisfies Readonly<Record<string, StepDefinition>>;
