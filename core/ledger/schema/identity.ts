/**
 * Identity of databases: which database a session leads to, and whether the ledger there belongs to it. A restored dump, a
 * snapshot or a clone contains the ledger of the original database. The questions are SQL files that the psql scripts run, too.
 */
import type { Client } from 'pg';
import { ConnectionLost, ConnectionRefused, LedgerElsewhere } from '../../contracts/errors.ts';
import { toNamedError } from '../../postgres/postgres-errors.ts';
import { endpointOf } from '../../postgres/session/session-endpoint.ts';
import { rollBackTo } from '../../postgres/session/transactions.ts';
import { type Row, run, runOne } from '../../postgres/sql.ts';

/** A database, as an execution remembers it. */
export interface DatabaseIdentity {
  /** System identifier of the cluster, as text because it has 64 bits. Null where the role may not read it. */
  readonly systemIdentifier: string | null;
  readonly databaseOid: number;
  readonly database: string;
  /** `host:port` that the client connects to, or several, separated by commas; the directory of a socket counts as a host. */
  readonly endpoint: string;
}

/** A ledger that belongs to this database. */
export interface LedgerLink {
  readonly identity: DatabaseIdentity;
  /** False: the database may be a copy. Then a command that writes refuses until a person has confirmed it. */
  readonly endpointKnown: boolean;
  /** Whether the database has another name than in the ledger. */
  readonly renamed: boolean;
  /** False: the ledger does not record its database, and its migrations, if there are any, match this one. */
  readonly recorded: boolean;
  /** Whether the ledger has something that a command could act on. */
  readonly busy: boolean;
  /** One line for a person, or empty. */
  readonly note: string;
  /** Why a command that writes refuses, in one line; used where the endpoint is not known. */
  readonly refusal: string;
  readonly mayRemember: boolean;
}

/** What the ledger has about its database. `recorded` is false where it has nothing. */
type LinkAnswer = Row<'ledger/link' | 'ledger/link-older'> & { readonly recorded?: boolean };

const identities = new WeakMap<Client, DatabaseIdentity>();
/** Sessions on a server that accepted no writes when they began. */
const readOnly = new WeakSet<Client>();
const links = new WeakMap<Client, LedgerLink>();

/** The identity of a session's database; read once for each session. */
export async function readIdentity(client: Client): Promise<DatabaseIdentity> {
  const known = identities.get(client);
  if (known) return known;
  const found = await runOne(client, 'ledger/database');
  if (found.in_recovery) readOnly.add(client);
  const identity = {
    systemIdentifier: found.may_ask ? await systemIdentifier(client) : null,
    databaseOid: found.database_oid,
    database: found.database_name,
    endpoint: endpointOf(client),
  };
  identities.set(client, identity);
  return identity;
}

/** Null also where a managed service refuses what the privileges allow. */
async function systemIdentifier(client: Client): Promise<string | null> {
  const inTransaction = client.getTransactionStatus() === 'T';
  if (inTransaction) await client.query('SAVEPOINT identity');
  try {
    const [row] = await run(client, 'ledger/system-identifier');
    return row?.system_identifier ?? null;
  } catch (error) {
    if (!(error instanceof Error && 'severity' in error)) throw error;
    return null;
  } finally {
    if (inTransaction) await rollBackTo(client, 'identity');
  }
}

/** The identity as parameters of the SQL files. */
export function identityValues(identity: DatabaseIdentity) {
  return {
    system_identifier: identity.systemIdentifier ?? '',
    database_oid: identity.databaseOid,
    database_name: identity.database,
    endpoint: identity.endpoint,
  };
}

/**
 * Check before a row of the ledger is used. Done once for each session, until {@link forgetLink}.
 *
 * @param isOlder whether the ledger is older than the newest version, so that it may not record its database
 * @throws LedgerElsewhere when the ledger belongs to another database, or records none and does not match this one
 */
export async function requireLinked(client: Client, isOlder: boolean): Promise<LedgerLink> {
  const known = links.get(client);
  if (known) return known;
  const identity = await readIdentity(client);
  const row = await readLink(client, identity, isOlder);
  if (row.link_state === 'unlinked' || row.link_state === 'elsewhere') throw new LedgerElsewhere(row.link_refusal);
  const link = {
    identity,
    endpointKnown: row.endpoint_known,
    renamed: row.link_state === 'renamed',
    recorded: row.recorded !== false,
    busy: row.busy,
    note: row.link_note,
    refusal: row.endpoint_refusal,
    mayRemember: row.may_remember,
  };
  if (!isOlder) links.set(client, link);
  return link;
}

async function readLink(client: Client, identity: DatabaseIdentity, isOlder: boolean): Promise<LinkAnswer> {
  const values = identityValues(identity);
  if (isOlder) return runOne(client, 'ledger/link-older', { ...values, unmatched: await readUnmatched(client) });
  const row = await runOne(client, 'ledger/link', values).catch((error: unknown) => {
    throw toNamedError(error, 'SELECT FROM p2pfk.identity');
  });
  if (row.link_state !== 'unsure' && row.link_state !== 'unlinked') return row;
  const fits = (await readUnmatched(client)) === '';
  if (row.link_state === 'unsure') return { ...row, link_state: fits ? 'linked' : 'elsewhere' };
  return fits ? { ...row, link_state: 'linked', endpoint_known: true, link_note: '', recorded: false } : row;
}

/**
 * The first migration that does not match this database, in one line; empty where all of them match.
 *
 * @param migrationId only this migration; empty: all
 */
export async function readUnmatched(client: Client, migrationId = ''): Promise<string> {
  return (await runOne(client, 'ledger/unmatched', { migration_id: migrationId })).unmatched;
}

/** Whether this session has checked before, and found the newest ledger: then a further read needs no other query. */
export function isLinked(client: Client): boolean {
  return links.has(client);
}

/** Makes the session check again, after the ledger was made, upgraded or linked. */
export function forgetLink(client: Client): void {
  links.delete(client);
}

/**
 * Check before work that writes. An unknown endpoint, and a new name of the database, are recorded where the ledger has nothing
 * to act on, or where only the name is new.
 *
 * @throws LedgerElsewhere as {@link requireLinked}, and when the endpoint is not known, so that the database may be a copy
 */
export async function admitWriter(client: Client, isOlder: boolean): Promise<void> {
  const link = await requireLinked(client, isOlder);
  if (!link.endpointKnown && link.busy) throw new LedgerElsewhere(link.refusal);
  if ((link.endpointKnown && !link.renamed && link.recorded) || !link.mayRemember) return;
  const values = identityValues(link.identity);
  if (link.recorded) await run(client, 'ledger/link-again', values);
  else await run(client, 'ledger/link-first', { ...values, unmatched: '' });
  forgetLink(client);
}

/** Text for a message. */
export function describeIdentity({ systemIdentifier, databaseOid, database, endpoint }: DatabaseIdentity): string {
  return `database "${database}" (oid ${databaseOid}) of the cluster with system identifier ${systemIdentifier ?? 'unknown'}, at ${endpoint}`;
}

/**
 * Whether two identities are of one database. It keeps its oid when it is renamed; if it is dropped and restored, it gets another
 * one.
 */
export function isSameDatabase(one: DatabaseIdentity, other: DatabaseIdentity): boolean {
  if (one.databaseOid !== other.databaseOid) return false;
  if (one.systemIdentifier !== null && other.systemIdentifier !== null)
    return one.systemIdentifier === other.systemIdentifier;
  return one.database === other.database && isSameEndpoint(one.endpoint, other.endpoint);
}

/** Whether two endpoints are equal; all names of this machine count as one. */
export function isSameEndpoint(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

function plain(endpoint: string): string {
  return endpoint
    .toLowerCase()
    .split(',')
    .map((element) => element.replace(/^(127\.0\.0\.1|::1|\[::1\]):/, 'localhost:'))
    .sort()
    .join(',');
}

/** Whether it is the same database at the same endpoint: another endpoint may lead to a copy. */
export function isSamePlace(one: DatabaseIdentity, other: DatabaseIdentity): boolean {
  return isSameDatabase(one, other) && isSameEndpoint(one.endpoint, other.endpoint);
}

/**
 * Check before a step of an execution: its session has to lead to the database that the plan was made in, by the same endpoint.
 * Another endpoint may lead to a copy, whose ledger has this execution as the owner, too.
 *
 * @throws LedgerElsewhere where it leads to another database
 * @throws ConnectionLost when the server does not accept writes any more: after a failover the name may lead to the old primary
 *   for a while
 */
export async function requirePlannedDatabase(client: Client, planned: DatabaseIdentity): Promise<void> {
  const now = await readIdentity(client);
  if (isSamePlace(planned, now)) {
    if (!readOnly.has(client)) return;
    throw new ConnectionLost(
      `${describeIdentity(now)} is a standby by now and takes no writes: another server has become the primary; its name is looked up again`,
    );
  }
  throw new LedgerElsewhere(
    `refused, nothing was changed: this execution was planned in ${describeIdentity(planned)}, and its connection leads to ${describeIdentity(now)}; connect to the first one, or start a new execution`,
  );
}

/**
 * Check before an execution that writes makes its plan. Executions that only read are not checked.
 *
 * @throws ConnectionRefused on a standby: a retry does not help, because the first connection leads to the wrong server
 */
export async function refuseStandby(client: Client): Promise<void> {
  const now = await readIdentity(client);
  if (!readOnly.has(client)) return;
  throw new ConnectionRefused(
    `refused, nothing was changed: ${describeIdentity(now)} is a standby and takes no writes; connect to the primary`,
  );
}
