/** The axis of time, for the whole execution and for each stage. */

import { scaleUtc } from 'd3-scale';
import type { StageName } from '../../core/contracts/steps/catalogue.ts';
import type { Report } from '../contracts.ts';
import { STAGE_ORDER } from './words.ts';

/** Milliseconds since the execution began. */
export interface Range {
  readonly name: 'whole' | StageName;
  readonly from: number;
  readonly to: number;
}

/** An axis of nothing cannot be drawn. */
const SHORTEST_MS = 1;

export function rangesOf(report: Report): Range[] {
  const whole: Range = { name: 'whole', from: 0, to: Math.max(SHORTEST_MS, report.execution.durationMs) };
  const stages = STAGE_ORDER.flatMap((name): Range[] => {
    const bars = report.pairs.flatMap((pair) => pair.bars[name] ?? []);
    if (bars.length === 0) return [];
    const from = bars.reduce((least, bar) => Math.min(least, bar.from), Number.POSITIVE_INFINITY);
    const to = bars.reduce((most, bar) => Math.max(most, bar.from + bar.durationMs), 0);
    return [{ name, from, to: Math.max(from + SHORTEST_MS, to) }];
  });
  return [whole, ...stages];
}

/** Per cent of the range's width. */
export function position(value: number, range: Range): number {
  return Math.round(((value - range.from) / (range.to - range.from)) * 100_000) / 1_000;
}

/** d3 chooses round times: an execution's clock begins at zero, so seconds, minutes and hours fall where one expects. */
export function ticksOf(range: Range, wanted = 8): { readonly at: number; readonly label: string }[] {
  const ticks = scaleUtc().domain([range.from, range.to]).ticks(wanted).map(Number);
  const step = (ticks[1] ?? range.to) - (ticks[0] ?? range.from);
  return ticks.map((value) => ({ at: position(value, range), label: label(value, step) }));
}

function label(value: number, step: number): string {
  if (value === 0) return '0';
  if (step < 1_000) return `${Number((value / 1000).toFixed(3))} s`;
  const seconds = Math.round(value / 1000);
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (hours === 0 && minutes === 0) return `${rest} s`;
  const two = (part: number): string => String(part).padStart(2, '0');
  if (hours === 0) return `${minutes}:${two(rest)} min`;
  return step < 60_000 ? `${hours}:${two(minutes)}:${two(rest)} h` : `${hours}:${two(minutes)} h`;
}
