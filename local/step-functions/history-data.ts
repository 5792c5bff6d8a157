/** GetExecutionHistory with `includeExecutionData: false`: events without inputs and outputs. */
import type { HistoryEvent } from '../../core/contracts/history-event.ts';

const DATA = new Set(['input', 'inputDetails', 'output', 'outputDetails']);

/** @returns the event without the fields in `DATA` */
export function withoutData(event: HistoryEvent): HistoryEvent {
  const entries = Object.entries(event).map(([name, value]) => {
    const details = name.endsWith('EventDetails') && typeof value === 'object' && value !== null;
    return [name, details ? Object.fromEntries(Object.entries(value).filter(([key]) => !DATA.has(key))) : value];
  });
  return Object.fromEntries(entries) as HistoryEvent;
}
