/** Texts that are safe to print: names without control characters, and words of a shell. Pure. */

/**
 * Characters that a terminal or a page may interpret: C0, C1, line separators, and all of Unicode's marks that change the
 * direction of writing. A table's name may contain them. For use inside a character class; sql/psql/control/unprintable.sql has
 * the same set.
 */
const OBEYED = String.raw`\p{Cc}\p{Bidi_Control}\u2028\u2029`;
const CONTROL = new RegExp(`[${OBEYED}]`, 'gu');

/**
 * The text with control characters written as `\x1b`, so that terminal escapes and line breaks in a name are shown and not
 * interpreted.
 */
export function visible(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The text with a question mark for each control character, as the psql scripts print it (sql/psql/control/unprintable.sql). */
export function printable(text: string): string {
  return text.replace(CONTROL, '?');
}

/** A word that a POSIX shell reads as the same text. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
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
const CONTROL_IN_JSON = new RegExp(String.raw`(?![\u0000-\u001f])[${OBEYED}]`, 'gu');

/** JSON with the same value that contains no control characters except its own line breaks. */
export function visibleJson(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(CONTROL_IN_JSON, unicodeEscape('\\u'));
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
const CONTROL_IN_SQL = new RegExp(String.raw`(?![\n\t])[${OBEYED}]`, 'gu');

/**
 * SQL with the same meaning that contains no control characters except line breaks and tabs: `U&"\001B"` names the same column as
 * a raw escape in quotation marks. In comments they are written as by {@link visible}.
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
