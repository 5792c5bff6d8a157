/** What a terminal or a page may obey, by Unicode's own properties: a list of ours could leave one out. */
export const OBEYED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

/** Each such character but NUL, which no text of PostgreSQL holds; line breaks and tabs, too. */
export function obeyedCharacters(): string[] {
  return charactersOf(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u).filter((character) => character !== '\0');
}

/** All marks that turn the direction of writing. */
export function bidiControls(): string {
  return charactersOf(/\p{Bidi_Control}/u).join('');
}

function charactersOf(property: RegExp): string[] {
  const last = 0x10ffff;
  return Array.from({ length: last + 1 }, (_, code) => String.fromCodePoint(code)).filter((one) => property.test(one));
}
