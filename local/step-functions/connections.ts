/** Limit of a server's connections. Connections that have authenticated are kept when there are too many. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const trusted = new WeakSet<Socket>();

/** Notes that this connection sent a valid key or signature. */
export function trustConnection(socket: Socket | undefined): void {
  if (socket !== undefined) trusted.add(socket);
}

/**
 * Allows at most `most` connections. A new one replaces the oldest one that has not authenticated, so a user of the machine cannot
 * use them all up by keeping them open. A flood of new ones still delays others. If all have authenticated, the new one is closed.
 */
export function makeRoom(server: Server, most: number): void {
  // In the order in which they were opened.
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    if (open.size >= most) {
      const oldest = [...open].find((each) => !trusted.has(each));
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      open.delete(oldest);
      oldest.destroy();
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
}
