/**
 * Notes in the ledger: texts that explain what happened, and on which nothing depends. A database in LATIN1 refuses characters
 * that it does not have, so a note contains only ASCII characters of ours, and no others that such a database would refuse.
 */
import type { Client } from 'pg';
import { ConnectionLost } from '../../contracts/errors.ts';
import { toNamedError } from '../../postgres/postgres-errors.ts';

/** Logs what could not be noted; a step's logger has this shape. */
interface NoteLogger {
  warn(message: string, detail?: Record<string, unknown>): void;
}

/** Characters that our own texts may contain, for people at a terminal, and their ASCII form. */
const OURS: Readonly<Record<string, string>> = {
  '→': '->',
  '←': '<-',
  '…': '...',
  '✓': 'ok',
  '✗': 'x',
  '↻': 'again',
  '–': '-',
  '—': '-',
};
const OUR_CHARACTERS = new RegExp(`[${Object.keys(OURS).join('')}]`, 'g');

const BEYOND_ASCII = /[^\p{ASCII}]/u;

/** Encoding of the database of each session; read once, and only when a note has a character beyond ASCII. */
const encodings = new WeakMap<Client, string>();

async function encodingOf(client: Client): Promise<string> {
  const known = encodings.get(client);
  if (known !== undefined) return known;
  const { rows } = await client.query<{ encoding: string }>('SELECT getdatabaseencoding() AS encoding');
  const encoding = rows[0]?.encoding ?? '';
  encodings.set(client, encoding);
  return encoding;
}

/**
 * The value, with all texts in a form that the database can store. Names of partitions come from the database, so UTF8 and LATIN1
 * keep them complete; in other encodings a character beyond ASCII becomes `?` in a note (but not in the ledger's columns of
 * names).
 */
export async function asNote<Value>(client: Client, value: Value): Promise<Value> {
  if (!BEYOND_ASCII.test(JSON.stringify(value) ?? '')) return value;
  const encoding = await encodingOf(client);
  return mapTexts(value, (text) =>
    toEncoding(
      text.replace(OUR_CHARACTERS, (character) => OURS[character] ?? '?'),
      encoding,
    ),
  );
}

function toEncoding(text: string, encoding: string): string {
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return text;
  return text.replace(encoding === 'LATIN1' ? /[^\p{ASCII}\u0080-\u00ff]/gu : /[^\p{ASCII}]/gu, '?');
}

function mapTexts<Value>(value: Value, map: (text: string) => string): Value {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) => (typeof inner === 'string' ? map(inner) : inner));
}

/**
 * Writes a note after something that is done and verified, which the note must not undo: if the ledger refuses it, that is only
 * logged.
 *
 * @returns whether it was written
 * @throws ConnectionLost where the connection is lost; the step is retried then
 */
export async function tryToNote(logger: NoteLogger, what: string, write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    const named = toNamedError(error);
    if (named instanceof ConnectionLost) throw named;
    logger.warn('could not note something in the ledger; nothing is undone', { what, reason: named.message });
    return false;
  }
}
