/** A report in one of its formats. */
import { visibleJson } from '../core/contracts/safe-text.ts';
import type { Report } from './contracts.ts';
import { toHtml } from './html/document.ts';
import { toMarkdown } from './markdown.ts';

export const FORMATS = ['html', 'markdown', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export async function render(report: Report, format: Format): Promise<string> {
  switch (format) {
    case 'html':
      return toHtml(report);
    case 'markdown':
      return toMarkdown(report);
    case 'json':
      return `${visibleJson(report, 2)}\n`;
  }
}
