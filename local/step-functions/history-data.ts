/** GetExecutionHistory with `includeExecutionData: false`: what happened, without what it happened to. */
import type { HistoryEvent } from '../../core/contracts/history-event.ts';

const DATA = new Set(['input', 'inputDetails', 'output', 'outputDetails']);

export function withoutData(event: HistoryEvent): HistoryEvent {
  const entries = Object.entries(event).map(([name, value]) => {
    const details = name.endsWith('EventDetails') && typeof value === 'object' && value !== null;
    return [name, details ? Object.fromEntries(Object.entries(value).filter(([key]) => !DATA.has(key))) : value];
  });
  return Object.fromEntries(entries) as HistoryEvent;
}
