/** The history once more, event by event, for whoever wants to see the record itself. */
import { holdsCredentials } from '../../core/contracts/credentials.ts';
import type { HistoryEvent } from '../../core/contracts/history-event.ts';
import { failureOf } from '../../core/history/failure.ts';
import { inputOf, numberOf, parseRecord, stringOf } from '../../core/history/json.ts';
import type { History } from '../../core/history/read-history.ts';
import type { ReportEvent } from '../contracts.ts';
import { duration, failureMessage, short } from '../words.ts';

/** What a state was given is repeated by every event: the beginning is enough. */
const LONGEST_DETAIL = 240;

export function eventsOf({ events }: History, begin: number): ReportEvent[] {
  return events.map(({ event, id, at, visit, pair }) => ({
    id,
    offsetMs: at - begin,
    type: event.type ?? '',
    state: visit?.state ?? '',
    pair,
    detail: short(detailOf(event), LONGEST_DETAIL),
  }));
}

function detailOf(event: HistoryEvent): string {
  const failure = failureOf(event);
  if (failure !== null) return [failure.name, failureMessage(failure)].filter((part) => part !== '').join(': ');
  switch (event.type) {
    case 'ExecutionStarted':
      return shownInput(event.executionStartedEventDetails?.input ?? '');
    case 'ExecutionSucceeded':
      return resultOf(event.executionSucceededEventDetails?.output);
    case 'LambdaFunctionScheduled':
      return functionOf(event.lambdaFunctionScheduledEventDetails?.resource);
    case 'LambdaFunctionSucceeded':
      return resultOf(event.lambdaFunctionSucceededEventDetails?.output);
    case 'TaskSucceeded':
      return resultOf(event.taskSucceededEventDetails?.output);
    case 'MapStateStarted':
      return `${event.mapStateStartedEventDetails?.length ?? '?'} items`;
    default:
      return '';
  }
}

/** The text as it is, if neither it nor its values hold credentials; JSON may have letters of them escaped. */
function shownInput(input: string): string {
  const shown = JSON.stringify(inputOf(input));
  return holdsCredentials(input) || shown !== JSON.stringify(parseRecord(input)) ? shown : input;
}

function functionOf(resource: string | undefined): string {
  const name = /:function:([^:]+)/.exec(resource ?? '')?.[1];
  return name === undefined ? (resource ?? '') : `function ${name}`;
}

/** A step's result in words; where it is none of ours, as it stands. */
function resultOf(output: string | undefined): string {
  const result = parseRecord(output);
  const status = stringOf(result.status);
  if (status === null) return output ?? '';
  const durationMs = numberOf(result.durationMs) ?? numberOf(result.lockedMs);
  const waited = numberOf(result.lockWaitMs);
  return [
    status,
    ...(durationMs === null || durationMs === 0 ? [] : [duration(durationMs)]),
    ...(waited === null || waited < 1 ? [] : [`waited ${duration(waited)} for locks`]),
    ...[result.reason, result.note].filter((text): text is string => typeof text === 'string' && text !== ''),
  ].join(', ');
}
