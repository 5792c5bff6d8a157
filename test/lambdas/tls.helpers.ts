/** Certificates, and the front door of RDS: what asks for an IAM token over TLS before PostgreSQL is reached. */
import { execFileSync } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';

export interface Authority {
  /** File, PEM. */
  readonly certificate: string;
  /** A server certificate for `localhost`; files, PEM. */
  readonly server: { readonly certificate: string; readonly key: string };
}

/** A certificate authority of our own, with openssl. */
export function makeAuthority(folder: string, name: string): Authority {
  const path = (suffix: string) => join(folder, `${name}-${suffix}`);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const [caKey, certificate, key, request, signed] = ['ca.key', 'ca.pem', 'server.key', 'server.csr', 'server.pem'].map(
    path,
  ) as [string, string, string, string, string];
  openssl('req', '-x509', ...elliptic, '-keyout', caKey, '-out', certificate, '-days', '2', '-subj', `/CN=${name}`);
  openssl('req', ...elliptic, '-keyout', key, '-out', request, '-subj', '/CN=localhost');
  writeFileSync(path('names'), 'subjectAltName=DNS:localhost');
  const signing = ['-CA', certificate, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', path('names')];
  openssl('x509', '-req', '-in', request, ...signing, '-out', signed);
  return { certificate, server: { certificate: signed, key } };
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface FrontDoor {
  readonly port: number;
  /** Milliseconds that its clock is ahead. */
  clockAheadMs: number;
  /** Why tokens were refused. */
  readonly refusals: string[];
  close(): void;
}

interface FrontDoorOptions {
  readonly authority: Authority;
  readonly credentials: Credentials;
  /** PostgreSQL behind it, which trusts what comes through. */
  readonly upstreamPort: number;
}

const SSL_REQUEST_LENGTH = 8;

/** Speaks PostgreSQL's protocol up to the password, checks it as RDS does, and from there on only passes bytes on. */
export async function openFrontDoor({ authority, credentials, upstreamPort }: FrontDoorOptions): Promise<FrontDoor> {
  const tls = { cert: readFileSync(authority.server.certificate), key: readFileSync(authority.server.key) };
  const sockets = new Set<Socket>();
  const door = { port: 0, clockAheadMs: 0, refusals: [] as string[], close: () => {} };
  const server = createServer((plain) => {
    sockets.add(plain);
    plain.on('error', () => undefined);
    plain.once('data', (request) => {
      if (request.length !== SSL_REQUEST_LENGTH) {
        plain.destroy();
        return;
      }
      plain.write('S');
      const secure = new TLSSocket(plain, { isServer: true, ...tls });
      secure.on('error', () => undefined);
      secure.once('data', (startup) => {
        const user = /user\0([^\0]+)\0/.exec(startup.toString('latin1'))?.[1] ?? '';
        // AuthenticationCleartextPassword: what RDS asks for when a role has rds_iam.
        secure.write(message('R', Buffer.from([0, 0, 0, 3])));
        secure.once('data', (answer) => {
          const token = answer.subarray(5, -1).toString('utf8');
          const problem = problemOf(token, { user, port: door.port, credentials, now: Date.now() + door.clockAheadMs });
          if (problem !== null) {
            door.refusals.push(problem);
            const text = `PAM authentication failed for user "${user}"`;
            secure.end(message('E', Buffer.from(`SFATAL\0VFATAL\0C28P01\0M${text}\0\0`)));
            return;
          }
          const upstream = connect(upstreamPort, '127.0.0.1', () => upstream.write(startup));
          sockets.add(upstream);
          upstream.on('error', () => secure.destroy());
          upstream.pipe(secure).pipe(upstream);
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  door.port = (server.address() as AddressInfo).port;
  door.close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return door;
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

interface Expected {
  readonly user: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly now: number;
}

/** Signature Version 4 of a presigned GET, worked out anew from AWS's description; null when the token is good. */
function problemOf(token: string, { user, port, credentials, now }: Expected): string | null {
  const url = new URL(`https://${token}`);
  const { searchParams: query } = url;
  if (url.host !== `localhost:${port}`) return 'for another host';
  if (query.get('Action') !== 'connect' || query.get('DBUser') !== user) return 'for another user';
  if (query.get('X-Amz-Security-Token') !== credentials.sessionToken) return 'of another session';
  const date = query.get('X-Amz-Date') ?? '';
  const signedAt = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (now > signedAt + Number(query.get('X-Amz-Expires')) * 1_000) return 'expired';

  const encode = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  const canonicalQuery = [...query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const request = ['GET', '/', canonicalQuery, `host:${url.host}`, '', 'host', sha256('')].join('\n');
  const [accessKeyId, ...scope] = (query.get('X-Amz-Credential') ?? '').split('/');
  if (accessKeyId !== credentials.accessKeyId || scope[2] !== 'rds-db') return 'by another key';
  const toSign = ['AWS4-HMAC-SHA256', date, scope.join('/'), sha256(request)].join('\n');
  const key = scope.reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${credentials.secretAccessKey}`,
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return signature === query.get('X-Amz-Signature') ? null : 'not signed by this key';
}
