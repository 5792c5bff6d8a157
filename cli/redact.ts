/**
 * What may hold a secret never reaches a terminal: connection URLs, `password=` settings, and what the AWS SDK quotes
 * when a signature is refused (its canonical request names the session token).
 */

// All that follows up to the last `@` counts: a password may hold `@` or `/` that was not encoded. Each pattern begins where a name
// begins, so that a long word from the database takes no longer than its length.
// The example that messages give, user:password@host, is no secret.
const USER_INFO = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):\S*$/i;
// The same where the scheme's slashes were forgotten; `x::jsonb@>` and times of day are not meant.
const BARE_USER_INFO = /(?<![^\s:/?#@"'])([^\s:/?#@"']+):(?![/:])\S*$/;
const SETTING =
  /\b(aws_secret_access_key|secret_?access_?key|password|passwd|pwd|secret|token|x-amz-security-token)\b(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&;,]+)/gi;
const ACCESS_KEY = /\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g;

/** `text` with everything that looks like a secret replaced by `***`. */
export function redact(text: string): string {
  return text
    .replace(/\S+/g, hideUserInfo)
    .replace(SETTING, (match, name: string, sign: string) =>
      // "password authentication failed" and "no password: ..." are sentences, not settings.
      sign.includes('=') || /secret|token/i.test(name) ? `${name}${sign}***` : match,
    )
    .replace(ACCESS_KEY, '$1***');
}

function hideUserInfo(word: string): string {
  const hidden = before(word, word.lastIndexOf('@'), USER_INFO);
  let last = hidden.lastIndexOf('@');
  while (last > 0 && !/[\w[]/.test(hidden.charAt(last + 1))) last = hidden.lastIndexOf('@', last - 1);
  return before(hidden, last, BARE_USER_INFO);
}

/** Replaces what `pattern` finds before the `@` at `end`, if there is one. */
function before(word: string, end: number, pattern: RegExp): string {
  if (end <= 0) return word;
  const rest = word.slice(end);
  const isExample = /^@host\b/.test(rest);
  return `${word.slice(0, end).replace(pattern, (match, name: string) => (isExample && match === `${name}:password` ? match : `${name}:***`))}${rest}`;
}
