/** What a terminal or a page may obey or not show, by Unicode's own properties: a list of ours could leave one out. */
const PROPERTIES = String.raw`\p{Cc}\p{Cf}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2028\u2029`;

export const OBEYED = new RegExp(String.raw`(?![\n\t])[${PROPERTIES}]`, 'u');

/** A character of zero width, and one of more than 16 bits. */
export const INVISIBLE = '\u200b\u{e0041}';

/** Each such character but NUL, which no text of PostgreSQL holds; line breaks and tabs, too. */
export function obeyedCharacters(): string[] {
  return charactersOf(new RegExp(`[${PROPERTIES}]`, 'u')).filter((character) => character !== '\0');
}

/** All marks that turn the direction of writing. */
export function bidiControls(): string {
  return charactersOf(/\p{Bidi_Control}/u).join('');
}

function charactersOf(property: RegExp): string[] {
  const last = 0x10ffff;
  return Array.from({ length: last + 1 }, (_, code) => String.fromCodePoint(code)).filter((one) => property.test(one));
}
