/** Connection strings of readers: which ones this process was given, and what each takes from the primary's. */
import { refuseSharedEndpoint } from '../../contracts/aws/rds-endpoints.ts';
import { InvalidInput } from '../../contracts/errors.ts';
import { asKeywords, connectionStringsIn, parseConnectionString } from './connection-string.ts';
import { HOST_OF_FILE, READERS } from './keywords.ts';
import { resolveParameters } from './parameters.ts';

/** Not taken from the primary: what leads to a server. */
const OF_ONE_SERVER = new Set([HOST_OF_FILE, 'host', 'hostaddr', 'target_session_attrs', 'load_balance_hosts']);

/** In their order, each once. */
export function readerUrls(): string[] {
  return connectionStringsIn(process.env[READERS] ?? '');
}

/**
 * Complete: what the reader's URL leaves out (user, password, database, port, TLS) is the primary's.
 *
 * @param databaseUrl the primary's
 * @throws InvalidInput where the URL cannot be read, or leads to more than one server
 */
export function readerConnectionString(url: string, databaseUrl: string | undefined): string {
  const settings = new Map<string, string>();
  for (const [keyword, value] of databaseUrl ? parseConnectionString(databaseUrl) : [])
    if (!OF_ONE_SERVER.has(keyword) && !(keyword === 'port' && value.includes(','))) settings.set(keyword, value);
  // Set although they are empty: otherwise the environment's would be taken, which are meant for the primary.
  settings.set('hostaddr', '');
  settings.set('target_session_attrs', 'any');
  for (const [keyword, value] of parseConnectionString(url)) settings.set(keyword, value);
  const complete = asKeywords(settings);
  refuseSeveralServers(complete);
  return complete;
}

function refuseSeveralServers(complete: string): void {
  const names = resolveParameters(complete).hosts.map(({ host, address }) => host || address);
  for (const name of names) refuseSharedEndpoint(name);
  if (names.length === 1) return;
  throw new InvalidInput(`${names.join(',')} is not one server: give --reader once for each`);
}
