/** Small pure helpers for text that people read: durations, sizes, and names that must not play tricks. */
import { withoutSchemaOf } from '../core/contracts/safe-text.ts';

export {
  shellWord,
  visible,
  visibleJson,
  visibleLines,
  visibleSql,
  withoutSchemaOf,
} from '../core/contracts/safe-text.ts';

/** `00:00:42`, and below one second `00:00:00.023`, where whole seconds would say nothing. */
export function clock(milliseconds: number): string {
  const total = Math.max(0, Math.round(milliseconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(total / 1000);
  const hms = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return total < 1000 ? `${hms}.${String(total).padStart(3, '0')}` : hms;
}

/** The same without the fraction, for a clock that runs. */
export function runningClock(milliseconds: number): string {
  return clock(milliseconds).slice(0, 8);
}

/** `850 ms`, `3.1 s`, `12 s`, `3 min 20 s`, `1 h 5 min`: for estimates, where more digits would be a lie. */
export function roughly(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  if (milliseconds < 9950) return `${Number((milliseconds / 1000).toFixed(1))} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `13:15:10 UTC`: a moment of the next hours, by the clock that ledger and logs go by. */
export function timeOfDay(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(11, 19)} UTC`;
}

/** An execution of this machine by its name, which each command takes; one in AWS by its ARN, which says where it is. */
export function executionInWords(executionArn: string): string {
  return /^arn:aws:states:local:\d+:execution:[^:]+:([\w-]+)$/.exec(executionArn)?.[1] ?? executionArn;
}

/** Bytes as PostgreSQL's `pg_size_pretty` rounds them: powers of 1024. */
export function size(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  while (value >= 10_240 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Math.round(value)} ${units[unit]}`;
}

/** `11,267,245`; thousands are set apart in tables only, never in lines that scripts may read. */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `850`, `12.3 k`, `530 k`, `11.3 M`, `1.2 G`: for counters that run. */
export function compact(value: number): string {
  const units = ['', ' k', ' M', ' G', ' T'];
  let scaled = Math.max(0, value);
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const text = unit === 0 || scaled >= 99.95 ? String(Math.round(scaled)) : scaled.toFixed(1);
  return `${text}${units[unit]}`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** `a → b` where it fits, else both on lines of their own. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** With a capital letter, where a reason becomes a line of its own. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + oneLine(text).slice(1);
}

// A quoted column may hold anything, parentheses too.
const UP_TO_REFERENCED = /^(FOREIGN KEY \((?:"(?:[^"]|"")*"|[^")])+\) REFERENCES )((?:"(?:[^"]|"")*"|[^\s"(])+)/;

/** A foreign key's definition, its referenced table written as {@link withoutSchemaOf} writes it. */
export function definitionWithoutSchemaOf(table: string, definition: string): string {
  return definition.replace(
    UP_TO_REFERENCED,
    (_all, before: string, referenced: string) => before + withoutSchemaOf(table, referenced),
  );
}
