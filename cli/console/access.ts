/**
 * Who may use the console. On the loopback interface: whoever has the URL that `p2pfk serve` printed, with its random
 * token, which becomes a cookie that no other site's page can send along. Elsewhere: whoever has the password. What changes
 * something also needs a form of ours: its Origin must be the console's own, and it must carry a token that only the
 * console's pages hold.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, MiddlewareHandler, Next } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { csrf } from 'hono/csrf';
import { LoginThrottle } from './login-throttle.ts';
import { plainPage } from './pages/layout.ts';

export const CSRF_FIELD = 'csrf';
/** A password and its field, sent before anyone has signed in. */
export const MAX_LOGIN_BYTES = 4 * 1024;

export interface Access {
  /** In the URL, where there is no password; else null. */
  readonly token: string | null;
  /** For the hidden field of every form. */
  readonly formToken: string;
  readonly guard: MiddlewareHandler;
  /** Whether a form's hidden field is one of ours. */
  isOwnForm(value: unknown): boolean;
}

export function createAccess(password: string | null): Access {
  const secret = randomBytes(32);
  const derive = (what: string): string => createHmac('sha256', secret).update(what).digest('base64url');
  const [token, session, formToken] = [derive('token'), derive('session'), derive('form')];
  // Cookies know no ports: two consoles of one machine must not throw each other's readers out.
  const cookie = `p2pfk-${derive('cookie').slice(0, 8)}`;
  const same = (one: unknown, other: string): boolean =>
    typeof one === 'string' && timingSafeEqual(digest(secret, one), digest(secret, other));

  const enter: MiddlewareHandler = async (c) => {
    setCookie(c, cookie, session, { httpOnly: true, sameSite: 'Strict', path: '/' });
    return c.redirect('/', 303);
  };

  const guard: MiddlewareHandler = async (c, next) => {
    if (same(getCookie(c, cookie), session)) return next();
    if (password === null) {
      if (c.req.method === 'GET' && same(c.req.query('token'), token)) return enter(c, next);
      return c.html(await plainPage('No entrance', NO_TOKEN), 403);
    }
    if (c.req.method === 'POST' && c.req.path === '/login') return signIn(c, next, password);
    return c.html(await loginPage(''), 401);
  };

  const throttle = new LoginThrottle();
  const signIn = async (c: Context, next: Next, expected: string) => {
    if (throttle.waitMs > 0) return tooMany(c, throttle.waitMs);
    const form = await c.req.parseBody();
    // Those that arrived side by side are looked at one by one, and all but the first too early.
    if (throttle.waitMs > 0) return tooMany(c, throttle.waitMs);
    if (same(form.password, expected)) {
      throttle.succeeded();
      return enter(c, next);
    }
    // A person who mistyped it may try again as soon as the answer is there.
    await delay(throttle.failed());
    return c.html(await loginPage('The password is not right.'), 403);
  };

  const sameOrigin = csrf();
  return {
    token: password === null ? token : null,
    formToken,
    isOwnForm: (value) => same(value, formToken),
    guard: async (c, next) => sameOrigin(c, () => Promise.resolve()).then(() => guard(c, next)),
  };
}

const NO_TOKEN =
  'Open the address that p2pfk serve printed when it started, with its token: it is the key to this page.';

function digest(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

async function tooMany(c: Context, waitMs: number): Promise<Response> {
  const seconds = Math.ceil(waitMs / 1_000);
  c.header('Retry-After', String(seconds));
  return c.html(await loginPage(`Too many attempts. Try again in ${seconds} s.`), 429);
}

function loginPage(problem: string): Promise<string> {
  return plainPage('Sign in', problem, true);
}
