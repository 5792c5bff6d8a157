/** A scan as a person reads it. Pure. */
import type { ScanDocument, ScannedForeignKey, ScanStatus } from '../../core/contracts/scan-document.ts';
import { compact, grouped, oneLine, plural, roughly, size, visible } from '../text.ts';
import { cut, width } from '../width.ts';
import { columns } from './columns.ts';
import { fitted } from './plan-text.ts';

export interface ScanLinesOptions {
  /** Of the terminal; null where it is none: then nothing is cut or wrapped. */
  readonly columns: number | null;
  /** Only the result. */
  readonly quiet: boolean;
}

/** More foreign keys than fit a screen are cut on a terminal only. */
const MOST = 40;
const MOST_DETAILS = 12;
/** Reasons of one foreign key, such as each of its unprotected partitions. */
const MOST_REASONS = 3;

const MARKS: Readonly<Record<ScanStatus, string>> = {
  unprotected: '✗',
  'half-done': '!',
  convertible: '✓',
  unclear: '!',
  refused: '!',
  converted: '✓',
  plain: '·',
};

const MEANINGS: Readonly<Record<ScanStatus, string>> = {
  unprotected: 'converted, and rows are not guarded as they were: repair these first',
  'half-done': 'a conversion has begun, and is not complete',
  convertible: 'can be converted now',
  unclear: 'not known whether it can be converted',
  refused: 'cannot be converted as it is',
  converted: 'converted: nothing to do',
  plain: 'with a plain table, or one partition, on one side: nothing to convert',
};

export function scanLines(scan: ScanDocument, options: ScanLinesOptions): string[] {
  const toWidth = (lines: readonly string[]): string[] => fitted(lines, options.columns);
  if (options.quiet) return toWidth(verdict(scan));
  return [
    ...toWidth(heading(scan)),
    '',
    ...tableLines(scan.foreignKeys, options.columns),
    ...details(scan.foreignKeys, options.columns),
    ...toWidth(unseenLines(scan)),
    ...toWidth(verdict(scan)),
  ];
}

function heading({ database, serverVersion, standby, schemas, statisticsSince, ledger }: ScanDocument): string[] {
  const what = schemas === null ? 'all schemas' : `schemas ${schemas.map(visible).join(', ')}`;
  return [
    `Database     ${visible(database)}, ${what}; PostgreSQL ${serverVersion}${standby ? ', a standby' : ''}`,
    ...(ledger === 'unreadable' ? ['Ledger       ! this role may not read it: what p2pfk has begun is not known'] : []),
    ...(statisticsSince === null
      ? []
      : [`Statistics   writes a second are averages since ${statisticsSince.slice(0, 10)}`]),
  ];
}

function nameOf({ table, referencedTable }: ScannedForeignKey): string {
  return `${visible(table)} → ${visible(referencedTable)}`;
}

function tableLines(found: readonly ScannedForeignKey[], terminal: number | null): string[] {
  if (found.length === 0) return ['No foreign key touches a partitioned table.', ''];
  const shown = terminal === null ? found : found.slice(0, MOST);
  const shape = [
    { title: 'status', cell: ({ status }: ScannedForeignKey) => `${MARKS[status]} ${status}` },
    { title: 'foreign key', cell: nameOf },
    { title: 'pairs', cell: ({ pairs }: ScannedForeignKey) => (pairs === 0 ? '' : grouped(pairs)), align: 'right' },
    { title: 'rows', cell: ({ rows }: ScannedForeignKey) => compact(rows), align: 'right' },
    { title: 'size', cell: ({ bytes }: ScannedForeignKey) => size(bytes), align: 'right' },
    { title: 'writes/s', cell: writesOf, align: 'right' },
  ] as const;
  const whole = columns(shown, shape);
  const widest = Math.max(...whole.map(width));
  // What is too wide is taken from the names: all else are numbers.
  const names = Math.max(...shown.map((one) => width(nameOf(one))), width('foreign key'));
  const room = terminal === null ? names : Math.max(12, names - Math.max(0, widest - (terminal - 1)));
  const narrow = shape.map((column) =>
    column.title === 'foreign key' ? { ...column, cell: (one: ScannedForeignKey) => cut(nameOf(one), room) } : column,
  );
  const hidden = found.length - shown.length;
  return [
    ...columns(shown, narrow),
    ...(hidden > 0 ? [`  … and ${hidden} more: pipe into a file or less, or use --json, to see all`] : []),
    '',
  ];
}

function writesOf({ gain }: ScannedForeignKey): string {
  if (gain === null || gain.insertsPerSecond === null || gain.deletesPerSecond === null) return '';
  const writes = gain.insertsPerSecond + gain.deletesPerSecond;
  return writes >= 10 ? compact(writes) : String(Number(writes.toPrecision(1)));
}

/** What there is to know of each, by status; those with nothing to do are only counted. */
function details(found: readonly ScannedForeignKey[], terminal: number | null): string[] {
  const statuses = [...new Set(found.map(({ status }) => status))];
  return statuses.flatMap((status) => {
    const those = found.filter((one) => one.status === status);
    const what = status === 'plain' ? plural(those.length, 'foreign key') : `${those.length} ${status}`;
    const shown = terminal === null ? those : those.slice(0, MOST_DETAILS);
    const hidden = those.length - shown.length;
    return [
      ...fitted([`${what}: ${MEANINGS[status]}`], terminal),
      ...(status === 'converted'
        ? []
        : shown.flatMap((one) => [...fitted(aboutOne(one), terminal), ...nextLines(one)])),
      ...(hidden > 0 && status !== 'converted' ? [`  … and ${hidden} more`] : []),
      '',
    ];
  });
}

function aboutOne(one: ScannedForeignKey): string[] {
  const { constraint, reasons, missingIndexes, unpaired } = one;
  const named = constraint === null ? '' : ` (${visible(constraint)})`;
  const shown = reasons.slice(0, MOST_REASONS);
  const more = reasons.length - shown.length;
  const lacks = [
    ...(missingIndexes > 0 ? [`${plural(missingIndexes, 'pair')} without an index on the referencing side`] : []),
    ...(unpaired > 0 ? [`${plural(unpaired, 'partition')} without a counterpart`] : []),
  ];
  return [
    `  ${MARKS[one.status]} ${nameOf(one)}${named}`,
    ...shown.flatMap(({ id, message, remedy }) => [
      `      ${id}: ${visible(oneLine(message))}`,
      ...(one.status === 'plain' ? [] : [`      → ${visible(oneLine(remedy))}`]),
    ]),
    ...(more > 0 ? [`      … and ${more} more reasons`] : []),
    ...(lacks.length > 0 && one.status !== 'unprotected' ? [`      ${lacks.join('; ')}`] : []),
    ...gainLines(one),
    ...costLines(one),
  ];
}

function gainLines({ gain, table, status }: ScannedForeignKey): string[] {
  if (gain === null || status === 'unprotected') return [];
  return [
    `      gains: TRUNCATE of a partition no longer empties all of ${visible(table)} (${compact(gain.truncateEmptiesRows).trim()} rows); ${plural(gain.partitionsNotDetachable, 'partition')} can be detached; the first writes of a session lock ${gain.partitionsLockedAfter} partitions, not ${grouped(gain.partitionsLocked)}`,
  ];
}

function costLines({ cost }: ScannedForeignKey): string[] {
  if (cost === null) return [];
  const { seconds, dropLockedMs, rollback } = cost;
  return [
    `      costs: about ${roughly(seconds * 1000)} in all, exclusive locks for about ${roughly(dropLockedMs)}; a rollback blocks writes for about ${roughly(rollback.writesBlockedMs)}`,
  ];
}

/** Never wrapped: a command is copied as it is. */
function nextLines({ next }: ScannedForeignKey): string[] {
  return next === null ? [] : [`      next: ${next}`];
}

function unseenLines({ unseen }: ScanDocument): string[] {
  if (unseen.length === 0) return [];
  const whys = [...new Map(unseen.map((one) => [one.message, one])).values()];
  return [
    `! ${plural(unseen.length, 'foreign key')} not looked at`,
    ...whys.flatMap(({ message, remedy }) => {
      const those = unseen.filter((one) => one.message === message);
      const names = those
        .slice(0, MOST_REASONS)
        .map((one) => `${visible(one.table)} → ${visible(one.referencedTable)}`);
      const more = those.length - names.length;
      return [
        `  ! ${visible(message)}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
        `      → ${visible(remedy)}`,
      ];
    }),
    '',
  ];
}

function verdict({ summary, foreignKeys, failed, unseen }: ScanDocument): string[] {
  const counts = Object.entries(summary)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`);
  const all = foreignKeys.length === 0 ? 'no foreign key touches a partitioned table' : counts.join(', ');
  const left = unseen.length === 0 ? '' : `; ${unseen.length} not looked at`;
  return [failed.length === 0 ? `✓ Scanned: ${all}${left}` : `✗ Found ${failed.join(' and ')}: ${all}${left}`];
}
