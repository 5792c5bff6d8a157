/**
 * What may hold a secret never reaches a terminal: connection URLs, `password=` settings, and what the AWS SDK quotes
 * when a signature is refused (its canonical request names the session token).
 */

// Greedy on purpose: a password may hold `@` or `/` that nobody encoded.
// The example that messages give, user:password@host, is no secret.
const USER_INFO = /([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):(?!password@host\b)[^\s]*@/gi;
// The same where the scheme's slashes were forgotten; `x::jsonb@>` and times of day are not meant.
const BARE_USER_INFO = /([^\s:/?#@"']+):(?![/:]|password@host\b|\*\*\*@)[^\s]*@(?=[\w[])/g;
const SETTING =
  /\b(aws_secret_access_key|secret_?access_?key|password|passwd|pwd|secret|token|x-amz-security-token)\b(\s*[=:]\s*)('[^']*'|"[^"]*"|[^\s&;,]+)/gi;
const ACCESS_KEY = /\b(AKIA|ASIA)[A-Z0-9]{12,}\b/g;

/** `text` with everything that looks like a secret replaced by `***`. */
export function redact(text: string): string {
  return text
    .replace(USER_INFO, '$1:***@')
    .replace(BARE_USER_INFO, '$1:***@')
    .replace(SETTING, (match, name: string, sign: string) =>
      // "password authentication failed" and "no password: ..." are sentences, not settings.
      sign.includes('=') || /secret|token/i.test(name) ? `${name}${sign}***` : match,
    )
    .replace(ACCESS_KEY, '$1***');
}
