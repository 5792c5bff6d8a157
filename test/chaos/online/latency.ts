/** How long an application's statements took, and how that compares with the same load without us. */
import type { Timing } from '../watch/workload.ts';

export interface Latency {
  readonly statements: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Of the statements that began in [from, to), in milliseconds since the process began. */
export function latency(timings: readonly Timing[], from: number, to: number): Latency {
  const sorted = timings
    .filter(({ at }) => at >= from && at < to)
    .map(({ milliseconds }) => milliseconds)
    .sort((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return {
    statements: sorted.length,
    p50: quantile(0.5),
    p95: quantile(0.95),
    p99: quantile(0.99),
    max: sorted.at(-1) ?? 0,
  };
}

/** A table for people: one line a phase, with its ratio to the first. */
export function table(phases: Readonly<Record<string, Latency>>): string {
  const [base] = Object.values(phases);
  const cell = (value: number) => value.toFixed(1).padStart(9);
  const lines = Object.entries(phases).map(([name, { statements, p50, p95, p99, max }]) => {
    const ratio = [p50 / (base?.p50 || 1), p95 / (base?.p95 || 1)]
      .map((one) => `${one.toFixed(2)}x`.padStart(7))
      .join('');
    return `${name.padEnd(12)}${String(statements).padStart(11)}${[p50, p95, p99, max].map(cell).join('')}${ratio}`;
  });
  return [`${'ms'.padEnd(12)} statements      p50      p95      p99      max    p50    p95`, ...lines].join('\n');
}
