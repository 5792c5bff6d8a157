/** Loads what tells other systems, where an option asks for it. */
import type { Command } from 'commander';
import type { Hooks } from './hooks.ts';
import type { HookFlags } from './options.ts';

/** @throws InvalidInput as openHooks */
export async function hooksOf(flags: HookFlags, command: Command, warn: (line: string) => void): Promise<Hooks | null> {
  if (flags.notifyUrl === undefined && flags.onEvent === undefined) return null;
  const { openHooks } = await import('./hooks.ts');
  return openHooks(flags, command.getOptionValueSource('notifyUrl') === 'cli', warn);
}
