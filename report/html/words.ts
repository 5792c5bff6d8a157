/** Statuses, outcomes and stages in the words and marks of the page. */
import { pairSteps, type StageName } from '../../core/contracts/steps/catalogue.ts';
import type { ReportStatus, StateOutcome } from '../contracts.ts';

export type Tone = 'good' | 'bad' | 'wait' | 'run' | 'none';

export const STATUS: Readonly<Record<ReportStatus, { readonly word: string; readonly tone: Tone }>> = {
  MIGRATED: { word: 'Migrated', tone: 'good' },
  ALREADY_MIGRATED: { word: 'Already migrated', tone: 'good' },
  DRY_RUN: { word: 'Dry run', tone: 'none' },
  DUPLICATE: { word: 'Duplicate', tone: 'none' },
  ROLLED_BACK: { word: 'Rolled back', tone: 'bad' },
  PAUSED: { word: 'Paused', tone: 'wait' },
  STOPPED: { word: 'Stopped', tone: 'wait' },
  INTERRUPTED: { word: 'Interrupted', tone: 'wait' },
  REFUSED: { word: 'Refused', tone: 'bad' },
  ROLLBACK_FAILED: { word: 'Rollback failed', tone: 'bad' },
  RUNNING: { word: 'Running', tone: 'run' },
};

export const OUTCOME: Readonly<
  Record<StateOutcome, { readonly word: string; readonly tone: Tone; readonly mark: string }>
> = {
  'not-entered': { word: 'not entered', tone: 'none', mark: '' },
  running: { word: 'running', tone: 'run', mark: '●' },
  succeeded: { word: 'succeeded', tone: 'good', mark: '✓' },
  failed: { word: 'failed', tone: 'bad', mark: '✗' },
  caught: { word: 'failed, and was caught', tone: 'bad', mark: '✗' },
  stopped: { word: 'cut off', tone: 'wait', mark: '‖' },
};

export const STAGE_ORDER: readonly StageName[] = pairSteps.map(({ perPair }) => perPair.stage.id);

/** Heading of a part of a pair's work. */
export function stageLabel(stage: string): string {
  return pairSteps.find(({ perPair }) => perPair.stage.id === stage)?.perPair.stage.label ?? stage;
}

/** A rollback that a person asked for is a success. */
export function toneOf(status: ReportStatus, operation: 'migrate' | 'rollback'): Tone {
  return status === 'ROLLED_BACK' && operation === 'rollback' ? 'good' : STATUS[status].tone;
}
