/**
 * What `p2pfk doctor` finds out about the server, this role and the ledger, each check with a remedy. Reads catalogs and settings
 * alone, in a session of {@link connectReadOnly}.
 */
import type { Client } from 'pg';
import { LOCK_TABLE_SHARE, locksOfDrop, OLDEST_VERSION, readServer, type Server } from '../catalog/server-facts.ts';
import { P2pfkError } from '../contracts/errors.ts';
import { checkLedger, isLedgerReadable, readLink, refuseDrift } from '../ledger/schema/state.ts';
import { resolveParameters } from '../postgres/libpq/parameters.ts';
import { toNamedError } from '../postgres/postgres-errors.ts';
import { runAsLogin } from '../postgres/session/as-login.ts';
import { usesSessionPooler } from '../postgres/session/pooler.ts';
import { endpointOf } from '../postgres/session/session-endpoint.ts';
import { contained } from '../postgres/session/transactions.ts';
import { type Row, runOne } from '../postgres/sql.ts';
import { testedMinor } from './preflight/server-findings.ts';
import { checkStandbys } from './preflight/standby-findings.ts';

/** `problem`: p2pfk cannot work; `warning`: it can, and a person should know this first. */
export type DoctorStatus = 'ok' | 'warning' | 'problem';

/** One line of `p2pfk doctor`. */
export interface DoctorCheck {
  readonly id: string;
  readonly status: DoctorStatus;
  readonly message: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
}

export function ok(id: string, message: string): DoctorCheck {
  return { id, status: 'ok', message, remedy: '' };
}

export function warning(id: string, message: string, remedy: string): DoctorCheck {
  return { id, status: 'warning', message, remedy };
}

export function problem(id: string, message: string, remedy: string): DoctorCheck {
  return { id, status: 'problem', message, remedy };
}

type Facts = Row<'checks/doctor'>;

/** All checks of a session, in the order in which they are shown. None of them stops the next ones. */
export async function examine(client: Client, databaseUrl: string | undefined): Promise<DoctorCheck[]> {
  const server = await readServer(client);
  const facts = await runOne(client, 'checks/doctor');
  const [tls] = await runAsLogin(client, 'checks/session-tls');
  return [
    connection(client, server, tls, databaseUrl),
    pooler(),
    serverVersion(server),
    ...role(server, facts),
    lockTable(server, facts),
    ...settings(facts),
    connections(server, facts),
    ...(await standbys(client, server)),
    await ledger(client, server),
  ];
}

/** Addresses that no network is between: a socket, or this machine. */
const LOCAL = /^(?:\/|127\.[\d.]+$|localhost$|::1$)/;

function connection(
  client: Client,
  { role, session_user: login, database }: Server,
  tls: Row<'checks/session-tls'> | undefined,
  databaseUrl: string | undefined,
): DoctorCheck {
  const { settings } = resolveParameters(databaseUrl);
  const as = role === login ? `as ${login}` : `as ${login}, acting as ${role}`;
  const where = `${endpointOf(client)}/${database} ${as}`;
  const version = tls?.ssl === true ? (tls.ssl_version ?? 'TLS') : null;
  return encryption(where, { host: client.host, version, mode: settings.get('sslmode') ?? 'prefer' });
}

/** @param version of TLS; null: there is none */
export function encryption(
  where: string,
  { host, version, mode }: { readonly host: string; readonly version: string | null; readonly mode: string },
): DoctorCheck {
  const remedy =
    'set PGSSLMODE=verify-full and PGSSLROOTCERT to the certificate of the authority, or sslmode and sslrootcert in the database URL';
  if (LOCAL.test(host))
    return ok('connection', `${where}, ${version === null ? 'without TLS' : `with ${version}`}, on this machine`);
  if (version === null)
    return warning('connection', `${where}, without TLS: others in the network can read it`, remedy);
  if (mode !== 'verify-full')
    return warning(
      'connection',
      `${where}, with ${version}, but it is not verified which server this is (sslmode=${mode})`,
      remedy,
    );
  return ok('connection', `${where}, with ${version}, verified`);
}

/** A session through a pooler that was not declared is refused before anything is asked. */
function pooler(): DoctorCheck {
  if (!usesSessionPooler()) return ok('pooler', 'none: the server itself has answered');
  return warning(
    'pooler',
    'there may be one, which is taken to be in session mode (--session-pooler)',
    'connect to the server directly if you can: in transaction mode our settings and locks would reach the application',
  );
}

function serverVersion(server: Server): DoctorCheck {
  const named = `PostgreSQL ${server.version}`;
  if (server.version_num < OLDEST_VERSION)
    return problem('server-version', `${named} is older than 13`, 'upgrade the server: p2pfk supports 13 to 18');
  const minor = testedMinor(server);
  if (minor === undefined)
    return warning(
      'server-version',
      `${named} is newer than this p2pfk, which was tested with 13 to 18`,
      'look for a newer p2pfk, and rehearse first (p2pfk migrate --rehearse)',
    );
  if (server.version_num % 10_000 < minor)
    return warning(
      'server-version',
      `${named} is supported, but is not the newest minor version`,
      `update to the newest one, at least ${Math.floor(server.version_num / 10_000)}.${minor}: it needs a restart only`,
    );
  return ok('server-version', `${named} is supported (13 to 18)`);
}

function role(server: Server, facts: Facts): DoctorCheck[] {
  const { role: name, database } = server;
  const ledgerRight = server.ledger_exists
    ? server.can_use_ledger
      ? ok('ledger-right', `role ${name} may write to the ledger, schema p2pfk`)
      : warning(
          'ledger-right',
          `role ${name} may not write to the ledger, schema p2pfk: it can plan, but not migrate`,
          'run as the role that owns schema p2pfk, or as a member of it with --ledger-owner',
        )
    : server.can_create_schema
      ? ok('ledger-right', `role ${name} may create the ledger, schema p2pfk`)
      : warning(
          'ledger-right',
          `role ${name} may not create the ledger, schema p2pfk: it can plan, but not migrate`,
          `let a superuser or the database's owner GRANT CREATE ON DATABASE ${database} to it, or create schema p2pfk with it as the owner`,
        );
  const sees = facts.sees_all
    ? ok('monitoring', `role ${server.session_user} sees the sessions of other roles`)
    : warning(
        'monitoring',
        `role ${server.session_user} cannot see the sessions of other roles: who holds a lock is not told, and --max-active-sessions, --max-replica-lag and --reader do not work`,
        `GRANT pg_monitor TO ${server.session_user}, if it is to see them`,
      );
  return [ownership(server, facts), ledgerRight, sees];
}

function ownership({ role: name }: Server, { keys, owned }: Facts): DoctorCheck {
  if (keys === 0)
    return warning(
      'ownership',
      'no foreign key between two partitioned tables is left in this database',
      'there is nothing to migrate here: is it the right database?',
    );
  const all = `${keys} ${keys === 1 ? 'foreign key' : 'foreign keys'} between partitioned tables`;
  if (owned === keys) return ok('ownership', `role ${name} owns the tables of all ${all}`);
  return warning(
    'ownership',
    `role ${name} owns the tables of ${owned} of ${all}: it cannot migrate the others`,
    'run as the owner of both tables, or as a member of that role; p2pfk doctor --table T names the owner',
  );
}

export function lockTable(
  { lock_table_capacity: capacity }: Pick<Server, 'lock_table_capacity'>,
  { most_leaves: leaves }: Pick<Facts, 'most_leaves'>,
): DoctorCheck {
  const needed = locksOfDrop(leaves);
  if (leaves > 0 && needed > capacity * LOCK_TABLE_SHARE)
    return warning(
      'lock-table',
      `max_locks_per_transaction leaves room for ${capacity} locks, and the drop on the largest table, with ${leaves} partitions, takes about ${needed}`,
      'raise max_locks_per_transaction and restart the server',
    );
  return ok(
    'lock-table',
    leaves === 0
      ? `room for ${capacity} locks (max_locks_per_transaction)`
      : `room for ${capacity} locks (max_locks_per_transaction); the drop on the largest table, with ${leaves} partitions, takes about ${needed}`,
  );
}

function settings({ server_settings: found }: Facts): DoctorCheck[] {
  const startValue = (name: string): string | undefined => found.find((one) => one.name === name)?.value;
  const checks: DoctorCheck[] = [];
  if (startValue('default_transaction_read_only') === 'on')
    checks.push(
      warning(
        'settings',
        'default_transaction_read_only is on for this role or database; sessions of p2pfk that write set it off',
        'find out why it is on before you migrate: ALTER ROLE or ALTER DATABASE ... SET it',
      ),
    );
  const replication = startValue('session_replication_role');
  if (replication !== undefined)
    checks.push(
      warning(
        'settings',
        `session_replication_role is ${replication} for this role or database: rows that its sessions write are not checked by foreign keys`,
        'ALTER ROLE or ALTER DATABASE ... RESET session_replication_role; p2pfk plan --count-orphans shows what has entered',
      ),
    );
  const others = found.filter(
    ({ name }) => name !== 'default_transaction_read_only' && name !== 'session_replication_role',
  );
  checks.push(
    others.length === 0
      ? ok('timeouts', 'lock_timeout and the other limits have their defaults; p2pfk sets its own in each session')
      : ok(
          'timeouts',
          `${others.map(({ name, value }) => `${name} = ${value}`).join(', ')} for this role or database; p2pfk sets its own in each session`,
        ),
  );
  return checks;
}

/** Sessions of an execution with the default --max-concurrency, and those that look and hold keys. */
const SESSIONS = 10;

function connections({ database, session_user: login }: Server, facts: Facts): DoctorCheck {
  const limits: readonly (readonly [limit: number, what: string])[] = [
    [facts.role_limit, `role ${login} may have`],
    [facts.database_limit, `database ${database} may have`],
  ];
  for (const [limit, what] of limits)
    if (limit >= 0 && limit < SESSIONS)
      return warning(
        'connections',
        `${what} ${limit} sessions at once, and an execution needs up to ${SESSIONS}`,
        'lower --max-concurrency, or raise the CONNECTION LIMIT',
      );
  const free = facts.max_connections - facts.used_connections;
  if (free < SESSIONS)
    return warning(
      'connections',
      `${facts.used_connections} of ${facts.max_connections} sessions are in use, and an execution needs up to ${SESSIONS}`,
      'lower --max-concurrency, end idle sessions, or raise max_connections',
    );
  return ok('connections', `${facts.used_connections} of ${facts.max_connections} sessions are in use`);
}

async function standbys(client: Client, server: Server): Promise<DoctorCheck[]> {
  if (server.in_recovery)
    return [
      problem(
        'primary',
        'this server is a standby: p2pfk can plan and verify here, but change nothing',
        'connect to the primary; with several hosts, target_session_attrs=read-write finds it',
      ),
    ];
  const checks = [ok('primary', 'this server accepts changes')];
  try {
    for (const { severity, message, remedy } of await contained(client, () => checkStandbys(client)))
      checks.push(severity === 'info' ? ok('readers', message) : warning('readers', message, remedy));
  } catch (thrown) {
    checks.push(problem('readers', messageOfThrown(thrown), 'correct --reader or P2PFK_READERS'));
  }
  return checks;
}

async function ledger(client: Client, server: Server): Promise<DoctorCheck> {
  try {
    return await contained(client, () => stateOfLedger(client, server));
  } catch (thrown) {
    return problem('ledger', messageOfThrown(thrown), 'docs/operations.md, "The ledger", tells what to do');
  }
}

async function stateOfLedger(client: Client, { ledger_exists: exists }: Server): Promise<DoctorCheck> {
  const { has_tables: hasTables, is_copy: isCopy, is_older: isOlder } = await checkLedger(client);
  if (!exists || !hasTables) return ok('ledger', 'there is none yet: the first migration makes it, schema p2pfk');
  if (isCopy)
    return warning(
      'ledger',
      'the ledger is a copy that logical replication has made, and is not used',
      'migrate at the publisher; docs/operations.md has what to do here',
    );
  if (!(await isLedgerReadable(client)))
    return warning(
      'ledger',
      'there is a ledger, schema p2pfk, that this role may not read',
      'let its owner GRANT USAGE ON SCHEMA p2pfk and SELECT ON ALL TABLES IN SCHEMA p2pfk to this role',
    );
  const link = await readLink(client);
  if (isOlder)
    return warning(
      'ledger',
      'the ledger is of an older version',
      'p2pfk audit --fix --run by its owner upgrades it, as the next migrate or rollback does; row-movement guards call its functions',
    );
  await refuseDrift(client);
  const { newest_version: version } = await runOne(client, 'ledger/version');
  if (link !== null && !link.endpointKnown && link.busy)
    return warning(
      'ledger',
      link.note,
      'p2pfk audit --relink links the ledger to this database, if it is the right one',
    );
  return ok('ledger', `version ${version}, of this database, in the shape of its version`);
}

function messageOfThrown(thrown: unknown): string {
  const error = toNamedError(thrown);
  return error instanceof P2pfkError ? error.message : String(error);
}
