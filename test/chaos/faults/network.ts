/** What networks do: reset, slow down, fall silent, lose one direction. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProxiedConnection } from '../harness/proxied-connection.ts';
import type { Fault } from '../schedule.ts';
import type { Place, Scene } from './scene.ts';

type Cut = Extract<Fault, { kind: 'cut' }>;
type Delay = Extract<Fault, { kind: 'delay' }>;
type HalfClose = Extract<Fault, { kind: 'half-close' }>;
type Outage = Extract<Fault, { kind: 'outage' }>;

/** The server probes a silent client after 30 s, and ends its session 30 s later (sql/session.sql): a tenth of that. */
const SERVER_NOTICES_MS = 6_000;

export function cutConnection(scene: Scene, fault: Cut, place: Place): void {
  const connections = fault.all ? scene.proxy.connections : [place ?? youngest(scene)].filter((one) => one !== null);
  for (const connection of connections) connection.cut();
  if (connections.length === 0) return;
  scene.note(`cut: ${connections.map(({ application }) => application).join(', ')}`);
  scene.struck('cut');
}

export function delayNetwork(scene: Scene, { latencyMs, durationMs }: Delay): void {
  scene.note(
    latencyMs > 0 ? `delay: ${latencyMs} ms each way for ${durationMs} ms` : `delay: silent for ${durationMs} ms`,
  );
  const end = latencyMs > 0 ? slow(scene, latencyMs) : scene.proxy.freeze();
  scene.struck('delay');
  scene.background(
    delay(durationMs).then(() => {
      end();
      scene.note('delay: over');
    }),
  );
}

export function closeHalf(scene: Scene, { sees, durationMs }: HalfClose, place: Place): void {
  const connection = place ?? youngest(scene);
  if (connection === null) return;
  scene.note(`half-close: only the ${sees} sees the end of ${connection.application}, for ${durationMs} ms`);
  scene.struck('half-close');
  const end = sees === 'client' ? connection.loseClient().serverSees : connection.loseServer().clientSees;
  scene.background(delay(durationMs).then(end));
}

/** It has struck when there was a connection to lose, or a new one was tried. */
export function outage(scene: Scene, { how, durationMs }: Outage): void {
  const { connections, accepted } = scene.proxy;
  scene.note(`outage: ${how} for ${durationMs} ms; connections: ${connections.length}`);
  const end = how === 'refused' ? scene.proxy.refuse() : scene.proxy.freeze();
  if (connections.length > 0) scene.struck('outage');
  scene.background(
    delay(durationMs).then(() => {
      end();
      scene.note('outage: over');
      if (connections.length === 0 && scene.proxy.accepted > accepted) scene.struck('outage');
    }),
  );
}

/** The client is never told. What the server was asked for it goes on with; its session ends when it notices. */
export function loseConnection(scene: Scene, connection: ProxiedConnection): void {
  scene.note(`half-open: ${connection.application} and the server hear no more of each other`);
  scene.struck('half-open');
  const { serverSees } = connection.loseBoth();
  scene.background(delay(SERVER_NOTICES_MS).then(serverSees));
}

function slow(scene: Scene, latencyMs: number): () => void {
  scene.proxy.slow(latencyMs);
  return () => scene.proxy.slow(0);
}

function youngest(scene: Scene): ProxiedConnection | null {
  return scene.proxy.connections.at(-1) ?? null;
}
