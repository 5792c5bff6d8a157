/** Messages for external input that Zod refuses, without quoting the input unchanged. */
import * as z from 'zod';
import { holdsCredentials } from './credentials.ts';
import { echoed } from './redact.ts';

/** An object that refuses unknown keys, so that a typing error is not ignored. Zod's own message would quote them as they are. */
export function strictObject<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownKeys(issue.keys) : undefined),
  });
}

function unknownKeys(keys: readonly string[]): string {
  const shown = keys.map((key) => (holdsCredentials(key) ? 'one that holds a connection string' : echoed(key)));
  return `unknown ${keys.length === 1 ? 'key' : 'keys'}: ${shown.join(', ')}`;
}

/** `key.key: what is wrong`; `whole` names the place if the problem has no key. */
export function problemOf({ path, message }: Pick<z.core.$ZodIssue, 'path' | 'message'>, whole = ''): string {
  const place =
    path.map((key) => (/^\w{1,60}$/.test(String(key)) ? String(key) : echoed(String(key)))).join('.') || whole;
  return place === '' ? message : `${place}: ${message}`;
}
