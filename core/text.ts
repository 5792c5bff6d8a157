/** Text that several readers print: names that must not play tricks, and words of a shell. Pure. */

// C0, C1, line separators, and the marks that reverse the direction of writing: a table may be named so.
const CONTROL = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A name with terminal escapes or line breaks in it is shown, not obeyed: control characters come out as `\x1b`. */
export function visible(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** A word that a POSIX shell reads back as the same text. */
export function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** The schema part of a qualified name as SQL writes it (`public.path`, `"My ""S".t`), or null. */
export function schemaOf(qualified: string): string | null {
  return /^((?:"(?:[^"]|"")*")|[^".]+)\./.exec(qualified)?.[1] ?? null;
}

/** `qualified` without its schema, where that is also the schema of `table`. */
export function withoutSchemaOf(table: string, qualified: string): string {
  const schema = schemaOf(table);
  return schema !== null && schemaOf(qualified) === schema ? qualified.slice(schema.length + 1) : qualified;
}
