/** A network that stops in the middle of a message: the locks are gone by the deadline all the same, although neither side hears of it. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { lockedScene } from './deadline.helpers.ts';

interface StallingProxy {
  readonly url: string;
  /** Takes no more of the server's answers off the network. */
  stopAnswers(): void;
}

/** Forwards all that a client sends up to and including `last`, and then nothing. */
async function stallingProxy(target: string, last?: string): Promise<StallingProxy> {
  const url = new URL(target);
  const port = Number(url.port);
  const sockets: Socket[] = [];
  const upstreams: Socket[] = [];
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect(port, '127.0.0.1');
    upstreams.push(upstream);
    let isStalled = false;
    client.on('data', (data) => {
      const end = last === undefined ? -1 : data.indexOf(last);
      if (!isStalled) upstream.write(end < 0 ? data : data.subarray(0, end + (last ?? '').length));
      isStalled ||= end >= 0;
    });
    upstream.on('data', (data) => client.write(data));
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
      sockets.push(socket);
    }
    client.on('close', () => {
      if (!isStalled) upstream.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    stopAnswers: () => {
      for (const upstream of upstreams) upstream.pause();
    },
  };
}

it.each(['17 and newer', 'older'])('of which the server has received a part, on PostgreSQL %s', async (version) => {
  const { client, waitOfReader } = await lockedScene(version, async (url) => (await stallingProxy(url, 'half')).url);
  client.on('error', () => undefined);
  // The proxy never goes on. The server has ended the session, before p2pfk itself gives it up.
  const { waitedMs, endedMs, error } = await waitOfReader(() =>
    client.query('SELECT $1::text AS name', ['half of a name']),
  );
  expect(error).toBeInstanceOf(Error);
  expect(waitedMs).toBeLessThan(endedMs);
});

it.runIf(process.platform === 'linux').each(['17 and newer', 'older'])(
  'that is an answer which is not taken off the network, on PostgreSQL %s',
  async (version) => {
    let proxy: StallingProxy | undefined;
    const { client, waitOfReader } = await lockedScene(version, async (url) => {
      proxy = await stallingProxy(url);
      return proxy.url;
    });
    client.on('error', () => undefined);
    const { waitedMs, endedMs, error } = await waitOfReader(async () => {
      proxy?.stopAnswers();
      // More than the buffers on the way take.
      await client.query("SELECT repeat('x', 50000000) AS long");
    });
    expect(error).toBeInstanceOf(Error);
    expect(waitedMs).toBeLessThan(endedMs);
  },
);
