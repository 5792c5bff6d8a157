/** Who acts on a migration and why, as it is stated. Nothing here is verified: what the database verifies is the role that logs in. */
import * as z from 'zod';
import { INPUT_OPTIONS } from './options/all.ts';
import { visible } from './safe-text.ts';

/** One line, which no terminal obeys. Length in characters, after spaces at both ends are taken away. */
function line(longest: number) {
  const message = `must be one line of 1 to ${longest} characters, without control characters`;
  return (
    z
      .string()
      // As it comes, with spaces at both ends: a character may have two code units.
      .max(4 * longest, message)
      .transform((text) => text.trim())
      .refine(
        (text) => text !== '' && [...text].length <= longest && visible(text) === text && !/\p{Cs}/u.test(text),
        message,
      )
  );
}

/** A person, such as `ana@host` or an ARN of AWS. */
export const StatedPerson = line(INPUT_OPTIONS.by.longest);

/** Why, for example a ticket. */
export const StatedReason = line(INPUT_OPTIONS.reason.longest);

/** Who has started an execution of a migration. */
export interface Starter {
  /** Role that had logged in to the database: verified by it. In AWS it is the one of the functions. */
  readonly login: string;
  /** As stated; null if no person was stated. */
  readonly person: string | null;
}

/** Whether two stated names mean one person, as far as their text can show. */
export function isSamePerson(one: string, other: string): boolean {
  return plain(one) === plain(other);
}

function plain(person: string): string {
  return person.normalize('NFKC').replace(/\s+/g, ' ').trim().toLowerCase();
}
