/** Numbers, durations and sizes as people write them on a command line. */
import { InvalidArgumentError } from 'commander';

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };
const MEGABYTES: Readonly<Record<string, number>> = { mb: 1, gb: 1_024 };

/** Digits only: `1e3`, `0x10` and `5s` are typing errors here, not numbers. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

/**
 * `30s`, `5m`, `1h`, `1.5s`, `250ms`, `2d`; digits alone are seconds.
 *
 * @returns seconds
 */
export function duration(text: string): number {
  const [, value, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = SECONDS[unit];
  if (value === undefined || factor === undefined) {
    throw new InvalidArgumentError('It must be a duration such as 30s, 5m or 1h; digits alone are seconds.');
  }
  // A millisecond is the finest that can be written: what multiplication adds behind it is noise.
  return Math.round(Number(value) * factor * 1_000) / 1_000;
}

/**
 * `512MB`, `2GB`. Never without a unit: to PostgreSQL a bare number would be kilobytes.
 *
 * @returns megabytes
 */
export function megabytes(text: string): number {
  const [, value, unit = ''] = /^(\d{1,9}) ?(MB|GB)$/i.exec(text) ?? [];
  const factor = MEGABYTES[unit.toLowerCase()];
  if (value === undefined || factor === undefined) {
    throw new InvalidArgumentError('It must be a size such as 512MB or 2GB.');
  }
  return Number(value) * factor;
}
