/** The console on another address of this machine: never the API, which asks nobody who he is. */
import { createServer, type RequestListener } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { InvalidInput } from '../../core/errors.ts';

export interface Elsewhere {
  /** `http://<host>:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

export const PASSWORD_VARIABLE = 'P2PFK_CONSOLE_PASSWORD';
const SHORTEST_PASSWORD = 12;

/** @throws InvalidInput where there is none, or one that is soon guessed */
export function passwordFor(host: string, env: NodeJS.ProcessEnv = process.env): string {
  const password = env[PASSWORD_VARIABLE] ?? '';
  if (password.length >= SHORTEST_PASSWORD) return password;
  throw new InvalidInput(
    `--host ${host} lets others reach the console: set ${PASSWORD_VARIABLE} to a password of at least ${SHORTEST_PASSWORD} characters, or leave --host out and use an SSH tunnel`,
  );
}

/**
 * @param host one address or name, the one that browsers will use: only requests that name it are answered
 * @throws InvalidInput where it is all addresses, or cannot be had
 */
export async function listenElsewhere(host: string, port: number, listener: RequestListener): Promise<Elsewhere> {
  if (isIP(host) !== 0 && /^[0:.]+$/.test(host)) {
    throw new InvalidInput(`--host must be one address or name of this machine, not ${host}, which is all of them`);
  }
  const name = isIPv6(host) ? `[${host}]` : host.toLowerCase();
  const server = createServer((request, response) => {
    const asked = (request.headers.host ?? '').toLowerCase().replace(/:\d+$/, '');
    if (asked === name) return listener(request, response);
    response.writeHead(403, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('The Host header names another machine.\n');
  });
  server.requestTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new InvalidInput(`the console cannot listen on ${host}, port ${port}: ${error.code ?? error.message}`)),
    );
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${name}:${actual}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
