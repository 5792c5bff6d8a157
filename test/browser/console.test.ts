/** The console as a person uses it, on a real database. */
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
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
  it('is let in by the token only', async () => {
    const { url } = await openConsole();
    expect((await fetch(url)).status).toBe(403);
    expect((await fetch(`${url}/?token=guessed`)).status).toBe(403);
    expect((await fetch(`${url}/executions/x`)).status).toBe(403);
  });

  it('gets a cookie that no other site can send along', async () => {
    const { entrance } = await openConsole();
    const answer = await fetch(entrance, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly/);
    expect(answer.headers.get('set-cookie')).toMatch(/SameSite=Strict/);
  });

  it('cannot start anything from another site, or without the token of the form', async () => {
    const { url, entrance } = await openConsole();
    const cookie = (await fetch(entrance, { redirect: 'manual' })).headers.get('set-cookie')?.split(';')[0] ?? '';
    const post = (origin: string, body: string): Promise<number> =>
      fetch(`${url}/start`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie, origin, 'content-type': 'application/x-www-form-urlencoded' },
        body,
      }).then((answer) => answer.status);
    const form = await (await fetch(`${url}/start`, { headers: { cookie } })).text();
    const [, token] = /name="csrf" value="([^"]+)"/.exec(form) ?? [];

    expect(await post('https://elsewhere.example', `table=path&csrf=${token}`)).toBe(403);
    expect(await post(url, 'table=path')).toBe(403);
    expect(await post(url, 'table=path&csrf=guessed')).toBe(403);
    const list = await (await fetch(url, { headers: { cookie } })).text();
    expect(list).toContain('Nothing has run here yet');
  });

  it('does not get in by a name that is made to point at this machine', async () => {
    const { url, entrance } = await openConsole();
    const { port } = new URL(url);
    const { pathname, search } = new URL(entrance);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port,
        path: `${pathname}${search}`,
        headers: { host: 'rebound.example' },
      });
      asked.on('response', (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject);
      asked.end();
    });
    expect(status).toBe(403);
  });

  it('needs the password, where there is one', async () => {
    const { url } = await openConsole(undefined, 'correct horse battery');
    const page = await newPage();
    await page.goto(url);
    await page.getByLabel('Password of this console').fill('wrong horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The password is not right.').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('Password of this console').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Nothing has run here yet').waitFor();
  });
});
