/** Persons and reasons, as stated. Nothing here is verified: the database verifies only the role that logs in. */
import * as z from 'zod';
import { HOLDS_CREDENTIALS, isFree } from './credentials.ts';
import { InvalidInput } from './errors.ts';
import { INPUT_OPTIONS } from './options/all.ts';
import { withheld } from './redact.ts';
import { visible } from './safe-text.ts';

/**
 * One line of text that cannot control a terminal and contains no connection string, because it is kept. The length is in
 * characters, without spaces at both ends.
 */
function line(longest: number) {
  const message = `must be one line of 1 to ${longest} characters, without control or invisible characters`;
  return (
    z
      .string()
      // The text as received, with spaces at both ends; a character may have two code units.
      .max(4 * longest, message)
      .transform((text) => text.trim())
      .refine(
        (text) => text !== '' && [...text].length <= longest && visible(text) === text && !/\p{Cs}/u.test(text),
        message,
      )
      .refine(isFree, HOLDS_CREDENTIALS)
  );
}

/** A person, for example `ana@host` or an ARN of AWS. */
export const StatedPerson = line(INPUT_OPTIONS.by.longest);

/** A reason, for example a ticket. */
export const StatedReason = line(INPUT_OPTIONS.reason.longest);

/**
 * Checks who acts, or why.
 *
 * @param where its name in the message, for example the option
 * @throws InvalidInput with one line that does not repeat the text
 */
export function stated(schema: typeof StatedPerson | typeof StatedReason, where: string, text: string): string {
  const parsed = schema.safeParse(text);
  // Only of what is typed here: a text in the ledger was written by another process, whose secrets are others.
  if (parsed.success && withheld(parsed.data) !== parsed.data)
    throw new InvalidInput(`${where} holds a password or key of this process, and would be kept: leave that out`);
  if (parsed.success) return parsed.data;
  throw new InvalidInput(`${where} ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
}

/** Who started an execution of a migration. */
export interface Starter {
  /** The login, which the database verifies. In AWS it is that of the functions. */
  readonly login: string;
  /** As stated; null if no person was stated. */
  readonly person: string | null;
}

/** Whether two stated names mean the same person, as far as their text can show. */
export function isSamePerson(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

function plain(person: string): string {
  const shown = person.normalize('NFKC').replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '');
  return shown.replace(/\s+/g, ' ').trim().toLowerCase();
}
