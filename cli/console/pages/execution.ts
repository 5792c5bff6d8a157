/** One execution, live: the report's own graph, timeline and tables, and what a person can do about it. */
import type { TrailMigration } from '../../../core/contracts/trail.ts';
import { approvalProblem } from '../../../core/ledger/approval-check.ts';
import type { Report } from '../../../report/contracts.ts';
import { body, eventsBlock } from '../../../report/html/document.ts';
import { type Html, html } from '../../../report/html/escape.ts';
import type { Place } from '../../report/sources.ts';

/** What can be done now; the page offers nothing else. */
export interface Actions {
  readonly stop: boolean;
  readonly approve: boolean;
  /** Take an approval back, before the drop. */
  readonly withdraw: boolean;
  readonly rollback: boolean;
  /** Start it again with the same input: it goes on from where it is. */
  readonly resume: boolean;
}

const NONE: Actions = { stop: false, approve: false, withdraw: false, rollback: false, resume: false };

/**
 * What the execution's own migration can take now. How the execution ended is not enough for that: its migration may have been rolled back,
 * or taken over, since.
 *
 * @param migration that of the execution, as the ledger has it now; null where it is not known
 * @param place whether the execution worked on the database that is served; on another one nothing can be done from here
 * @param isOwn this process runs it, so it works on that database
 */
export function actionsFor(report: Report, migration: TrailMigration | null, place: Place, isOwn: boolean): Actions {
  const running = report.status === 'RUNNING';
  if (place !== 'same') return { ...NONE, stop: running && isOwn };
  if (migration === null) return { ...NONE, stop: running };
  const { state, droppedAt, approvedAt } = migration;
  const owns = migration.execution === report.execution.arn;
  const isOpen = state !== 'rolled-back';
  const beforeDrop = (state === 'running' || state === 'paused') && droppedAt === null;
  const mayRest = report.status === 'PAUSED' || report.status === 'STOPPED' || report.status === 'INTERRUPTED';
  return {
    stop: running,
    approve: owns && beforeDrop && waitsForApproval(migration) && (running || report.status === 'PAUSED'),
    withdraw: beforeDrop && approvedAt !== null && (running || report.status === 'PAUSED'),
    rollback:
      !running &&
      isOpen &&
      (owns || state === 'paused' || state === 'migrated') &&
      report.subject.operation === 'migrate' &&
      (mayRest || report.status === 'MIGRATED' || report.status === 'ROLLBACK_FAILED'),
    resume: mayRest && owns && isOpen && state !== 'migrated',
  };
}

/** As `approve` judges it: core/ledger/approve.ts. */
function waitsForApproval(migration: TrailMigration): boolean {
  const { state, error, approvalAskedAt } = migration;
  const asked = approvalAskedAt !== null || (state === 'paused' && WAITING.has(error?.name ?? ''));
  return asked && approvalProblem(ledgerApprovalOf(migration)) !== null;
}

function ledgerApprovalOf({ options, approvedAt, approvedBy, approvedLogin, approvedOptions }: TrailMigration) {
  return {
    options,
    approved_at: approvedAt,
    approved_by: approvedBy,
    approved_login: approvedLogin,
    approved_options: approvedOptions,
  };
}

const WAITING: ReadonlySet<string> = new Set(['ApprovalNeeded', 'Rehearsed']);

/** @param stamp of this state of things; see live.ts */
export function executionPage(report: Report, actions: Actions, name: string, stamp: string): Html {
  return html`<div id="live" data-live="/executions/${encodeURIComponent(name)}/live" data-stamp="${stamp}">${liveContent(report, actions, name)}</div>`;
}

/** What is replaced while it runs. */
export function liveContent(report: Report, actions: Actions, name: string): Html {
  const base = `/executions/${encodeURIComponent(name)}`;
  const link = (action: string, text: string, kind: string): Html =>
    html`<a class="button ${kind}" id="action-${action}" href="${base}/${action}">${text}</a>`;
  return html`<div class="actions" id="actions">${actions.approve ? link('approve', 'Approve the drop', 'primary') : ''}${actions.resume ? link('resume', 'Go on', actions.approve ? '' : 'primary') : ''}${actions.withdraw ? link('withdraw', 'Withdraw the approval', '') : ''}${actions.stop ? link('stop', 'Stop', 'danger') : ''}${actions.rollback ? link('rollback', 'Roll back', 'danger') : ''}<span class="files">Report: <a href="${base}/report.html" download>HTML</a> <a href="${base}/report.md" download>Markdown</a> <a href="${base}/report.json" download>JSON</a></span></div>
${body(report)}${eventsBlock(report)}`;
}
