/** `nextToken`: where a page ended, for which request, and when. */
import { invalidToken } from './faults.ts';

/** AWS's tokens expire after 24 hours. */
const EXPIRES_MS = 24 * 3_600_000;

interface Token {
  readonly request: string;
  readonly at: number;
  readonly issued: number;
}

/**
 * @param request all other fields of the request, which the next request has to repeat
 * @param at where the page ended
 */
export function pageToken(request: unknown, at: number): string {
  const token: Token = { request: JSON.stringify(request), at, issued: Date.now() };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/**
 * @returns where the last page ended; undefined where there is no token
 * @throws ServiceFault InvalidToken
 */
export function readPageToken(text: string | undefined, request: unknown): number | undefined {
  if (text === undefined) return undefined;
  const token = decode(text);
  const fits = token?.request === JSON.stringify(request) && Number.isSafeInteger(token.at);
  if (!fits || !(Date.now() - token.issued < EXPIRES_MS)) throw invalidToken();
  return token.at;
}

function decode(text: string): Token | null {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Token | null;
  } catch {
    return null;
  }
}
