/** The report as a file, opened from disk. */
import { describe, expect, it } from 'vitest';
import { render } from '../../report/render.ts';
import { buildReport } from '../../report/report.ts';
import { type StoryOptions, story } from '../report/story.helpers.ts';
import { newPage, openFile, useBrowser, violations } from './browser.helpers.ts';

useBrowser();

const fileOf = (options: StoryOptions = {}): Promise<string> => render(buildReport(story(options)), 'html');

describe('a report', () => {
  it.each(['light', 'dark'] as const)('has no accessibility violation in %s', async (colorScheme) => {
    const page = await newPage({ colorScheme });
    await openFile(page, await fileOf({ ending: 'restored', retryEvery: 4 }));
    await page.locator('[data-graph=executed] a[data-state=ValidateForeignKey]').click();
    await page.getByRole('button', { name: 'path_p_00000061' }).click();
    expect(await violations(page)).toEqual([]);
  });

  it('leads from a state to its events, by the keyboard alone', async () => {
    const page = await newPage();
    await openFile(page, await fileOf());
    await page.locator('[data-graph=executed] a[data-state=DropParentForeignKey]').focus();
    await page.keyboard.press('Enter');
    const inspector = page.locator('#inspector');
    await inspector.getByRole('heading', { name: 'DropParentForeignKey' }).waitFor();
    expect(await inspector.getByRole('cell', { name: 'LambdaFunctionSucceeded' }).count()).toBe(1);
  });

  it('opens a pair with the statements that ran for it', async () => {
    const page = await newPage();
    await openFile(page, await fileOf());
    await page.locator('#timeline').getByRole('link', { name: 'path_p_00000061' }).click();
    const pair = page.locator('#pair-1');
    expect(await pair.getByRole('button', { name: 'path_p_00000061' }).getAttribute('aria-expanded')).toBe('true');
    expect(await pair.locator('table.statements tbody tr').count()).toBe(3);
    expect(await pair.locator('table.statements').innerText()).toContain('VALIDATE CONSTRAINT');
  });

  it('sorts by a column, the largest first, and tells so', async () => {
    const page = await newPage();
    await openFile(page, await fileOf({ retryEvery: 5 }));
    const heading = page.locator('#pairs').getByRole('button', { name: 'Retries' });
    await heading.click();
    expect(await page.locator('[data-rows=pairs] [data-row]').first().getAttribute('data-key')).toMatch(/^(5|10|15)$/);
    expect(await page.locator('#pairs th[aria-sort=descending]').innerText()).toContain('Retries');
  });

  it('zooms the timeline to one stage', async () => {
    const page = await newPage();
    await openFile(page, await fileOf());
    const bar = page.locator('.timeline tbody.pairs rect.add').first();
    const before = (await bar.boundingBox())?.width ?? 0;
    await page.locator('[data-zoom=add]').click();
    expect((await bar.boundingBox())?.width ?? 0).toBeGreaterThan(before * 5);
    expect(await page.locator('[data-axis=add]').isVisible()).toBe(true);
    expect(await page.locator('[data-axis=whole]').isVisible()).toBe(false);
  });

  it('shows a table named as markup, and runs nothing of it', async () => {
    const page = await newPage();
    const table = 'public."<script>alert(1)</script>"';
    await openFile(page, await fileOf({ table, constraint: '"><img src=x onerror=alert(2)>' }));
    expect(await page.title()).toContain('<script>alert(1)</script>');
    for (const place of ['h1', '#timeline', '#pairs']) {
      expect(await page.locator(place).innerText()).toContain('<script>alert(1)</script>');
    }
    expect(await page.locator('img').count()).toBe(0);
  });

  it('fits a telephone without scrolling sideways', async () => {
    const page = await newPage({ viewport: { width: 390, height: 800 } });
    await openFile(page, await fileOf({ retryEvery: 4 }));
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
  });

  it('prints every pair and statement, whatever page or filter is shown', async () => {
    const page = await newPage();
    await openFile(page, await fileOf({ pairs: 80 }));
    await page.locator('#pairs input[type=search]').fill('00000061');
    const shown = page.locator('[data-rows=pairs] > tbody:visible');
    expect(await shown.count()).toBe(1);
    await page.emulateMedia({ media: 'print' });
    expect(await shown.count()).toBe(80);
    expect(await page.locator('.top').isVisible()).toBe(false);
  });

  it('is whole without a script', async () => {
    const page = await newPage({ javaScriptEnabled: false });
    await openFile(page, await fileOf({ pairs: 80 }));
    expect(await page.locator('[data-rows=pairs] > tbody:visible').count()).toBe(80);
    expect(await page.locator('[data-rows=statements] tr[data-row]:visible').count()).toBe(241);
    expect(await page.locator('.pager:visible').count()).toBe(0);
  });
});

describe('a report of 1,000 pairs', () => {
  it('takes no more than in proportion to its pairs until it can be used, filters and turns pages', async () => {
    const page = await newPage();
    /** Milliseconds until the filter has found a pair: the best of three, as this machine has other things to do. */
    const usableAfter = async (text: string, pairs: number) => {
      const times: number[] = [];
      for (let run = 0; run < 3; run += 1) {
        const began = performance.now();
        await openFile(page, text);
        await page.locator('#pairs input[type=search]').fill('path_p_9e377a12');
        await page.locator('#pairs .count', { hasText: `1 of ${pairs} pairs` }).waitFor();
        times.push(performance.now() - began);
      }
      return Math.min(...times);
    };
    const quarter = await usableAfter(await fileOf({ pairs: 250, retryEvery: 9, concurrency: 16 }), 250);
    const text = await fileOf({ pairs: 1000, retryEvery: 9, concurrency: 16 });
    expect(Buffer.byteLength(text)).toBeLessThan(5_000_000);
    expect(await usableAfter(text, 1000)).toBeLessThan(quarter * 4);

    await page.locator('#pairs input[type=search]').fill('');
    await page.locator('#pairs').getByRole('button', { name: 'Next page' }).click();
    expect(await page.locator('#pairs .count').innerText()).toBe('51–100 of 1000');
    expect(await page.locator('[data-rows=pairs] > tbody:visible').count()).toBe(50);
  });
});
