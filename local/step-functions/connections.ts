/** Which connections of a server stay when there are too many: those that have proved a right to be answered. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const trusted = new WeakSet<Socket>();

/** This connection has brought a key or a signature that is right. */
export function trustConnection(socket: Socket | undefined): void {
  if (socket !== undefined) trusted.add(socket);
}

/**
 * No more than `most` connections: a new one takes the place of the oldest that has proved nothing, so that any user of the machine can
 * open connections, and none can keep the others out. Where all have proved their right, the new one is closed.
 */
export function makeRoom(server: Server, most: number): void {
  // In the order in which they came.
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
