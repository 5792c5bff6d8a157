/** Numbers as people read them. Pure. */
import type { NamedError } from '../core/contracts/cause.ts';
import type { AcceptedFinding } from '../core/contracts/documents.ts';
import type { PlannedDatabase } from '../core/contracts/steps/events.ts';

/** `0.4 ms`, `182 ms`, `1.24 s`, `12.4 s`, `3 min 20 s`, `1 h 05 min`, `2 d 3 h`. */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `11,267,245` */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Powers of 1024, as `pg_size_pretty`. */
export function bytes(value: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let left = value;
  let unit = 0;
  while (left >= 10_240 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${count(left)} ${units[unit]}`;
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

/** `25 Nov 2026, 14:02:11 UTC`; the same everywhere, whoever reads it. Never the text itself, which may be anything but a time. */
export function instant(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return 'a time that cannot be read';
  return `${INSTANT.format(date)} UTC`;
}

const INSTANT = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Behind every person and reason: nothing but their word is known. */
export const AS_STATED = 'as stated, not verified';

/** Who accepted a finding, and when. */
export function acceptedBy({ role, sessionUser, by, at }: AcceptedFinding): string {
  const person = by === undefined ? '' : `${by} (${AS_STATED}), `;
  const login = sessionUser === undefined || sessionUser === role ? '' : ` (login ${sessionUser})`;
  return `accepted by ${person}role ${role}${login} on ${instant(at)}`;
}

/** What a failure says; a time-out has an error name and no message. */
export function failureMessage(failure: NamedError | null | undefined): string {
  return failure?.message || (failure?.name === 'States.Timeout' ? 'no answer in time' : '');
}

/** In one line, and no longer than `longest` characters. */
export function short(text: string, longest = 300): string {
  const line = text.replace(/\s*\n\s*/g, ' ').trim();
  return line.length <= longest ? line : `${line.slice(0, longest - 1)}…`;
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  const line = short(text, 2_000);
  if (line === '') return '';
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?…]$/.test(line) ? '' : '.'}`;
}

/** `copyjob at db.example.com:5432, system identifier 7312...`: which database an execution worked on. */
export function placeOf({ database, endpoint, systemIdentifier }: PlannedDatabase): string {
  return `${database} at ${endpoint}, system identifier ${systemIdentifier ?? 'unknown'}`;
}

/** What the plan step compares with the database. */
export const CATALOG = 'catalog hash';

/** What the plan step has found out about the catalog hash; never more than that. */
export function comparison({ compared }: { readonly compared: boolean }): string {
  return compared
    ? 'compared before anything was changed: refused if anything had changed since'
    : 'not compared by this execution: it ended before that, or the parent foreign key was gone by then';
}
