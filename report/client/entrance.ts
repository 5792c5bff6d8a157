/**
 * The key of the console. It comes in the fragment of the address, or for the password, and is kept in sessionStorage, which belongs to
 * this tab and to one origin, its port included: a page on another port of 127.0.0.1 cannot read it, and no browser sends it along.
 */
import { on, one } from './dom.ts';
import { showTheme } from './theme.ts';

const KEY = 'p2pfk-key';
const FRAGMENT = /^#token=([\w-]+)$/;

/** What is loaded at first is public and empty; this puts the page in its place, or shows why there is none. */
export async function enter(): Promise<void> {
  const [, given] = FRAGMENT.exec(location.hash) ?? [];
  if (given !== undefined) {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, '', location.pathname + location.search);
  }
  // The same document, where only the fragment of its address was changed by hand.
  addEventListener('hashchange', () => FRAGMENT.test(location.hash) && location.reload());
  if (sessionStorage.getItem(KEY) === null) return refused();
  const response = await ask(location.pathname + location.search).catch(() => null);
  if (response === null) return unreachable();
  await show(response);
}

/** A request with the key. */
export function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  headers.set('Authorization', `Bearer ${sessionStorage.getItem(KEY) ?? ''}`);
  return fetch(path, { ...options, headers, cache: 'no-store' });
}

/** Forms and files, which a browser would ask for without the key. */
export function sendForms(): void {
  on<HTMLFormElement>('submit', 'form', (form, event) => {
    event.preventDefault();
    const { submitter } = event as SubmitEvent;
    void (form.matches('[data-login]') ? signIn(form) : send(form, submitter));
  });
  on<HTMLAnchorElement>('click', 'a[download]', (link, event) => {
    event.preventDefault();
    void download(link.href);
  });
}

async function send(form: HTMLFormElement, submitter: HTMLElement | null): Promise<void> {
  const action = submitter?.getAttribute('formaction') ?? form.getAttribute('action') ?? '';
  for (const button of form.querySelectorAll('button')) button.disabled = true;
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) body.append(name, String(value));
  if (submitter instanceof HTMLButtonElement && submitter.name !== '') body.append(submitter.name, submitter.value);
  const response = await ask(action, { method: 'POST', body }).catch(() => null);
  if (response === null) return unreachable();
  if (response.redirected) return location.assign(response.url);
  await show(response);
}

async function signIn(form: HTMLFormElement): Promise<void> {
  const password = String(new FormData(form).get('password') ?? '');
  const body = new URLSearchParams({ password });
  const response = await fetch('/login', { method: 'POST', body, cache: 'no-store' }).catch(() => null);
  if (response === null) return unreachable();
  if (!response.ok) return show(response);
  const { key } = (await response.json()) as { readonly key: string };
  sessionStorage.setItem(KEY, key);
  location.reload();
}

/** The server has escaped everything, and no script of a document that is made so runs. */
async function show(response: Response): Promise<void> {
  const page = new DOMParser().parseFromString(await response.text(), 'text/html');
  document.title = page.title || document.title;
  document.body.replaceWith(document.adoptNode(page.body));
  showTheme();
  if (document.body.dataset.shell === undefined) return scrollTo(0, 0);
  if (response.status !== 429 && !response.url.endsWith('/login')) sessionStorage.removeItem(KEY);
  refused();
}

function refused(): void {
  const section = one('#refused');
  if (section === null) return;
  section.hidden = false;
  one('input', section)?.focus();
}

function unreachable(): void {
  const text = document.createElement('p');
  text.className = 'alert';
  text.setAttribute('role', 'alert');
  text.textContent = 'The server does not answer. Is p2pfk serve still running? Load the page again.';
  one('#main')?.prepend(text);
  for (const button of document.querySelectorAll('button')) button.disabled = false;
}

async function download(href: string): Promise<void> {
  const response = await ask(href).catch(() => null);
  if (response === null) return unreachable();
  if (!response.ok) return show(response);
  const [, name = 'report'] = /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition') ?? '') ?? [];
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
