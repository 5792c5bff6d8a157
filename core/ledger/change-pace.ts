/** A person changes the pace of an execution that is at work: fewer pairs side by side, a hold, and its end. Needs the database alone. */
import type { Client } from 'pg';
import { readServer } from '../catalog/server-facts.ts';
import { InvalidInput, PrivilegeMissing } from '../contracts/errors.ts';
import { type Hold, type Pace, paceOf, type Throttle } from '../contracts/pace.ts';
import { StatedPerson, StatedReason, stated } from '../contracts/person.ts';
import { redact } from '../contracts/redact.ts';
import { visible } from '../contracts/safe-text.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { inTransaction } from '../postgres/session/transactions.ts';
import { run, runOne } from '../postgres/sql.ts';
import { asNote } from './notes/notes.ts';
import { admitWriter } from './schema/identity.ts';
import { isLedgerReadable, requireNewestLedger } from './schema/state.ts';
import { listMigrations, type MigrationStatus, readTableStatus } from './status.ts';

/** Which execution, the person who acts, and the reason. */
export interface PaceRequest {
  readonly table?: string | undefined;
  readonly constraint?: string | undefined;
  /** ARN, name, or the beginning or end of a name; default: of the table, or the one that is at work. */
  readonly execution?: string | undefined;
  /** Person, as stated. */
  readonly by: string;
  readonly reason?: string | undefined;
}

export type PaceChange =
  | { readonly command: 'throttle'; readonly maxConcurrency: number }
  | { readonly command: 'hold' }
  | { readonly command: 'resume' };

/** `throttle --json`, `hold --json` and `resume --json`. */
export interface ChangedPace {
  /** Schema-qualified, quoted where needed. */
  readonly table: string;
  readonly constraint: string;
  readonly migrationId: string;
  readonly execution: string;
  /** False where it was so before: then nothing was written. */
  readonly changed: boolean;
  /** Pairs side by side. */
  readonly maxConcurrency: number;
  readonly maxConcurrencyAtStart: number;
  readonly throttle: Throttle | null;
  readonly hold: Hold | null;
}

/** Migrations among which one is looked for by its execution. */
const MOST = 1_000;

/**
 * Changes the pace of an execution. Its steps read it from the ledger before each pair.
 *
 * @throws InvalidInput where no execution, or no single one, is meant, it has no forward work left, or the limit is above the one at its start
 * @throws PrivilegeMissing where this role may not read the ledger, or not write to it
 * @throws LedgerVersionRefused, LedgerElsewhere as `approve`
 */
export async function changePace(client: Client, change: PaceChange, wanted: PaceRequest): Promise<ChangedPace> {
  // As it will be read again: a note may be longer than what was typed.
  const noted = await asNote(client, { by: wanted.by, reason: wanted.reason });
  const people = {
    by: stated(StatedPerson, 'the name', noted.by),
    reason: noted.reason === undefined ? null : stated(StatedReason, 'the reason', noted.reason),
  };
  await requireLedger(client);
  const migration = await findMigration(client, wanted, change);
  const { id, execution } = migration;
  try {
    return await inTransaction(client, async () => {
      // Waits for a drop in progress, and no drop begins meanwhile.
      const { options } = await runOne(client, 'ledger/approval-of-drop', { migration_id: id });
      const before = paceOf(options);
      const part = partOf(change, before, people);
      if (part !== null) {
        const changed = await run(client, 'ledger/change-pace', { ...part, migration_id: id, execution });
        if (changed.length === 0)
          throw new InvalidInput(`nothing was changed: ${nameOf(migration)} has gone on at the same moment; try again`);
        if (change.command === 'resume')
          await run(client, 'ledger/forget-old-counts', {
            migration_id: id,
            max_age_seconds: options.proofMaxAgeSeconds,
          });
        await run(client, 'ledger/note-act', { ...people, migration_id: id, step: stepOf(change) });
      }
      const { options: after } = await runOne(client, 'ledger/read-migration', { migration_id: id });
      return documentOf(migration, paceOf(after), part !== null);
    });
  } catch (error) {
    throw toNamedError(error, 'UPDATE p2pfk.migration SET options');
  }
}

interface Part {
  readonly part: 'throttle' | 'hold';
  readonly value: object | null;
}

/** What to write; null where it is so already. */
function partOf(
  change: PaceChange,
  before: Pace,
  people: { readonly by: string; readonly reason: string | null },
): Part | null {
  switch (change.command) {
    case 'hold':
      // The first person, reason and time stay.
      return before.hold === null ? { part: 'hold', value: people } : null;
    case 'resume':
      return before.hold === null ? null : { part: 'hold', value: null };
    case 'throttle': {
      const { maxConcurrency } = change;
      const { limit, limitAtStart } = before;
      if (maxConcurrency > limitAtStart)
        throw new InvalidInput(
          `--max-concurrency ${maxConcurrency} is more than the ${limitAtStart} that the execution was started with, and the state machine begins no more at once: choose 1 to ${limitAtStart}, or stop it and migrate again with --max-concurrency ${maxConcurrency}`,
        );
      if (maxConcurrency === limit) return null;
      return { part: 'throttle', value: maxConcurrency === limitAtStart ? null : { ...people, maxConcurrency } };
    }
  }
}

/** Of the event in the ledger. */
function stepOf(change: PaceChange): string {
  switch (change.command) {
    case 'hold':
      return 'Hold';
    case 'resume':
      return 'Resume';
    case 'throttle':
      return `Throttle to ${change.maxConcurrency}`;
  }
}

function documentOf(migration: MigrationStatus, pace: Pace, changed: boolean): ChangedPace {
  return {
    table: migration.table,
    constraint: migration.constraint,
    migrationId: migration.id,
    execution: migration.execution,
    changed,
    maxConcurrency: pace.limit,
    maxConcurrencyAtStart: pace.limitAtStart,
    throttle: pace.throttle,
    hold: pace.hold,
  };
}

async function requireLedger(client: Client): Promise<void> {
  const { ledger_exists: exists } = await readServer(client);
  const readable = await isLedgerReadable(client);
  if (exists && !readable)
    throw new PrivilegeMissing(
      'this role may not read the ledger: act as its owner, or as a role that may change the rows of p2pfk.migration',
    );
  if (!readable)
    throw new InvalidInput('nothing was changed: this database has no ledger of p2pfk, so no execution is at work');
  await requireNewestLedger(client);
  await admitWriter(client, false);
}

/** @throws InvalidInput where there is none, several may be meant, or its execution does not ask for a pace any more */
async function findMigration(
  client: Client,
  { table, constraint, execution }: PaceRequest,
  { command }: PaceChange,
): Promise<MigrationStatus> {
  if (table !== undefined && execution !== undefined)
    throw new InvalidInput('--execution and --table both say which execution is meant: give one of them');
  if (constraint !== undefined && table === undefined)
    throw new InvalidInput('--constraint needs --table, which says of which table');
  const found = table === undefined ? await atWork(client, execution) : await ofTable(client, table, constraint);
  const obstacle = obstacleOf(found, command);
  if (obstacle === null) return found;
  throw new InvalidInput(`nothing was changed: ${nameOf(found)} ${obstacle}`);
}

async function ofTable(client: Client, table: string, constraint: string | undefined): Promise<MigrationStatus> {
  const { migration, absent, table: name } = await readTableStatus(client, { table, constraint });
  if (migration === null) throw new InvalidInput(`nothing was changed: ${absent ?? `${name} has never been migrated`}`);
  return migration;
}

async function atWork(client: Client, execution: string | undefined): Promise<MigrationStatus> {
  const all = (await listMigrations(client, MOST)) ?? [];
  const named = execution === undefined ? all.filter(isAtWork) : all.filter((one) => mayBe(execution, one.execution));
  const [only] = named;
  if (only === undefined)
    throw new InvalidInput(
      execution === undefined
        ? 'nothing was changed: no execution is at work on this database; p2pfk list shows what there is'
        : `nothing was changed: no migration of this database belongs to an execution ${visible(redact(execution))}, or one whose name begins or ends so; p2pfk list shows what there is`,
    );
  if (named.length > 1)
    throw new InvalidInput(
      `nothing was changed: several executions may be meant (${named
        .slice(0, 5)
        .map((one) => one.execution)
        .join(', ')}): name one with --execution, or its table with --table`,
    );
  return only;
}

function isAtWork({ owner }: MigrationStatus): boolean {
  return owner !== null && owner.life !== 'dead';
}

function mayBe(given: string, execution: string): boolean {
  const name = execution.slice(execution.lastIndexOf(':') + 1);
  return given === execution || (given !== '' && (name.startsWith(given) || name.endsWith(given)));
}

function nameOf({ id, constraint, table }: MigrationStatus): string {
  return `migration ${id} of ${constraint} on ${table}`;
}

/** Completes "migration N of C on T"; null: its execution reads the ledger before each pair. */
function obstacleOf({ state, dropped, owner }: MigrationStatus, command: PaceChange['command']): string | null {
  if (state === 'rolling-back')
    return `is being rolled back, and nothing delays the way back: p2pfk ${command} is for the way forward`;
  if (state === 'migrated' || state === 'rolled-back') return 'is at its end: no execution works on it';
  if (dropped) return 'has dropped the parent foreign key: only its last checks are left, and nothing delays them';
  if (state === 'paused') return 'is paused: no execution works on it, and the next one begins with a pace of its own';
  if (owner?.place === 'psql')
    return 'is worked on by a psql script, which runs one statement after the other and asks for no pace';
  if (owner?.place === 'reconciliation') return 'is being looked at by reconciliation, which begins no work';
  if (owner?.life === 'dead')
    return 'has an execution that is dead: nothing works on it; p2pfk status shows what comes next';
  return null;
}
