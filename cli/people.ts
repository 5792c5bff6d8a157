/** Who runs a command, and why: what `--by` and `--reason` say, else the user of this machine or of AWS. Stated, never verified. */
import { hostname, userInfo } from 'node:os';
import { StatedPerson, StatedReason, stated } from '../core/contracts/person.ts';
import { AS_STATED } from '../report/words.ts';
import type { PeopleFlags } from './options.ts';

export interface StatedPeople {
  /** Such as `ana@laptop`, or an ARN of AWS. */
  readonly by?: string;
  readonly reason?: string;
}

type Stated = StatedPeople & { readonly by: string };

/** What is given, checked. @throws InvalidInput with one line */
export function statedPeople({ by, reason }: { by?: string | undefined; reason?: string | undefined }): StatedPeople {
  return {
    ...(by === undefined ? {} : { by: stated(StatedPerson, '--by', by) }),
    ...(reason === undefined ? {} : { reason: stated(StatedReason, '--reason', reason) }),
  };
}

/** Where nothing is known but what the operating system says. @throws InvalidInput with one line */
export function statedHere(flags: PeopleFlags): Stated {
  return { by: osPerson(), ...statedPeople(flags) };
}

/** What the history of an execution says of its end. */
export function stopCause({ by, reason }: StatedPeople, how: string): string {
  const who = by === undefined ? '' : ` by ${by} (${AS_STATED})`;
  return `stopped${who} with ${how}${reason === undefined ? '' : `: ${reason}`}`;
}

/** The same for a command that talks to AWS: `identify` asks who is signed in there, and null means that it could not find out. */
export async function statedInAws(flags: PeopleFlags, identify: () => Promise<string | null>): Promise<Stated> {
  if (flags.by !== undefined) return statedHere(flags);
  const found = StatedPerson.safeParse(await identify().catch(() => null));
  return { ...statedHere(flags), ...(found.success ? { by: found.data } : {}) };
}

export { AS_STATED } from '../report/words.ts';

/** The user of the operating system, at this machine. */
export function osPerson(): string {
  // Names of users and hosts are text of others: what is no name as we keep it becomes one.
  const text = `${userName()}@${hostname()}`.replace(/[^\p{L}\p{N}@._+-]/gu, '_');
  return [...text].slice(0, 200).join('');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no entry in /etc/passwd.
    return process.env.USER || process.env.LOGNAME || `uid${process.getuid?.() ?? ''}`;
  }
}
