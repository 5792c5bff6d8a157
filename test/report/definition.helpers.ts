import { readFileSync } from 'node:fs';

/** The state machine as `npm run build` wrote it. */
export function builtDefinition(): string {
  return readFileSync(new URL('../../dist/state-machine.asl.json', import.meta.url), 'utf8');
}
