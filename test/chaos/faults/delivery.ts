/** Handlers delivered more than once, or when nobody waits for them any more. */
import type { Invocation } from '../harness/protocol.ts';
import { Runner } from '../harness/runner.ts';
import type { Fault } from '../schedule.ts';
import type { Scene } from './scene.ts';

type Delivery = Extract<Fault, { kind: 'duplicate' | 'late' }>;

/** The newest calls again, in the process that runs the execution: as a retry whose first try is still on its way. */
export function deliverAgain(scene: Scene, { which, many }: Delivery): void {
  const { invocations } = scene;
  const runner = scene.runner();
  const deliveries = Array.from({ length: many }, async (_, n) => {
    const invocation = invocations.at(-1 - ((which + n) % Math.min(invocations.length, 4)));
    return invocation !== undefined && deliver(scene, 'duplicate', runner, invocation);
  });
  scene.background(
    Promise.all(deliveries).then((delivered) => {
      if (delivered.includes(true)) scene.struck('duplicate');
    }),
  );
}

/** Any earlier calls, from another process. */
export async function deliverLate(scene: Scene, { which, many }: Delivery): Promise<void> {
  const runner = await Runner.start(scene.frozen);
  const { invocations } = scene;
  let delivered = false;
  for (let n = 0; n < many; n++) {
    const invocation = invocations[(which * (n + 1)) % Math.max(1, invocations.length)];
    if (invocation !== undefined) delivered = (await deliver(scene, 'late', runner, invocation)) || delivered;
  }
  if (delivered) scene.struck('late');
  if (runner.accident) scene.violated(runner.accident);
  await runner.kill();
}

/** @returns whether the handler came to an end */
async function deliver(
  scene: Scene,
  kind: 'duplicate' | 'late',
  runner: Runner,
  invocation: Invocation,
): Promise<boolean> {
  const { functionName, event } = invocation;
  scene.note(`${kind}: ${functionName} ${JSON.stringify(event).slice(0, 200)}`);
  const outcome = await runner.deliver(scene.proxiedUrl, invocation);
  scene.note(`${kind}: ${functionName}: ${outcome?.slice(0, 300) ?? 'its process was gone'}`);
  return outcome !== undefined;
}
