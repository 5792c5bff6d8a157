/**
 * Connection parameters put together as libpq does: the connection string, then the service that it or PGSERVICE names, then
 * the environment, then defaults. Reads files, opens no connection.
 */
import { channel } from 'node:diagnostics_channel';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import { InvalidInput } from '../../contracts/errors.ts';
import { keepSecret } from '../../contracts/redact.ts';
import { parseConnectionString } from './connection-string.ts';
import { DEFAULT_SOCKET_FOLDER } from './default-socket.ts';
import { type ConnectionSettings, checkValues, HOST_OF_FILE, KEYWORDS, PARAMETERS_READ } from './keywords.ts';
import { readService } from './service-file.ts';

export interface Host {
  /** A name, an address, or the directory of a Unix-domain socket. The certificate is checked against it. */
  readonly host: string;
  /** The address to connect to, where the name is not to be looked up; otherwise the host. */
  readonly address: string;
  readonly port: number;
  /** No host was given: {@link DEFAULT_SOCKET_FOLDER}, whose socket is looked at before it is used. */
  readonly byDefault?: true;
  /** A file of the working directory named it: see {@link HOST_OF_FILE}. */
  readonly ofFile?: true;
}

export interface Parameters {
  /** Tried in this order; at least one. */
  readonly hosts: readonly Host[];
  readonly user: string;
  readonly database: string;
  /** Of the connection string, the service or PGPASSWORD; the password file is read when a server asks. */
  readonly password: string | undefined;
  /** Everything else, by libpq's keyword; values are checked. */
  readonly settings: ConnectionSettings;
}

const DEFAULT_PORT = 5432;

const parametersRead = channel(PARAMETERS_READ);

/**
 * @param databaseUrl a URI or `keyword=value` string; undefined or empty leaves all to the environment
 * @throws InvalidInput where psql would refuse the parameters before it connects
 */
export function resolveParameters(databaseUrl: string | undefined): Parameters {
  const settings = new Map(databaseUrl ? parseConnectionString(databaseUrl) : []);
  addWhatIsLeftOut(settings);
  for (const keyword of ['password', 'sslpassword']) keepSecret(settings.get(keyword));
  checkNames(settings);
  checkValues(settings);
  const user = settings.get('user') || operatingSystemUser();
  const hosts = hostsOf(settings);
  parametersRead.publish(undefined);
  return {
    hosts,
    user,
    database: settings.get('dbname') || user,
    password: settings.get('password') || undefined,
    settings,
  };
}

/** What a connection string with these settings leaves to its service and the environment; the files of the home directory come later. */
export function addWhatIsLeftOut(settings: Map<string, string>): void {
  const service = settings.get('service') || process.env.PGSERVICE;
  if (service) addMissing(settings, readService(service));
  addMissing(settings, fromEnvironment());
  if (process.env.PGREQUIRESSL === '1') addMissing(settings, new Map([['sslmode', 'require']]));
}

/** Messages, the ledger and reports name host and database: neither may hold what is meant to be a password. */
function checkNames(settings: ConnectionSettings): void {
  // A path may have an "@"; libpq's abstract sockets, which begin with one, are none of the driver's.
  if (listOf(settings.get('host')).some((host) => host.includes('@') && !host.startsWith('/'))) {
    throw new InvalidInput(
      'the host has an "@": in the database URL a password with one is written with %40; host and PGHOST are a name alone',
    );
  }
  if (/:\/\/|\bpassword\s*=/i.test(settings.get('dbname') ?? '')) {
    throw new InvalidInput(
      'the database name is a connection string: give that as --database-url or DATABASE_URL, and the name alone as dbname or PGDATABASE',
    );
  }
}

function addMissing(settings: Map<string, string>, more: ConnectionSettings): void {
  for (const [keyword, value] of more) if (!settings.has(keyword)) settings.set(keyword, value);
}

/** An empty variable is no setting: that is how an optional one arrives from a script or a compose file. */
function fromEnvironment(): ConnectionSettings {
  const found = new Map<string, string>();
  for (const [keyword, variable] of Object.entries(KEYWORDS)) {
    const value = variable === null ? undefined : process.env[variable];
    if (value) found.set(keyword, value);
  }
  return found;
}

function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user id that has no name.
    throw new InvalidInput('there is no user name: set PGUSER, or user in the database URL');
  }
}

function hostsOf(settings: ConnectionSettings): Host[] {
  const names = listOf(settings.get('host'));
  const addresses = listOf(settings.get('hostaddr'));
  const ports = listOf(settings.get('port'));
  // Passwords and certificates are those of `host`: by the address nothing is looked up, and no socket of another user is reached.
  if (addresses.some((address) => address !== '' && isIP(address) === 0)) {
    throw new InvalidInput(
      'hostaddr and PGHOSTADDR take IP addresses, such as 192.0.2.1: give a name, or the directory of a socket, as host',
    );
  }
  const count = Math.max(addresses.length, names.length, 1);
  if (names.length > 0 && addresses.length > 0 && names.length !== addresses.length) {
    throw new InvalidInput(`there are ${names.length} hosts, but ${addresses.length} addresses in hostaddr`);
  }
  if (ports.length > 1 && ports.length !== count) {
    throw new InvalidInput(`there are ${ports.length} ports for ${count} ${count === 1 ? 'host' : 'hosts'}`);
  }
  return Array.from({ length: count }, (_, index) => {
    const port = portOf(ports.length > 1 ? ports[index] : ports[0]);
    const address = addresses[index];
    const host = names[index] ?? '';
    const ofFile = settings.has(HOST_OF_FILE) ? ({ ofFile: true } as const) : {};
    if (host || address) return { host, address: address || host, port, ...ofFile };
    // As in libpq, which has no sockets there either.
    if (process.platform === 'win32') return { host: 'localhost', address: 'localhost', port };
    return { host: DEFAULT_SOCKET_FOLDER, address: DEFAULT_SOCKET_FOLDER, port, byDefault: true };
  });
}

function listOf(value: string | undefined): string[] {
  return value ? value.split(',').map((each) => each.trim()) : [];
}

/** Without the value: a password that is not encoded may have ended up there. */
function portOf(text: string | undefined): number {
  if (!text) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    throw new InvalidInput('the database URL or PGPORT has a port that is not a number from 1 to 65535');
  }
  return port;
}

/** Whether TLS cannot be spoken there. */
export function isSocket({ address }: Host): boolean {
  return address.startsWith('/');
}
