/** The steps of the forward path, in their order, and the pause. */

import {
  LONGEST_SECONDS,
  MEDIUM_SECONDS,
  SHORT_SECONDS,
  type StepDefinition,
  WAITING_MIB,
  WORKING_MIB,
} from './definition.ts';
import { CheckEvent, InterruptEvent, MigrationEvent, PairEvent, PlanEvent } from './events.ts';
import { DropResult, GateResult, PairResult, PauseResult, PlanResult, VerifyMigrationResult } from './results.ts';

/** Steps of the forward path, by function name. */
export const forwardSteps = {
  plan: {
    state: 'Plan',
    direction: 'forward',
    event: PlanEvent,
    result: PlanResult,
    comment:
      'Reads the catalog under AccessShareLock, runs preflight, pairs the partitions by bound and opens the ledger; measures a DELETE of ten rows, which it takes back within the lock budget.',
    decides: true,
    label: 'Plan',
    noun: 'plan',
    lambda: {
      timeoutSeconds: MEDIUM_SECONDS,
      memoryMib: WORKING_MIB,
      description: 'Plans a migration and opens its ledger',
    },
  },
  'build-index': {
    state: 'BuildIndex',
    direction: 'forward',
    event: PairEvent,
    result: PairResult,
    comment:
      'Builds the index on one referencing partition that its foreign key columns lack, CONCURRENTLY under ShareUpdateExclusiveLock; reads and writes go on.',
    perPair: {
      map: {
        id: 'BuildIndexes',
        comment:
          'For each pair, largest first, builds the missing index under ShareUpdateExclusiveLock, because without it a DELETE on the referenced side scans the whole referencing partition.',
      },
      choice: { id: 'IndexBuilt?', comment: 'A build may outlive a Lambda function: the server goes on with it.' },
      wait: { id: 'WaitForIndex', comment: 'Holds nothing while the server builds.' },
      done: { id: 'IndexReady', comment: 'A valid index serves the foreign key columns of this partition.' },
      stage: { id: 'index', label: 'Index' },
      pairState: 'indexed',
    },
    label: 'Indexes',
    noun: 'index',
    forecast: true,
    lambda: { timeoutSeconds: LONGEST_SECONDS, memoryMib: WAITING_MIB, description: 'Builds one missing index' },
  },
  'add-foreign-key': {
    state: 'AddForeignKey',
    direction: 'forward',
    event: PairEvent,
    result: PairResult,
    comment:
      'Adds the foreign key of one pair NOT VALID, under ShareRowExclusiveLock on its two partitions for some milliseconds; from then on it checks every new row.',
    perPair: {
      map: {
        id: 'AddForeignKeys',
        comment:
          'For each pair, adds the partition-to-partition foreign key NOT VALID, under ShareRowExclusiveLock on the two partitions of that pair only.',
      },
      choice: { id: 'Added?', comment: 'Where one iteration takes many pairs, the next call goes on with the rest.' },
      wait: { id: 'WaitForAdd', comment: 'Holds nothing before the rest of the pairs is asked for.' },
      done: { id: 'ForeignKeyAdded', comment: 'Every new row of this pair is checked by its own foreign key.' },
      stage: { id: 'add', label: 'Add NOT VALID' },
      pairState: 'added',
    },
    label: 'Foreign keys',
    noun: 'FK',
    lambda: { timeoutSeconds: MEDIUM_SECONDS, memoryMib: WAITING_MIB, description: 'Adds one pair FK, NOT VALID' },
  },
  'validate-foreign-key': {
    state: 'ValidateForeignKey',
    direction: 'forward',
    event: PairEvent,
    result: PairResult,
    comment:
      'Checks the existing rows of one pair, under ShareUpdateExclusiveLock on the referencing and RowShareLock on the referenced partition; reads and writes go on.',
    perPair: {
      map: {
        id: 'ValidateForeignKeys',
        comment:
          'For each pair, largest first, validates its foreign key under ShareUpdateExclusiveLock and RowShareLock, which stop neither reads nor writes.',
      },
      choice: { id: 'Validated?', comment: 'A validation may outlive a Lambda function: the server goes on with it.' },
      wait: { id: 'WaitForValidation', comment: 'Holds nothing while the server validates.' },
      done: { id: 'ForeignKeyValid', comment: 'Every row of this pair was checked.' },
      stage: { id: 'validate', label: 'Validate' },
      pairState: 'validated',
    },
    label: 'Validation',
    noun: 'validation',
    forecast: true,
    lambda: { timeoutSeconds: LONGEST_SECONDS, memoryMib: WAITING_MIB, description: 'Validates one pair FK' },
  },
  'count-orphans': {
    state: 'CountPair',
    direction: 'forward',
    event: PairEvent,
    result: PairResult,
    comment:
      'Counts the rows of one pair that have no referenced row, under AccessShareLock on its two partitions; reads and writes go on.',
    perPair: {
      map: {
        id: 'CountOrphans',
        comment:
          'For each pair that is not proven by its validation, side by side, largest first, counts the orphaned rows under AccessShareLock.',
      },
      choice: {
        id: 'Counted?',
        comment: 'A pair that is held back, or the rest of a run of pairs, is asked for again.',
      },
      wait: { id: 'WaitForCount', comment: 'Holds nothing before the pair is asked for again.' },
      done: { id: 'PairCounted', comment: 'The ledger has the number of orphaned rows of this pair.' },
      stage: { id: 'count', label: 'Count' },
      pairState: 'validated',
    },
    chosen: true,
    label: 'Orphan count',
    noun: 'orphan count',
    lambda: { timeoutSeconds: LONGEST_SECONDS, memoryMib: WAITING_MIB, description: 'Counts the orphans of one pair' },
  },
  'verify-gate': {
    state: 'VerifyGate',
    direction: 'forward',
    event: CheckEvent,
    result: GateResult,
    comment:
      'Checks that every pair has a valid, enforced foreign key and is proven to have no orphaned row before the parent one may go, under AccessShareLock only.',
    decides: true,
    label: 'Preflight check',
    noun: 'preflight check',
    lambda: {
      timeoutSeconds: LONGEST_SECONDS,
      memoryMib: WORKING_MIB,
      description: 'Runs the check before the drop',
    },
  },
  'drop-parent-foreign-key': {
    state: 'DropParentForeignKey',
    direction: 'forward',
    event: MigrationEvent,
    result: DropResult,
    comment:
      'Drops the parent foreign key in one transaction that takes AccessExclusiveLock on both tables and their partitions within the lock budget, makes sure that the gate still passes, drops, verifies, and commits only if all of it passed.',
    label: 'Drop of parent FK',
    noun: 'drop of the parent-level FK',
    lambda: {
      timeoutSeconds: MEDIUM_SECONDS,
      memoryMib: WORKING_MIB,
      description: 'Drops the parent FK, verified before COMMIT',
    },
  },
  'verify-migration': {
    state: 'VerifyMigration',
    direction: 'forward',
    event: CheckEvent,
    result: VerifyMigrationResult,
    comment:
      'Runs the six checks under AccessShareLock, and as one of them a DELETE under RowExclusiveLock that is rolled back.',
    decides: true,
    label: 'Verification',
    noun: 'verification',
    lambda: { timeoutSeconds: LONGEST_SECONDS, memoryMib: WORKING_MIB, description: 'Runs the six checks' },
  },
} as const satisfies Readonly<Record<string, StepDefinition>>;

/** The pause, by function name. */
export const pauseSteps = {
  pause: {
    state: 'Pause',
    direction: 'pause',
    event: InterruptEvent,
    result: PauseResult,
    comment:
      'Writes to the ledger why the migration waits, taking no lock on either table; every foreign key is in place.',
    decides: true,
    label: 'Pause',
    noun: 'pause',
    lambda: { timeoutSeconds: SHORT_SECONDS, memoryMib: WAITING_MIB, description: 'Records that the migration waits' },
  },
} as const satisfies Readonly<Record<string, StepDefinition>>;
