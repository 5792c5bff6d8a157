/** Loads what tells other systems, where an option asks for it. */
import type { Command } from 'commander';
import type { Hooks } from './hooks.ts';
import type { HookFlags } from './options.ts';

/** @throws InvalidInput as openHooks and openTraces */
export async function hooksOf(flags: HookFlags, command: Command, warn: (line: string) => void): Promise<Hooks | null> {
  const all: Hooks[] = [];
  if (flags.notifyUrl !== undefined || flags.onEvent !== undefined) {
    const { openHooks } = await import('./hooks.ts');
    const hooks = openHooks(flags, command.getOptionValueSource('notifyUrl') === 'cli', warn);
    if (hooks !== null) all.push(hooks);
  }
  if (flags.trace === true) {
    const { openTraces } = await import('../tracing/traces.ts');
    all.push(openTraces(warn));
  }
  return all.length === 0 ? null : together(all);
}

function together(all: readonly Hooks[]): Hooks {
  return {
    observe(execution) {
      const observers = all.map((hooks) => hooks.observe(execution));
      return {
        onEvent(event, progress) {
          for (const observer of observers) observer.onEvent(event, progress);
        },
        onEnd(ending) {
          for (const observer of observers) observer.onEnd(ending);
        },
      };
    },
    warnThrough(warn) {
      for (const hooks of all) hooks.warnThrough(warn);
    },
    async close() {
      await Promise.all(all.map((hooks) => hooks.close()));
    },
  };
}
