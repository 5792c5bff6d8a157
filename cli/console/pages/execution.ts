/** One execution, live: the report's own graph, timeline and tables, and what a person can do about it. */
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
 * @param place whether the execution worked on the database that is served; on another one nothing can be done from here
 * @param isOwn this process runs it, so it works on that database
 */
export function actionsFor(report: Report, place: Place, isOwn: boolean): Actions {
  const running = report.status === 'RUNNING';
  if (place !== 'same') return { ...NONE, stop: running && isOwn };
  const { people, subject } = report;
  const waits = report.states.some((state) => state.name === 'WaitForApproval' && state.entered > 0);
  return {
    stop: running,
    approve:
      people.approvedAt === null && ((running && waits) || (report.status === 'PAUSED' && report.rehearsal !== null)),
    withdraw:
      people.approvedAt !== null &&
      report.lockedMs === null &&
      report.checks.length === 0 &&
      (running || report.status === 'PAUSED'),
    rollback:
      !running &&
      subject.migrationId !== null &&
      subject.operation === 'migrate' &&
      ['MIGRATED', 'PAUSED', 'STOPPED', 'ROLLBACK_FAILED'].includes(report.status),
    resume: report.status === 'PAUSED' || report.status === 'STOPPED',
  };
}

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
