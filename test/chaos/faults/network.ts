/** What networks do: reset, slow down, fall silent, lose one direction. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProxiedConnection } from '../harness/proxied-connection.ts';
import type { Fault } from '../schedule.ts';
import type { Place, Scene } from './scene.ts';

type Cut = Extract<Fault, { kind: 'cut' }>;
type Delay = Extract<Fault, { kind: 'delay' }>;
type HalfClose = Extract<Fault, { kind: 'half-close' }>;

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

function slow(scene: Scene, latencyMs: number): () => void {
  scene.proxy.slow(latencyMs);
  return () => scene.proxy.slow(0);
}

function youngest(scene: Scene): ProxiedConnection | null {
  return scene.proxy.connections.at(-1) ?? null;
}
