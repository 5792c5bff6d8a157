/**
 * State of the ledger: whether this session may use it, by its owner, its version, and its shape. The questions are SQL files
 * that the psql scripts run, too.
 */
import type { Client } from 'pg';
import { InvalidInput, LedgerNotTrusted, LedgerVersionRefused, PrivilegeMissing } from '../../contracts/errors.ts';
import { echoed } from '../../contracts/redact.ts';
import { run, runOne } from '../../postgres/sql.ts';
import { type LedgerLink, requireLinked } from './identity.ts';

/** Environment variable for `--ledger-owner` and the construct's `ledgerOwner`: a role's name, unquoted. */
export const LEDGER_OWNER = 'P2PFK_LEDGER_OWNER';

/** What is known about the ledger. */
export interface LedgerState {
  readonly present: boolean;
  /** False for an empty schema. */
  readonly has_tables: boolean;
  /** Whether this role may read it. */
  readonly readable: boolean;
  /** Whether logical replication has filled it: then it is no ledger of this database. */
  readonly is_copy: boolean;
  /** Whether it is older than the newest version; false where it is not readable. */
  readonly is_older: boolean;
}

/** Ledger owners of sessions, where the input of their execution named one; for others the environment decides. */
const owners = new WeakMap<Client, string>();

const ABSENT: LedgerState = { present: false, has_tables: false, readable: false, is_copy: false, is_older: false };

/** Newest ledgers that a session has found to be trusted; see sql/ledger/present.sql. */
const trusted = new WeakMap<Client, { readonly seen: string; readonly state: LedgerState }>();

/**
 * Milliseconds for which later sessions of this process rely on the check of an earlier one. Each step of a migration has a
 * session of its own, and the check took half of the time of a migration of small tables.
 */
const TRUST_MS = 60_000;

/**
 * What a session of this process has found to be trusted, and until when; by the ledger's owner and by `seen`, which identifies
 * the database.
 */
const recently = new Map<string, { readonly state: Omit<LedgerState, 'is_older'>; readonly until: number }>();

/** The role that may own the ledger besides the current one, or an empty string. */
function ledgerOwnerOf(client: Client): string {
  return owners.get(client) ?? process.env[LEDGER_OWNER] ?? '';
}

/** Whether the session takes, or trusts, another role than its own as the ledger's owner. */
export function hasLedgerOwner(client: Client): boolean {
  return ledgerOwnerOf(client) !== '';
}

/**
 * Runs SET ROLE to the ledger's owner, where that is known and the login is a member of it. A login that is not a member keeps
 * its role and trusts that owner nevertheless: an approver, or a role that only reads.
 *
 * @param local until the end of the transaction
 * @throws InvalidInput when there is no such role
 */
export async function becomeLedgerOwner(client: Client, owner: string | undefined, local: boolean): Promise<void> {
  if (owner !== undefined) owners.set(client, owner);
  const ledgerOwner = ledgerOwnerOf(client);
  if (ledgerOwner === '') return;
  const { missing } = await runOne(client, 'ledger/owner-role', {
    ledger_owner: ledgerOwner,
    local,
  });
  if (missing) throw new InvalidInput(`there is no role ${echoed(ledgerOwner)}, which is named as the ledger's owner`);
}

/** What the check at the beginning of a session, or of a step in it, has found; until a step has entered. */
const begun = new WeakMap<Client, LedgerState>();

/** {@link checkLedger} at the beginning of a session, and of each step in one that several steps use. */
export async function checkLedgerAtBeginning(client: Client): Promise<void> {
  // What this session has found before counts no longer than for a new one.
  trusted.delete(client);
  begun.set(client, await checkLedger(client));
}

/** {@link checkLedger} at the entry of a step. The one at the beginning of its session, right before, counts once. */
export async function checkLedgerAtEntry(client: Client): Promise<LedgerState> {
  const found = begun.get(client) ?? (await checkLedger(client));
  begun.delete(client);
  return found;
}

/**
 * Check before anything uses an object in schema p2pfk. It reads pg_catalog only, until the ledger is found to be trusted.
 *
 * @throws LedgerNotTrusted with the object and its owner
 * @throws LedgerVersionRefused when the ledger is newer than this p2pfk, or of an unknown version
 */
export async function checkLedger(client: Client): Promise<LedgerState> {
  begun.delete(client);
  const [schema] = await run(client, 'ledger/present');
  if (!schema) return ABSENT;
  const before = trusted.get(client);
  if (before?.seen === schema.seen) return { ...before.state, readable: schema.readable };
  const found = await trustedState(client, schema);
  if (!found.readable) return found;
  // A ledger that is being made or upgraded is checked again.
  if (!found.is_older) trusted.set(client, { seen: schema.seen, state: found });
  return found;
}

/** The check itself; throws as {@link checkLedger}. */
async function trustedState(client: Client, schema: { seen: string; readable: boolean }): Promise<LedgerState> {
  const ledgerOwner = ledgerOwnerOf(client);
  const key = JSON.stringify([ledgerOwner, schema.seen]);
  const now = performance.now();
  const earlier = recently.get(key);
  if (earlier && now < earlier.until && schema.readable) return withVersion(client, earlier.state);
  const {
    refusal,
    version_readable: hasVersion,
    ...state
  } = await runOne(client, 'ledger/state', { ledger_owner: ledgerOwner });
  if (refusal !== '') throw new LedgerNotTrusted(refusal);
  if (!state.readable || !hasVersion) return { ...state, is_older: false };
  for (const [other, { until }] of recently) if (until <= now) recently.delete(other);
  recently.set(key, { state, until: now + TRUST_MS });
  return withVersion(client, state);
}

async function withVersion(client: Client, state: Omit<LedgerState, 'is_older'>): Promise<LedgerState> {
  const { is_older, version_refusal: refusal } = await runOne(client, 'ledger/version');
  if (refusal !== '') throw new LedgerVersionRefused(refusal);
  return { ...state, is_older };
}

/**
 * Whether there is a ledger of this database that this role may read.
 *
 * @throws as {@link checkLedger}
 * @throws LedgerElsewhere when it belongs to another database
 */
export async function isLedgerReadable(client: Client): Promise<boolean> {
  return (await readLink(client)) !== null;
}

/**
 * The same for an answer of "there is nothing": a ledger that this role may not read must not be taken for an empty one.
 *
 * @returns false where there is no ledger
 * @throws as {@link isLedgerReadable}
 * @throws PrivilegeMissing when there is one that this role may not read
 */
export async function requireSight(client: Client): Promise<boolean> {
  if (await isLedgerReadable(client)) return true;
  const { has_tables: hasTables, is_copy: isCopy } = await checkLedger(client);
  if (!hasTables || isCopy) return false;
  throw new PrivilegeMissing(
    'this role may not read the ledger, schema p2pfk, so what is in it is not known: run sql/aws-role.sql again, or let its owner GRANT USAGE ON SCHEMA p2pfk and SELECT ON ALL TABLES IN SCHEMA p2pfk to this role',
  );
}

/**
 * How the ledger belongs to this database; null where there is none, or none that this role may read. Throws as {@link
 * isLedgerReadable}.
 */
export async function readLink(client: Client): Promise<LedgerLink | null> {
  const { readable, is_older: isOlder } = await checkLedger(client);
  return readable ? requireLinked(client, isOlder) : null;
}

/**
 * Check before a migration is opened, and before other work that begins to write.
 *
 * @throws LedgerVersionRefused when the ledger's shape is not that of its version
 */
export async function refuseDrift(client: Client): Promise<void> {
  const { shape } = await runOne(client, 'ledger/shape');
  const { expected_shape } = await runOne(client, 'ledger/expected-shape');
  const { drift_refusal } = await runOne(client, 'ledger/drift', {
    shape,
    expected_shape,
  });
  if (drift_refusal !== '') throw new LedgerVersionRefused(drift_refusal);
}

/**
 * Check before a role writes to the ledger that may not upgrade it, such as an approver. Passes where there is no ledger.
 *
 * @throws LedgerVersionRefused when the ledger is older, because the execution that waits may still need that version, or does
 *   not have the shape of its version
 */
export async function requireNewestLedger(client: Client): Promise<void> {
  const { readable, is_older: isOlder } = await checkLedger(client);
  if (isOlder)
    throw new LedgerVersionRefused(
      'refused, nothing was changed: the ledger, schema p2pfk, is of an older version: use the p2pfk that runs the migration, or upgrade it first, by p2pfk migrate or p2pfk rollback as its owner',
    );
  if (readable) await refuseDrift(client);
}
