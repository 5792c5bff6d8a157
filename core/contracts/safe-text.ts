/** Text that several readers print: names that must not play tricks, and words of a shell. Pure. */

/**
 * What a terminal or a page may obey: C0, C1, line separators, and all marks that Unicode knows to turn the direction of writing. A table
 * may be named so. Inside of a character class; sql/psql/control/unprintable.sql has the same set.
 */
const OBEYED = String.raw`\p{Cc}\p{Bidi_Control}\u2028\u2029`;
const CONTROL = new RegExp(`[${OBEYED}]`, 'gu');

/** A name with terminal escapes or line breaks in it is shown, not obeyed: control characters come out as `\x1b`. */
export function visible(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The same with a question mark for each, as the psql scripts print it (sql/psql/control/unprintable.sql). */
export function printable(text: string): string {
  return text.replace(CONTROL, '?');
}

/** A word that a POSIX shell reads back as the same text. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The schema part of a qualified name as SQL writes it (`public.path`, `"My ""S".t`), or null. */
function schemaOf(qualified: string): string | null {
  return /^((?:"(?:[^"]|"")*")|[^".]+)\./.exec(qualified)?.[1] ?? null;
}

/** `qualified` without its schema, where that is also the schema of `table`. */
export function withoutSchemaOf(table: string, qualified: string): string {
  const schema = schemaOf(table);
  return schema !== null && schemaOf(qualified) === schema ? qualified.slice(schema.length + 1) : qualified;
}

/** The same for text of several lines: line breaks and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(CONTROL, (character) =>
    character === '\n' || character === '\t' ? character : visible(character),
  );
}

// What JSON.stringify leaves as it is, and a terminal may obey.
const CONTROL_IN_JSON = new RegExp(String.raw`(?![\u0000-\u001f])[${OBEYED}]`, 'gu');

/** JSON that reads back as the same value and holds no control character but its own line breaks. */
export function visibleJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(CONTROL_IN_JSON, unicodeEscape('\\u'));
}

/** One part of SQL in which quotes, dashes and dollars mean one thing. */
const SQL_PART = new RegExp(
  [
    String.raw`(?<comment>--[^\n\r]*|\/\*[\s\S]*?\*\/)`,
    String.raw`(?<escaped>[eE]'(?:[^'\\]|''|\\[\s\S])*')`,
    `(?<unicode>[uU]&(?:'(?:[^']|'')*'|"(?:[^"]|"")*"))`,
    `(?<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")`,
    // A dollar inside a name begins nothing.
    String.raw`(?<![\w$\u0080-\uffff])(?<dollar>\$(?<tag>(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\k<tag>\$)`,
    String.raw`(?<other>[\s\S])`,
  ].join('|'),
  'gu',
);
const CONTROL_IN_SQL = new RegExp(String.raw`(?![\n\t])[${OBEYED}]`, 'gu');

/**
 * SQL that means the same and holds no control character but line breaks and tabs: `U&"\001B"` names the column that a raw
 * escape in quotation marks would. In a comment they are shown as {@link visible} shows them.
 */
export function visibleSql(sql: string): string {
  if (sql.search(CONTROL_IN_SQL) < 0) return sql;
  return sql.replace(SQL_PART, (part: string, ...rest: unknown[]) => {
    if (part.search(CONTROL_IN_SQL) < 0) return part;
    const groups = rest.at(-1) as Readonly<Record<string, string | undefined>>;
    if (groups.escaped !== undefined) return part.replace(CONTROL_IN_SQL, unicodeEscape('\\u'));
    if (groups.unicode !== undefined) return part.replace(CONTROL_IN_SQL, unicodeEscape('\\'));
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
  return `U&${quoted.replaceAll('\\', '\\\\').replace(CONTROL_IN_SQL, unicodeEscape('\\'))}`;
}

function unicodeEscape(prefix: string): (character: string) => string {
  return (character) => `${prefix}${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
