/**
 * A file only strengthens a connection: what it says of TLS is refused where the connection would be better protected without it, be that
 * by a variable, by a default that follows from one, or by a file of the home directory.
 */
import { InvalidInput } from '../../core/contracts/errors.ts';
import { echoed } from '../../core/contracts/redact.ts';
import { CHOICES, type ConnectionSettings } from '../../core/postgres/libpq/keywords.ts';
import { addWhatIsLeftOut } from '../../core/postgres/libpq/parameters.ts';
import { effectiveMode, rootCertificateOfHome } from '../../core/postgres/libpq/tls.ts';

/**
 * @param place of the profile, for the message
 * @param file what counts of the profile: without what the environment has
 * @param readers settings of each reader, which takes from the file what it leaves out
 * @throws InvalidInput where a connection would be less protected than without the file
 */
export function refuseLessProtection(
  place: string,
  file: ConnectionSettings,
  readers: readonly ConnectionSettings[],
): void {
  // The host is no reader's.
  const { host: _, ...shared } = Object.fromEntries(file);
  const problem =
    weakened(new Map(), file) ??
    readers.map((own) => weakened(own, new Map(Object.entries(shared)))).find((one) => one !== null);
  if (problem) throw new InvalidInput(`${place}: the databaseUrl ${problem}`);
}

/** @param own of the connection string that the file only adds to: empty for the profile's own connection */
function weakened(own: ConnectionSettings, file: ConnectionSettings): string | null {
  const without = new Map(own);
  addWhatIsLeftOut(without);
  const together = new Map([...file, ...own]);
  addWhatIsLeftOut(together);
  const [before, after] = [effectiveMode(without), effectiveMode(together)];
  if (isWeaker('sslmode', after, before))
    return `has sslmode=${after}, and without the file it would be ${before}: leave it out, or set PGSSLMODE yourself`;
  const binding = file.get('channel_binding') ?? 'prefer';
  if (isWeaker('channel_binding', binding, 'prefer'))
    return `has channel_binding=${binding}, and without the file it would be prefer: leave it out, or set PGCHANNELBINDING yourself`;
  return otherAuthority(file.get('sslrootcert'), { own, without }) ?? unverified(file.get('host'), before);
}

interface WithoutFile {
  readonly own: ConnectionSettings;
  readonly without: ConnectionSettings;
}

/** Who decides which server is believed. */
function otherAuthority(authority: string | undefined, { own, without }: WithoutFile): string | null {
  if (!authority || own.get('sslrootcert')) return null;
  const there = without.get('sslrootcert') || rootCertificateOfHome();
  const named = `has sslrootcert=${echoed(authority)}`;
  const instead = 'leave it out, or set PGSSLROOTCERT yourself';
  if (there) return `${named}, which would take the place of ${echoed(there)}: ${instead}`;
  const mode = effectiveMode(without);
  if (!mode.startsWith('verify')) return null;
  return `${named}, but sslmode=${mode} was asked for elsewhere, and a file may not say who is believed then: ${instead}`;
}

/** Through a socket there is no TLS, and nothing is verified. */
function unverified(hosts: string | undefined, mode: string): string | null {
  const socket = hosts?.split(',').find((host) => host.trim().startsWith('/'));
  if (socket === undefined || !mode.startsWith('verify')) return null;
  return `has the socket in ${echoed(socket)} as its host, where nothing is verified, but sslmode=${mode} was asked for elsewhere: set PGHOST yourself`;
}

function isWeaker(keyword: 'sslmode' | 'channel_binding', value: string, than: string): boolean {
  const order = CHOICES[keyword] ?? [];
  return order.indexOf(value) < order.indexOf(than);
}
