/** The console on another address of this machine: never the API. */

import type { RequestListener } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { redact } from '../../core/contracts/redact.ts';
import { listen } from '../../local/step-functions/http.ts';

export interface Elsewhere {
  /** `http://<host>:<port>` */
  readonly url: string;
  close(): Promise<void>;
}

const PASSWORD_VARIABLE = 'P2PFK_CONSOLE_PASSWORD';
const SHORTEST_PASSWORD = 12;

/** @throws InvalidInput where there is none, or one that is soon guessed */
export function passwordFor(host: string, env: NodeJS.ProcessEnv = process.env): string {
  const password = env[PASSWORD_VARIABLE] ?? '';
  if (password.length >= SHORTEST_PASSWORD) return password;
  throw new InvalidInput(
    `--host ${redact(host)} lets others reach the console: set ${PASSWORD_VARIABLE} to a password of at least ${SHORTEST_PASSWORD} characters, or leave --host out and use an SSH tunnel`,
  );
}

/**
 * @param host one address or name, the one that browsers will use: only requests that name it are answered
 * @throws InvalidInput where it is all addresses, or cannot be had
 */
export async function listenElsewhere(
  host: string,
  port: number,
  listener: RequestListener,
  warn: (line: string) => void = () => undefined,
): Promise<Elsewhere> {
  if (isIP(host) !== 0 && /^[0:.]+$/.test(host)) {
    throw new InvalidInput(
      `--host must be one address or name of this machine, not ${redact(host)}, which is all of them`,
    );
  }
  const name = isIPv6(host) ? `[${host}]` : host.toLowerCase();
  try {
    const server = await listen({
      address: host,
      port,
      isOurs: (asked) => asked.toLowerCase().replace(/:\d{1,5}$/, '') === name,
      handle: listener,
      warn,
    });
    return { url: `http://${name}:${server.port}`, close: () => server.close() };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new InvalidInput(`the console cannot listen on ${redact(host)}, port ${port}: ${code ?? redact(message)}`);
  }
}
