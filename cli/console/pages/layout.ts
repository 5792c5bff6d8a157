/** The frame of every page of the console. */
import { createHash } from 'node:crypto';
import { type Html, html, raw } from '../../../report/html/escape.ts';
import { version } from '../../version.ts';

/** Before the first paint, as in the report. */
const EARLY = `(()=>{const d=document.documentElement;d.classList.add('js');try{const t=localStorage.getItem('p2pfk-theme');if(t)d.dataset.theme=t}catch{}})()`;

/** For the Content-Security-Policy. */
export const EARLY_HASH = `'sha256-${createHash('sha256').update(EARLY).digest('base64')}'`;

export interface PageOptions {
  readonly title: string;
  /** Such as `127.0.0.1:5432/copyjob`. */
  readonly database: string;
  readonly current: 'executions' | 'start' | null;
  readonly content: Html;
}

export async function page({ title, database, current, content }: PageOptions): Promise<string> {
  const link = (href: string, text: string, is: boolean): Html =>
    html`<li><a href="${href}"${is ? html` aria-current="page"` : ''}>${text}</a></li>`;
  return String(
    await html`${await head(title)}<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><a class="brand" href="/">p2pfk</a><nav aria-label="Console"><ul>${link('/', 'Executions', current === 'executions')}${link('/start', 'Start', current === 'start')}</ul></nav><span class="where">${database}</span><button type="button" class="theme needs-js" id="theme">Theme: system</button></header>
<main id="main">${content}</main>
<footer><p>p2pfk ${version}</p></footer>
<script src="/assets/console.js" defer></script>
</body>
</html>
`,
  );
}

/**
 * What a request without the key gets: the same for everybody. Its script asks for the page with the key of this tab, and shows the
 * text where there is none or it is refused.
 */
export async function shellPage(title: string, text: string, login = false): Promise<string> {
  const form = html`<form method="post" action="/login" class="form narrow" data-login><label for="password">Password of this console</label><input type="password" id="password" name="password" autocomplete="current-password" required autofocus><button class="primary">Sign in</button></form>`;
  return String(
    await html`${await head(title)}<body data-shell><main id="main"><noscript><p>This page needs JavaScript: its key is kept in this tab and sent by the script.</p></noscript><section class="verdict" id="refused" hidden><h1>${title}</h1>${text === '' ? '' : html`<p class="note" role="alert">${text}</p>`}${login ? form : ''}</section></main>
<script src="/assets/console.js" defer></script></body></html>
`,
  );
}

function head(title: string): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} – p2pfk</title>
<script>${raw(EARLY)}</script>
<link rel="stylesheet" href="/assets/console.css">
<link rel="icon" href="data:,">
</head>
`;
}
