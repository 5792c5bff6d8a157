/** What happens to the process that runs the handlers, and a second one beside it. */
import { Runner } from '../harness/runner.ts';
import type { Scene } from './scene.ts';

const RIVAL_TIMEOUT_MS = 60_000;

export async function killRunner(scene: Scene): Promise<void> {
  if (!(await scene.runner().kill())) return;
  scene.note('kill: the process that ran the handlers is gone');
  scene.struck('kill');
}

export function stopExecution(scene: Scene): void {
  if (!scene.runner().interrupt()) return;
  scene.note('stop: SIGINT');
  scene.struck('stop');
}

/** The same command once more. Whatever it comes to, the invariants decide whether that was right. */
export function startRival(scene: Scene): void {
  scene.background(
    (async () => {
      const rival = await Runner.start(scene.frozen);
      scene.note('rival: begins');
      scene.struck('rival');
      const ending = await rival.run({
        databaseUrl: scene.proxiedUrl,
        input: scene.input(),
        timeoutMs: RIVAL_TIMEOUT_MS,
      });
      scene.note(`rival: ${ending.status} ${ending.error} ${ending.message.slice(0, 200)}`);
      if (ending.status === 'HUNG') scene.violated(`the second execution: ${ending.message}`);
      if (rival.accident) scene.violated(rival.accident);
      await rival.kill();
    })(),
  );
}
