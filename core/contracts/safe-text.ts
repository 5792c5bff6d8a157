/** Texts that are safe to print: names without control characters and invisible characters, and words of a shell. Pure. */

/**
 * Characters that a terminal or a page may interpret or leave out: C0, C1, line separators, and by Unicode's properties all
 * format characters, which include the marks that change the direction of writing, and all that are invisible, of zero width
 * for example: with one of them a name looks like another name. A table's name may contain them. For use inside a character
 * class; sql/psql/control/unprintable.sql has the same set.
 */
const UNPRINTABLE = String.raw`\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029`;
const CONTROL = new RegExp(`[${UNPRINTABLE}]`, 'gu');

/**
 * The text with these characters written as `\x1b`, `\u200b` or `\u{e0041}`, so that terminal escapes and line breaks in a name are
 * shown and not interpreted, and invisible characters are seen.
 */
export function visible(text: string): string {
  return text.replace(CONTROL, (character) => {
    if (isSupplementary(character)) return `\\u{${hex(character, 1)}}`;
    return character < '\u0100' ? `\\x${hex(character, 2)}` : `\\u${hex(character, 4)}`;
  });
}

/** The text with a question mark for each of these characters, as the psql scripts print it (sql/psql/control/unprintable.sql). */
export function printable(text: string): string {
  return text.replace(CONTROL, '?');
}

/**
 * A word that a POSIX shell reads as the same text. Characters that a terminal may interpret are written as escapes inside `$'...'`
 * (bash, zsh and ksh have them, dash has not), so that the word can be shown, and copied.
 */
export function shellWord(text: string): string {
  if (text.search(CONTROL) >= 0) return `$'${text.replace(/['\\]/g, '\\$&').replace(CONTROL, unicodeEscape)}'`;
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** `\u001b`, or `\U000E0041` for what needs more than four digits. */
function unicodeEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff
    ? `\\U${code.toString(16).toUpperCase().padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** The schema part of a qualified name as in SQL (`public.path`, `"My ""S".t`), or null. */
function schemaOf(qualified: string): string | null {
  return /^((?:"(?:[^"]|"")*")|[^".]+)\./.exec(qualified)?.[1] ?? null;
}

/** `qualified` without its schema, where that is also the schema of `table`. */
export function withoutSchemaOf(table: string, qualified: string): string {
  const schema = schemaOf(table);
  return schema !== null && schemaOf(qualified) === schema ? qualified.slice(schema.length + 1) : qualified;
}

/** {@link visible} for text of several lines: line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(CONTROL, (character) =>
    character === '\n' || character === '\t' ? character : visible(character),
  );
}

// Characters that JSON.stringify does not escape, and a terminal may interpret.
const CONTROL_IN_JSON = new RegExp(String.raw`(?![\u0000-\u001f])[${UNPRINTABLE}]`, 'gu');

/** JSON with the same value that contains none of these characters except its own line breaks. */
export function visibleJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(CONTROL_IN_JSON, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** One part of an SQL text, in which quotes, dashes and dollars have one meaning. */
const SQL_PART = new RegExp(
  [
    String.raw`(?<comment>--[^\n\r]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<escaped>[eE]'(?:[^'\\]|''|\\[\s\S])*')`,
    `(?<unicode>[uU]&(?:'(?:[^']|'')*'|"(?:[^"]|"")*"))`,
    `(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")`,
    // A dollar sign inside a name begins nothing.
    String.raw`(?<![\w$\u0080-\uffff])(?<dollar>\$(?<tag>(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\k<tag>\$)`,
    String.raw`(?<other>[\s\S])`,
  ].join('|'),
  'gu',
);
const CONTROL_IN_SQL = new RegExp(String.raw`(?![\n\t])[${UNPRINTABLE}]`, 'gu');

/**
 * SQL with the same meaning that contains none of these characters except line breaks and tabs: `U&"\001B"` names the same column as
 * a raw escape in quotation marks. In comments they are written as by {@link visible}.
 */
export function visibleSql(sql: string): string {
  if (sql.search(CONTROL_IN_SQL) < 0) return sql;
  return sql.replace(SQL_PART, (part: string, ...rest: unknown[]) => {
    if (part.search(CONTROL_IN_SQL) < 0) return part;
    const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    if (groups.escaped !== undefined) return part.replace(CONTROL_IN_SQL, inEscapeString);
    if (groups.unicode !== undefined) return part.replace(CONTROL_IN_SQL, inUnicodeString);
    if (groups.quoted !== undefined) return unicodeQuoted(part);
    if (groups.dollar !== undefined) {
      const fence = `$${groups.tag ?? ''}$`;
      return unicodeQuoted(`'${part.slice(fence.length, -fence.length).replaceAll("'", "''")}'`);
    }
    // It ends a line, and with it a comment, as a line feed does.
    return groups.comment === undefined && part === '\r' ? '\n' : visibleLines(part);
  });
}

function unicodeQuoted(quoted: string): string {
  return `U&${quoted.replaceAll('\\', '\\\\').replace(CONTROL_IN_SQL, inUnicodeString)}`;
}

/** In `U&'...'` and `U&"..."`. */
function inUnicodeString(character: string): string {
  return isSupplementary(character) ? `\\+${hex(character, 6)}` : `\\${hex(character, 4)}`;
}

/** In `E'...'`. */
function inEscapeString(character: string): string {
  return isSupplementary(character) ? `\\U${hex(character, 8)}` : `\\u${hex(character, 4)}`;
}

/** Whether it has two code units: a code point of more than four digits. */
function isSupplementary(character: string): boolean {
  return character.length > 1;
}

function hex(character: string, digits: number): string {
  return (character.codePointAt(0) ?? 0).toString(16).padStart(digits, '0');
}
