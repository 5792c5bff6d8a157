/**
 * VerifyMigration: runs the six checks and counts a sample of the pairs, or all; then the migration is complete. A pair of partitions
 * that was attached after the drop is listed, but is no reason to undo anything: `p2pfk audit` finds and repairs it.
 */

import { isSamePair, readPairing } from '../../catalog/pairs.ts';
import { refuseNewCode } from '../../catalog/untrusted-code.ts';
import { verification } from '../../checks/verification.ts';
import { linesOf } from '../../contracts/check-lines.ts';
import type { Verification } from '../../contracts/documents.ts';
import {
  ConnectionLost,
  DeadlockDetected,
  LedgerNotWritten,
  LockTimeout,
  MigrationFenced,
} from '../../contracts/errors.ts';
import { Steps } from '../../contracts/steps/catalogue.ts';
import type { CheckEvent, MigrationEvent } from '../../contracts/steps/events.ts';
import type { VerifyMigrationResult } from '../../contracts/steps/results.ts';
import { changeMigration } from '../../ledger/migrations.ts';
import { tryToNote } from '../../ledger/notes/notes.ts';
import { readPairs } from '../../ledger/pairs.ts';
import { readIdentity } from '../../ledger/schema/identity.ts';
import { toNamedError } from '../../postgres/postgres-errors.ts';
import { inTransaction } from '../../postgres/session/transactions.ts';
import { enterForward, type StepContext } from '../context.ts';
import { countingAfterDrop, countPairs, readProofs } from '../prove-pairs.ts';
import { defineStep } from '../step.ts';

/** Longest detail of a check in the execution's history, in characters. The ledger has the whole text. */
const DETAIL_CHARACTERS = 300;

/** @returns MIGRATED; COUNTING: call again after the pairs of `count` are counted; FAILED with the checks that failed */
export async function verifyMigration(context: StepContext, event: CheckEvent): Promise<VerifyMigrationResult> {
  const { client } = context;
  const { migration, foreignKey } = await enterForward(context, event);
  await refuseNewCode(client, foreignKey);
  const pairing = await readPairing(client, foreignKey);
  const dropped = await readPairs(client, migration.id);
  const judged = pairing.pairs.filter((pair) => dropped.some((known) => isSamePair(known, pair)));
  const base = {
    migrationId: migration.id,
    database: await readIdentity(client),
    table: migration.table_name,
    constraint: migration.constraint_name,
    pairs: judged.length,
  };
  const known = await readProofs(context, migration, judged);
  const counting = countingAfterDrop(migration, known);
  const { counts, left } = await countPairs(context, migration, foreignKey, judged, {
    known,
    counting,
    countsPairs: event.countsPairs,
  });
  if (left) return { ...base, status: 'COUNTING', checks: [], reason: '', count: left };

  const verified = await verification(client, foreignKey, pairing, counts, { pairs: judged, proofs: known });
  const checks = verified.checks.map((check) => ({
    ...check,
    detail:
      check.detail.length > DETAIL_CHARACTERS ? `${check.detail.slice(0, DETAIL_CHARACTERS - 3)}...` : check.detail,
  }));
  if (verified.passed) {
    await finish(context, event, verified);
    return { ...base, status: 'MIGRATED', checks, reason: '' };
  }
  await tryToNote(context.logger, 'the failed checks', () =>
    changeMigration(client, migration.id, { verification: verified }),
  );
  const reason = verified.checks
    .filter((check) => !check.passed)
    .map((check) => `${check.id}: ${linesOf(check)[0] ?? ''}`)
    .join('; ');
  return { ...base, status: 'FAILED', checks, reason: reason.slice(0, 2_000) };
}

/**
 * Notes the end of the migration. The drop is verified, so a ledger that cannot be written must not undo it.
 *
 * @throws LedgerNotWritten where not even the state can be written; the next execution finds that all is done, and notes it
 */
async function finish({ client, logger }: StepContext, event: MigrationEvent, verified: Verification): Promise<void> {
  const changes = { state: 'migrated', finished_at: new Date().toISOString() } as const;
  const write = (more: { readonly verification?: Verification }) =>
    inTransaction(client, async () => {
      // Counting takes time: if a rollback has begun meanwhile, it must not be overwritten with success.
      await client.query('SELECT p2pfk.enter($1, $2)', [event.migrationId, event.execution]);
      await changeMigration(client, event.migrationId, { ...changes, ...more });
    });
  try {
    await write({ verification: verified });
  } catch (first) {
    if (isNoFault(first)) throw first;
    logger.warn('the ledger did not take the details of the verification', { reason: toNamedError(first).message });
    try {
      await write({});
    } catch (error) {
      if (isNoFault(error)) throw error;
      throw new LedgerNotWritten(
        `the parent foreign key is dropped and verified, and the ledger could not note it: ${toNamedError(error).message}; nothing is undone, run the same migration again`,
        {},
        { cause: error },
      );
    }
  }
}

/** Whether the error is no defect of the ledger: another execution has taken over, or the state machine retries. */
function isNoFault(error: unknown): boolean {
  const named = toNamedError(error);
  return [MigrationFenced, ConnectionLost, LockTimeout, DeadlockDetected].some((kind) => named instanceof kind);
}

export const step = defineStep(Steps['verify-migration'], verifyMigration);
