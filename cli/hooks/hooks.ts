/** What `--notify-url` and `--on-event` do: the milestones of executions, passed on to other systems. Nothing here fails, slows or stops an execution. */
import { keepSecret, withheld } from '../../core/contracts/redact.ts';
import { Deliveries } from './deliveries.ts';
import { type ExecutionObserver, guarded } from './guarded.ts';
import { type Milestone, Milestones, type Subject } from './milestones.ts';
import type { HookFlags } from './options.ts';
import { eventProgram, programRun } from './run-program.ts';
import { webhook, webhookSecret, webhookUrl } from './webhook.ts';

/** Milliseconds that the end of a process waits for what is on its way. */
const END_MS = 10_000;
/** Longer parts of a URL may be a token. */
const LONGEST_WORD = 16;

export interface Hooks {
  /** No method of the observer throws. */
  observe(execution: Subject): ExecutionObserver;
  /** Where warnings go from now on: lines for people. */
  warnThrough(warn: (line: string) => void): void;
  /** Waits for what is on its way, but not for long. */
  close(): Promise<void>;
}

/**
 * @param isTyped whether the URL was typed, where other users of the machine can see it
 * @returns null where no option asks for any
 * @throws InvalidInput where a URL, key or program cannot be used
 */
export function openHooks(flags: HookFlags, isTyped: boolean, warn: (line: string) => void): Hooks | null {
  let complain = warn;
  const warning = (line: string): void => complain(`! ${line}`);
  const all: Deliveries[] = [];
  if (flags.notifyUrl !== undefined && flags.notifyUrl.trim() !== '') {
    const url = webhookUrl(flags.notifyUrl.trim());
    const secret = webhookSecret();
    keepSecrets(flags.notifyUrl.trim(), url, secret);
    if (isTyped && tokensOf(url).length > 0)
      warning(
        'the URL in --notify-url is visible in the process list, and may have a token in it: use P2PFK_NOTIFY_URL',
      );
    all.push(
      new Deliveries({ name: '--notify-url', deliver: webhook({ url, secret }), warn: warning, inOrder: false }),
    );
  }
  if (flags.onEvent !== undefined) {
    const deliver = programRun(eventProgram(flags.onEvent));
    // In the order in which it happened: a program may append to a file, or a person may read along.
    all.push(new Deliveries({ name: '--on-event', deliver, warn: warning, inOrder: true }));
  }
  if (all.length === 0) return null;
  const pass = (milestone: Milestone | null): void => {
    if (milestone === null) return;
    const body = JSON.stringify(milestone, (_key, each: unknown) => (typeof each === 'string' ? withheld(each) : each));
    for (const deliveries of all) deliveries.add({ milestone, body });
  };
  return {
    observe(execution) {
      const milestones = new Milestones(execution);
      const observer: ExecutionObserver = {
        onEvent: (event) => pass(milestones.read(event)),
        onEnd: (ending) => pass(milestones.end(ending)),
      };
      return guarded(observer, (line) => complain(line));
    },
    warnThrough(other) {
      complain = other;
    },
    async close() {
      await Promise.all(all.map((deliveries) => deliveries.close(END_MS)));
    },
  };
}

/** From now on none of it is printed, nor in any document. */
function keepSecrets(given: string, url: URL, secret: string): void {
  for (const text of [given, url.href, ...tokensOf(url), secret, secret.replace(/^whsec_/, '')]) keepSecret(text);
}

/**
 * Parts of the URL that may be tokens: of the path, of the query, and of the host (a function's own URL). Not the domain itself, which may be that
 * of the database as well, and no word of its host without a digit: a report has to name its server.
 */
function tokensOf(url: URL): string[] {
  const words = url.hostname.split('.').slice(0, -2);
  const parts = [...url.pathname.split('/'), ...url.searchParams.values(), ...words.filter((word) => /\d/.test(word))];
  return parts.filter((part) => part.length >= LONGEST_WORD);
}
