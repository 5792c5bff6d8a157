/** The site of the documentation in a browser that reaches no other host: pages, links between them, and the search. */
import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildSite } from '../docs/site.helpers.ts';
import { newPage, useBrowser } from './browser.helpers.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

let site: string;
let server: Server;
let url: string;

useBrowser();
beforeAll(async () => {
  site = await buildSite();
  server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname));
    const file = join(site, path.endsWith('/') ? `${path}index.html` : path);
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' }).end(readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 900_000);
afterAll(async () => {
  server.close();
  await rm(site, { recursive: true });
});

it('shows README, follows a link into a page, finds a section by a word of it, and asks no other host', async () => {
  const page = await newPage();
  const elsewhere: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) elsewhere.push(request.url());
  });

  await page.goto(`${url}/`);
  await page.getByRole('heading', { level: 1, name: 'p2pfk' }).waitFor();
  await page.locator('main').getByRole('link', { name: 'docs/tutorial.md' }).click();
  await page.getByRole('heading', { level: 1, name: 'Your first migration' }).waitFor();

  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('RowSecurityApplies');
  const found = page.locator('.results a', { hasText: 'RowSecurityApplies' }).first();
  await found.click();
  await page.waitForURL(/\/docs\/troubleshooting\.html#rowsecurityapplies$/);
  await page.getByRole('heading', { level: 3, name: 'RowSecurityApplies' }).waitFor();

  expect(elsewhere).toEqual([]);
});
