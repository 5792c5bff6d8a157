/** The Unix-domain socket that is connected to where no host is given. */
import { lstatSync, type Stats, statSync } from 'node:fs';
import { InvalidInput, OwnError } from '../../contracts/errors.ts';

/**
 * As libpq of Debian and of PostgreSQL's own packages has it. Not /tmp, the default of a libpq that was built otherwise: there any user
 * of the machine can make a socket of that name, and is given the password. Nor `localhost`, where any user can listen while the server
 * is down.
 */
export const DEFAULT_SOCKET_FOLDER = '/var/run/postgresql';

/** No host is given, and there is no default socket. It may come: a server that is restarted makes it anew. */
export class NoSocket extends OwnError {
  /** As of Node's own errors. */
  readonly code = 'ENOENT';
}

const WRITE_OF_OTHERS = 0o002;

/**
 * Called before a default socket is connected to. The folder is trusted as root has made it for the server's user; in it, the socket is
 * trusted if it belongs to that user, to root or to the user of this process. A member of the folder's group can make a socket only of
 * its own.
 *
 * @throws InvalidInput where another user could have made the socket
 * @throws NoSocket where there is none
 */
export function requireTrustedSocket(folder: string, port: number): void {
  const path = `${folder}/.s.PGSQL.${port}`;
  const socket = lstatSync(path, { throwIfNoEntry: false });
  if (socket === undefined) {
    throw new NoSocket(
      `no host is given, and there is no ${path}: name the database with --database-url postgres://user@host:port/database, DATABASE_URL, or PGHOST and the other variables of libpq`,
    );
  }
  const reason = distrust(statSync(folder), socket);
  if (reason === null) return;
  throw new InvalidInput(`no host is given, and ${path} is not used, because ${reason}: name the host (PGHOST)`);
}

function distrust(folder: Stats, socket: Stats): string | null {
  if ((folder.mode & WRITE_OF_OTHERS) !== 0) return 'every user may write to its folder';
  if (!socket.isSocket()) return 'it is no socket';
  if ([0, process.geteuid?.(), folder.uid].includes(socket.uid)) return null;
  return `it belongs to another user (uid ${socket.uid})`;
}
