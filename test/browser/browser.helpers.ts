/** Chromium, a console on an endpoint of its own, and what a person does with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe, { type AxeResults } from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { createConsole } from '../../cli/console/console.ts';
import { describeTarget } from '../../core/ledger/connect.ts';
import { openLocalEndpoint } from '../../local/local-endpoint.ts';
import { serve } from '../../local/step-functions/endpoint.ts';
import { ExecutionStore } from '../../local/store/execution-store.ts';
import { databaseWith } from '../core/case.helpers.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

let browser: Browser | null = null;

/** Once for a file. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
  });
}

/**
 * A page that fails its test by any dialog, script error, or blocked resource.
 *
 * @param tested messages of the browser that are a part of the test, as a page that is refused always is
 */
export async function newPage(options: BrowserContextOptions = {}, tested = /status of 4\d\d/): Promise<Page> {
  if (browser === null) throw new Error('useBrowser() was not called');
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const trouble: string[] = [];
  page.on('dialog', (dialog) => {
    trouble.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => trouble.push(`script error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !tested.test(message.text())) trouble.push(message.text());
  });
  onTestFinished(async () => {
    await context.close();
    expect(trouble).toEqual([]);
  });
  return page;
}

export interface ServedConsole {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** With the key. */
  readonly entrance: string;
}

/** A console on a database of its own, whose tables `sql` makes. */
export async function openConsole(sql?: string, password: string | null = null): Promise<ServedConsole> {
  const { db } = await databaseWith(sql);
  const { client, service, close } = openLocalEndpoint({
    databaseUrl: db.url,
    store: ExecutionStore.inMemory(),
    warn: () => undefined,
  });
  const { listener, entrance } = createConsole({
    client,
    changed: (arn, longestMs) => service.changed(arn, longestMs),
    databaseUrl: db.url,
    database: describeTarget(db.url),
    password,
  });
  const endpoint = await serve({ service, port: 0, listener });
  onTestFinished(async () => {
    await endpoint.close();
    await service.stopAll({ error: 'Interrupted', cause: 'the test is over' });
    await service.settled();
    close();
  });
  return { url: endpoint.url, entrance: `${endpoint.url}${entrance}` };
}

/** From the form over the plan to the live page. The lock budget is patient: a busy machine is not what is tested. */
export async function startFromForm(
  page: Page,
  fields: { readonly table: string; readonly approval?: 'manual' },
): Promise<void> {
  await page.getByRole('link', { name: 'Start', exact: true }).click();
  await page.getByLabel('Table').fill(fields.table);
  if (fields.approval !== undefined) await page.getByLabel('wait until a person approves').check();
  await page.getByText('Limits and options').click();
  await page.getByLabel('Longest wait for locks').fill('20000');
  await page.getByRole('button', { name: 'Show the plan' }).click();
  await page.getByRole('button', { name: 'Start this migration' }).click();
  await page.waitForURL(/\/executions\//);
}

/** Waits until the live page says so, without loading it again. */
export async function untilStatus(page: Page, word: string): Promise<void> {
  await page.locator('.verdict .pill', { hasText: word }).first().waitFor({ timeout: 90_000 });
}

/** The page as a file from disk. */
export async function openFile(page: Page, text: string): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'p2pfk-report-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'report.html');
  writeFileSync(file, text);
  await page.goto(pathToFileURL(file).href);
}

/** Violations of WCAG 2.2 A and AA, one line each. axe runs as a script of the page itself, past its policy. */
export async function violations(page: Page): Promise<string[]> {
  const results = (await page.evaluate(
    `${axe.source}; axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  )) as AxeResults;
  return results.violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map((node) => node.html.slice(0, 160))
        .join(' | ')}`,
  );
}
