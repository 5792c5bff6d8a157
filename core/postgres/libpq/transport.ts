/**
 * A connected socket to a server, over TLS or not. It is negotiated here and not by node-postgres, which cannot go on in plain
 * text on the same connection where a server has no TLS.
 */
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { type Host, isSocket } from './parameters.ts';

/** One way to speak to a host. */
export interface Transport {
  /** Null: plain text. */
  readonly tls: ConnectionOptions | null;
  /** Go on in plain text where the server answers that it has no TLS. */
  readonly orPlain: boolean;
}

export interface TransportOptions {
  readonly timeoutMs: number;
  /** TLS from the first byte on, as PostgreSQL 17 and newer can. */
  readonly direct: boolean;
  /** Seconds; 0: as the operating system has it. Null: no keep-alive. */
  readonly keepAliveIdleS: number | null;
}

export interface Connected {
  readonly socket: Socket;
  readonly encrypted: boolean;
}

/** Length, and the code that asks for TLS. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** @throws Error of Node for a network or a certificate, or one of ours for an answer of the server */
export async function openTransport(host: Host, transport: Transport, options: TransportOptions): Promise<Connected> {
  const { address, port } = host;
  const path = `${address}/.s.PGSQL.${port}`;
  const socket = isSocket(host) ? connect({ path }) : connect({ host: address, port });
  let open: Socket = socket;
  const timer = setTimeout(() => open.destroy(new Error('timeout expired')), options.timeoutMs);
  try {
    await once(socket, 'connect');
    socket.setNoDelay(true);
    if (options.keepAliveIdleS !== null) socket.setKeepAlive(true, options.keepAliveIdleS * 1_000);
    if (transport.tls === null) return { socket, encrypted: false };
    if (!options.direct && !(await acceptsTls(socket))) {
      if (transport.orPlain) return { socket, encrypted: false };
      throw new Error('the server does not support SSL, but SSL was required (sslmode)');
    }
    const secure: TLSSocket = connectTls({
      ...transport.tls,
      ...(options.direct ? { ALPNProtocols: ['postgresql'] } : {}),
      socket,
    });
    open = secure;
    await once(secure, 'secureConnect');
    if (options.direct && secure.alpnProtocol !== 'postgresql') throw new Error('the server does not speak direct SSL');
    return { socket: secure, encrypted: true };
  } catch (error) {
    open.on('error', () => undefined);
    open.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function acceptsTls(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const answer = await once(socket, 'data');
  if (!Buffer.isBuffer(answer)) throw new Error('a socket gives buffers');
  // More than the one byte was sent before there was encryption: somebody in between may have put it there.
  if (answer.length === 1 && answer[0] === 0x53) return true;
  if (answer.length === 1 && answer[0] === 0x4e) return false;
  throw new Error('the server gave no valid answer to the request for SSL');
}

/** Its first arguments; rejects where the socket fails or closes before. */
function once(socket: Socket, name: 'connect' | 'secureConnect' | 'data'): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      socket.off(name, onReady).off('error', onError).off('close', onClose);
      done();
    };
    const onReady = (data: unknown): void => settle(() => resolve(data));
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => settle(() => reject(closed()));
    socket.on(name, onReady).on('error', onError).on('close', onClose);
  });
}

function closed(): Error {
  return Object.assign(new Error('the server closed the connection unexpectedly'), { code: 'ECONNRESET' });
}
