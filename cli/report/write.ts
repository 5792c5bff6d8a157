/** Makes a report and puts it where it is wanted. */

import { extname } from 'node:path';
import type { SFNClient } from '@aws-sdk/client-sfn';
import { InvalidInput, messageOf } from '../../core/contracts/errors.ts';
import { echoed, redact } from '../../core/contracts/redact.ts';
import { writePrivateFile } from '../../local/private-file.ts';
import { FORMATS, type Format, render } from '../../report/render.ts';
import { buildReport, type ReportSources } from '../../report/report.ts';
import type { Output } from '../output.ts';
import { readSources } from './sources.ts';

const BY_EXTENSION: Readonly<Record<string, Format>> = {
  '.html': 'html',
  '.htm': 'html',
  '.md': 'markdown',
  '.markdown': 'markdown',
  '.json': 'json',
};

/** `--format`, else what the file's name says, else HTML. */
export function formatOf(file: string | undefined, given: string | undefined): Format {
  if (given === undefined) return BY_EXTENSION[extname(file ?? '').toLowerCase()] ?? 'html';
  const format = FORMATS.find((one) => one === given);
  if (format === undefined) throw new InvalidInput(`--format must be html, markdown or json, not ${echoed(given)}`);
  return format;
}

/**
 * For its user alone: it names tables, roles and statements.
 *
 * @throws InvalidInput where the file cannot be written, in one line
 */
export async function writeReport(file: string, text: string): Promise<void> {
  try {
    await writePrivateFile(file, text);
  } catch (error) {
    throw new InvalidInput(`the report cannot be written to ${redact(file)}: ${messageOf(error)}`);
  }
}

/** `--report FILE`, in two steps, because the execution can be read only while there is an endpoint to ask. */
export interface PendingReport {
  read(client: SFNClient, executionArn: string): Promise<void>;
  /** Whatever happens to the report, the result and the exit code of the work stand. */
  write(output: Output, more?: Partial<ReportSources>): Promise<void>;
}

export function pendingReport(file: string, databaseUrl: string | undefined): PendingReport {
  const format = formatOf(file, undefined);
  let sources: ReportSources | null = null;
  let failure: unknown = new InvalidInput('the execution did not begin');
  return {
    async read(client, executionArn) {
      try {
        sources = await readSources({ client, executionArn, databaseUrl, withLedger: true });
      } catch (error) {
        failure = error;
      }
    },
    async write(output, more = {}) {
      try {
        if (sources === null) throw failure;
        await writeReport(file, await render(buildReport({ ...sources, ...more }), format));
        output.line(`✓ Report: ${file}`);
      } catch (error) {
        output.complain(`! No report was written to ${redact(file)}: ${messageOf(error)}`);
      }
    },
  };
}
