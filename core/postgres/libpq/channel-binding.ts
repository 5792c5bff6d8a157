/** `channel_binding=require`: a server in between, with a certificate of its own, cannot use our login with PostgreSQL. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Client } from 'pg';
import { ConnectionRefused } from '../../contracts/errors.ts';

const BOUND = 'SCRAM-SHA-256-PLUS';

/**
 * Closes the connection before the password is used in any other way. Called before `connect`, so that these listeners run
 * before the driver's own, which accepts any method that the server asks for.
 *
 * @returns asks why the connection was closed; undefined where it was not
 */
export function watchChannelBinding(client: Client, encrypted: boolean): () => ConnectionRefused | undefined {
  const connection: unknown = Reflect.get(client, 'connection');
  if (!(connection instanceof EventEmitter)) throw new Error('node-postgres has no connection to watch');
  let offered = false;
  let bound = false;
  let refusal: ConnectionRefused | undefined;
  const refuse = (): void => {
    refusal ??= new ConnectionRefused('channel_binding=require, but the server does not log in with SCRAM over TLS');
    const stream: Socket = Reflect.get(connection, 'stream');
    stream.destroy(refusal);
  };
  connection.on('authenticationSASL', ({ mechanisms }: { readonly mechanisms: readonly string[] }) => {
    offered = encrypted && mechanisms.includes(BOUND);
    if (!offered) refuse();
  });
  connection.on('authenticationSASLFinal', () => {
    bound = offered;
  });
  connection.on('authenticationCleartextPassword', refuse);
  connection.on('authenticationMD5Password', refuse);
  connection.on('authenticationOk', () => {
    if (!bound) refuse();
  });
  return () => refusal;
}
