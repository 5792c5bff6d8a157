/**
 * Who may use the console. On the loopback interface: a person with the URL that `p2pfk serve` printed, whose fragment is a random
 * key. Elsewhere: a person with the password, who gets a key for it. Every request brings the key in its Authorization header; the
 * page keeps it in the sessionStorage of its tab. No cookie: one of 127.0.0.1 is sent to each port of it, so also to a server of
 * another user of this machine. So there is nothing that a browser would add to the request of another site, and a form needs no token.
 * A request without the key gets a page that is public, the same for all, and holds nothing; its script asks again with the key.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, MiddlewareHandler } from 'hono';
import { csrf } from 'hono/csrf';
import { trustConnection } from '../../local/step-functions/connections.ts';
import { LoginThrottle } from './login-throttle.ts';
import { shellPage } from './pages/layout.ts';

/** A password and its field, sent before anyone has signed in. */
export const MAX_LOGIN_BYTES = 4 * 1024;

export interface Access {
  /** In the fragment of the URL, which no browser sends, where there is no password; else null. */
  readonly key: string | null;
  readonly guard: MiddlewareHandler;
}

export function createAccess(password: string | null): Access {
  const secret = randomBytes(32);
  const key = digest(secret, 'key').toString('base64url');
  const same = (one: unknown, other: string): boolean =>
    typeof one === 'string' && timingSafeEqual(digest(secret, one), digest(secret, other));

  const guard: MiddlewareHandler = async (c, next) => {
    if (same(c.req.header('authorization'), `Bearer ${key}`)) {
      trustConnection(c.env?.incoming?.socket);
      return next();
    }
    if (password === null) return c.html(await shellPage('Access denied', NO_KEY), 403);
    if (c.req.method === 'POST' && c.req.path === '/login') return signIn(c, password);
    return c.html(await loginPage(''), 401);
  };

  const throttle = new LoginThrottle();
  const signIn = async (c: Context, expected: string) => {
    if (throttle.waitMs > 0) return tooMany(c, throttle.waitMs);
    const form = await c.req.parseBody();
    // Those that arrived side by side are looked at one by one, and all but the first too early.
    if (throttle.waitMs > 0) return tooMany(c, throttle.waitMs);
    if (same(form.password, expected)) {
      throttle.succeeded();
      return c.json({ key });
    }
    // A person who mistyped it may try again as soon as the answer is there.
    await delay(throttle.failed());
    return c.html(await loginPage('Incorrect password.'), 403);
  };

  const sameOrigin = csrf();
  return {
    key: password === null ? key : null,
    guard: async (c, next) => {
      // Another user may listen on the same port of [::1], where localhost may lead, and would be the same origin.
      if (/^(localhost|\[::1\])(:|$)/i.test(c.req.header('host') ?? '')) return c.text(OTHER_NAME, 403);
      return sameOrigin(c, () => Promise.resolve()).then(() => guard(c, next));
    },
  };
}

const NO_KEY =
  'Open the address that p2pfk serve printed when it started, in this tab, with everything after the # in it: it is the key to this page.';

const OTHER_NAME =
  'Open this page at 127.0.0.1, as p2pfk serve has printed it: localhost may also lead to another server.\n';

function digest(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

async function tooMany(c: Context, waitMs: number): Promise<Response> {
  const seconds = Math.ceil(waitMs / 1_000);
  c.header('Retry-After', String(seconds));
  return c.html(await loginPage(`Too many attempts. Try again in ${seconds} s.`), 429);
}

function loginPage(problem: string): Promise<string> {
  return shellPage('Sign in', problem, true);
}
