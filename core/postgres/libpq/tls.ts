/**
 * What `sslmode` and its files mean for node-postgres, as libpq reads them.
 * https://www.postgresql.org/docs/current/libpq-ssl.html
 */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import tls, { type ConnectionOptions, type PeerCertificate } from 'node:tls';
import { InvalidInput } from '../../contracts/errors.ts';
import { shellWord } from '../../contracts/safe-text.ts';
import { inHome } from './home.ts';
import type { ConnectionSettings } from './keywords.ts';
import { type Host, isSocket } from './parameters.ts';
import type { Transport } from './transport.ts';

/** PEM of the authorities, and `verify-full` regardless of the settings; for a caller that has its own. */
export interface PinnedAuthority {
  readonly certificateAuthority: string;
}

const PLAIN: Transport = { tls: null, orPlain: false };

/**
 * In the order in which they are to be tried: `allow` and `prefer` have two.
 *
 * @throws InvalidInput for a file that cannot be read, or settings that contradict each other or the host that is used by default
 */
export function transportsFor(
  host: Host,
  settings: ConnectionSettings,
  pinned?: PinnedAuthority,
): readonly Transport[] {
  if (isSocket(host)) {
    refuseUnverified(host, settings, pinned);
    return [PLAIN];
  }
  if (pinned) {
    const options = { ca: pinned.certificateAuthority, rejectUnauthorized: true, ...names(host) };
    return [{ tls: options, orPlain: false }];
  }
  const mode = sslMode(settings);
  if (settings.get('sslnegotiation') === 'direct' && ['disable', 'allow', 'prefer'].includes(mode)) {
    throw new InvalidInput(`sslnegotiation=direct needs sslmode=require or stronger, and it is ${mode}`);
  }
  if (mode === 'disable') return [PLAIN];
  const secure = { tls: secureOptions(host, mode, settings), orPlain: mode === 'prefer' };
  if (mode === 'allow') return [PLAIN, secure];
  return mode === 'prefer' ? [secure, PLAIN] : [secure];
}

/**
 * Through a socket there is no TLS with any `sslmode`, as in libpq. A person who names the socket knows that; one who asked for a
 * verified server and named none may have forgotten the host.
 */
function refuseUnverified({ address, byDefault }: Host, settings: ConnectionSettings, pinned?: PinnedAuthority): void {
  const mode = pinned ? 'verify-full' : sslMode(settings);
  if (!byDefault || !mode.startsWith('verify')) return;
  throw new InvalidInput(
    `sslmode=${mode} needs a host, and none is given: name it in the database URL or PGHOST (PGHOST=${address} for the local socket, which is not verified)`,
  );
}

/** As these settings have it, or as it follows from them; they may still contradict each other. */
export function effectiveMode(settings: ConnectionSettings): string {
  return settings.get('sslmode') ?? (settings.get('sslrootcert') === 'system' ? 'verify-full' : 'prefer');
}

function sslMode(settings: ConnectionSettings): string {
  const mode = effectiveMode(settings);
  // Anybody can have a certificate of a public authority: without the host name it proves nothing.
  if (settings.get('sslrootcert') === 'system' && mode !== 'verify-full' && mode !== 'disable') {
    throw new InvalidInput(`sslrootcert=system needs sslmode=verify-full, and it is ${mode}`);
  }
  return mode;
}

function secureOptions(host: Host, mode: string, settings: ConnectionSettings): ConnectionOptions {
  const ca = authorities(settings);
  if (ca === undefined && mode.startsWith('verify')) {
    throw new InvalidInput(
      `sslmode=${mode} needs the certificate authority of the server: there is no ${inFolder('root.crt')}; give sslrootcert=FILE (PGSSLROOTCERT), or sslrootcert=system for a certificate of a public authority`,
    );
  }
  return {
    ...names(host),
    // A root certificate is used wherever there is one, as libpq does, even with a mode that does not ask for it.
    ...(ca === undefined ? { rejectUnauthorized: false } : { ca, ...revoked(settings), ...verified(host, mode) }),
    ...clientCertificate(settings),
    ...protocolVersions(settings),
  };
}

/** PEM; undefined where nothing is to be verified. */
function authorities(settings: ConnectionSettings): string | string[] | undefined {
  const given = settings.get('sslrootcert');
  if (given === 'system') {
    // Not an import by name: Node before 22.15 does not have it, and would not load this file.
    const ofSystem = 'getCACertificates' in tls ? tls.getCACertificates('system') : [];
    // A small container image has none either; Node brings those of Mozilla.
    return ofSystem.length > 0 ? ofSystem : [...tls.rootCertificates];
  }
  const file = given || rootCertificateOfHome();
  if (!file) return undefined;
  const text = readPem(file, 'the root certificate', 'sslrootcert');
  if (!/-----BEGIN (TRUSTED )?CERTIFICATE-----/.test(text)) {
    throw new InvalidInput(`the root certificate ${file} (sslrootcert) is not in PEM format`);
  }
  return text;
}

/** The file that counts where none is named; null where there is none. */
export function rootCertificateOfHome(): string | null {
  const file = inFolder('root.crt');
  return existsSync(file) ? file : null;
}

function revoked(settings: ConnectionSettings): ConnectionOptions {
  const file = settings.get('sslcrl') || inFolder('root.crl');
  const folder = settings.get('sslcrldir');
  const lists = settings.get('sslcrl') || existsSync(file) ? [readPem(file, 'the revocation list', 'sslcrl')] : [];
  if (folder) {
    for (const name of namesIn(folder)) lists.push(readPem(join(folder, name), 'the revocation list', 'sslcrldir'));
  }
  return lists.length > 0 ? { crl: lists } : {};
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    throw new InvalidInput(`the folder of revocation lists ${folder} (sslcrldir) cannot be read`, {}, { cause: error });
  }
}

/** The name that is asked for and checked, where `hostaddr` leads somewhere by its address. */
function names({ host, address }: Host): ConnectionOptions {
  return { host: host || address, ...(isIP(host) || host === '' ? {} : { servername: host }) };
}

function verified({ host }: Host, mode: string): ConnectionOptions {
  if (mode !== 'verify-full') return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
  if (host === '') throw new InvalidInput('sslmode=verify-full needs a host name beside hostaddr');
  return { rejectUnauthorized: true, checkServerIdentity: (_, certificate) => identityProblem(host, certificate) };
}

/** Where libpq and Node differ: libpq takes an address also from a DNS name or the common name, where there is no address. */
function identityProblem(host: string, { raw }: PeerCertificate): Error | undefined {
  const certificate = new X509Certificate(raw);
  const strict = { wildcards: true, partialWildcards: false, multiLabelWildcards: false } as const;
  const matches = isIP(host)
    ? certificate.checkIP(host) ||
      certificate.checkHost(host, { wildcards: false, subject: hasAddress(certificate) ? 'never' : 'default' })
    : certificate.checkHost(host, strict);
  if (matches) return undefined;
  return new Error(`the certificate of the server does not match its host name ${host} (sslmode=verify-full)`);
}

function hasAddress({ subjectAltName }: X509Certificate): boolean {
  return /(^|, )IP Address:/.test(subjectAltName ?? '');
}

function clientCertificate(settings: ConnectionSettings): ConnectionOptions {
  if (settings.get('sslcertmode') === 'disable') return {};
  const file = settings.get('sslcert') || inFolder('postgresql.crt');
  if (!settings.get('sslcert') && !existsSync(file)) return {};
  const cert = readPem(file, 'the client certificate', 'sslcert');
  const keyFile = settings.get('sslkey') || inFolder('postgresql.key');
  const key = readPem(keyFile, 'the private key', 'sslkey');
  refuseOpenKey(keyFile);
  const passphrase = settings.get('sslpassword');
  if (/ENCRYPTED/.test(key) && !passphrase) {
    throw new InvalidInput(`the private key ${keyFile} (sslkey) is encrypted: give sslpassword`);
  }
  return { cert, key, ...(passphrase ? { passphrase } : {}) };
}

/** The rule of libpq: only the owner may read it; a key of root, also a group. */
function refuseOpenKey(file: string): void {
  if (process.platform === 'win32') return;
  const { mode, uid } = statSync(file);
  const forbidden = uid === 0 ? 0o027 : 0o077;
  if ((mode & forbidden) === 0) return;
  throw new InvalidInput(
    `the private key ${file} (sslkey) may be read by its group or others: chmod 0600 ${shellWord(file)}`,
  );
}

function protocolVersions(settings: ConnectionSettings): ConnectionOptions {
  const options: ConnectionOptions = {};
  const [oldest, newest] = [settings.get('ssl_min_protocol_version'), settings.get('ssl_max_protocol_version')];
  if (isVersion(oldest)) options.minVersion = oldest;
  if (isVersion(newest)) options.maxVersion = newest;
  return options;
}

function isVersion(text: string | undefined): text is 'TLSv1' | 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3' {
  return text !== undefined && text !== '';
}

function inFolder(name: string): string {
  return inHome('.postgresql', name);
}

/** A file that was named has to be there: libpq would go on without it, and verify nothing. */
function readPem(file: string, what: string, keyword: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidInput(`${what} ${file} (${keyword}) cannot be read`, {}, { cause: error });
  }
}
