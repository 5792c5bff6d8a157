/** The console page of `p2pfk serve`: a list of executions, a form that starts one, and each one live. */
import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { secureHeaders } from 'hono/secure-headers';
import { MAX_FORM_BYTES } from '../../local/step-functions/http.ts';
import { type AssetName, asset } from '../../report/assets.ts';
import { createAccess, MAX_LOGIN_BYTES } from './access.ts';
import type { ConsoleContext } from './context.ts';
import { EARLY_HASH } from './pages/layout.ts';
import { executionRoutes } from './routes/execution.ts';
import { showProblem } from './routes/reply.ts';
import { startRoutes } from './routes/start.ts';

export interface Console {
  readonly listener: RequestListener;
  /** Path of the entrance, with the key as its fragment, where no password is asked for. */
  readonly entrance: string;
}

export type ConsoleOptions = ConsoleContext & {
  /** Asked for instead of the key in the URL; null: the key is. */
  readonly password: string | null;
};

export function createConsole({ password, ...context }: ConsoleOptions): Console {
  const access = createAccess(password);
  const app = new Hono();

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        scriptSrc: ["'self'", EARLY_HASH],
        connectSrc: ["'self'"],
        imgSrc: ['data:'],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        baseUri: ["'none'"],
      },
      // Not no-referrer: a form would then send "Origin: null".
      referrerPolicy: 'same-origin',
      xFrameOptions: 'DENY',
      strictTransportSecurity: false,
    }),
  );
  app.use(async (c, next) => {
    await next();
    c.header('Cache-Control', 'no-store');
  });
  // Style and script hold no secret, and the sign-in page wants the style too.
  app.get('/assets/:name{console\\.(js|css)}', (c) => {
    const name = c.req.param('name') as AssetName;
    return c.body(asset(name), 200, { 'Content-Type': name.endsWith('.js') ? 'text/javascript' : 'text/css' });
  });
  // Counted as it is read: not every body says how long it is.
  app.use('/login', bodyLimit({ maxSize: MAX_LOGIN_BYTES }));
  app.use(access.guard);
  app.use(bodyLimit({ maxSize: MAX_FORM_BYTES }));
  app.route('/', startRoutes(context));
  app.route('/', executionRoutes(context));
  app.notFound((c) => showProblem(c, context, 404, 'There is no such page', 'Look for it in the list of executions.'));
  app.onError((error, c) => showProblem(c, context, 400, 'That did not work', error));

  return {
    listener: getRequestListener(app.fetch),
    entrance: access.key === null ? '/' : `/#token=${access.key}`,
  };
}
