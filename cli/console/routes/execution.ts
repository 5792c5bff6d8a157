/** Executions: the list, each one live, its report as a file, and what can be done about it. */

import { setTimeout as delay } from 'node:timers/promises';
import { DescribeExecutionCommand, ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { type Context, Hono } from 'hono';
import type { Client } from 'pg';
import { LedgerElsewhere } from '../../../core/contracts/errors.ts';
import { type ApprovalRequest, approve, withdrawApproval } from '../../../core/ledger/approve.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { confirmOnStandby } from '../../../core/ledger/standby-commit.ts';
import { executionArn, STATE_MACHINE_ARN } from '../../../local/step-functions/arns.ts';
import type { Report } from '../../../report/contracts.ts';
import { titleOf } from '../../../report/html/document.ts';
import { type Format, render } from '../../../report/render.ts';
import { buildReport } from '../../../report/report.ts';
import { duration, placeOf, plural } from '../../../report/words.ts';
import type { GivenInput } from '../../input.ts';
import { type StatedPeople, stopCause } from '../../people.ts';
import { type Place, readSources } from '../../report/sources.ts';
import type { ConsoleContext } from '../context.ts';
import { type Confirmation, confirmPage } from '../pages/confirm.ts';
import { type Actions, actionsFor, executionPage, liveContent } from '../pages/execution.ts';
import { executionsPage } from '../pages/executions.ts';
import { forecast } from '../pages/start.ts';
import { listedOf, servedDatabase, servedName } from '../served.ts';
import { peopleOf, show } from './reply.ts';
import { begin, planOf } from './start.ts';

const PAGE = 50;
/** A request that waits for news is answered by then, whether there are any or not. */
const LONGEST_WAIT_MS = 10_000;
/** What another process runs, and the ledger, tell no news by themselves. */
const LOOK_AGAIN_MS = 1_000;
/** A report of a thousand pairs takes a second to make: no more than a fifth of the time goes into making them. */
const REST = 4;

const FILES: Readonly<Record<string, readonly [format: Format, type: string]>> = {
  'report.html': ['html', 'text/html; charset=utf-8'],
  'report.md': ['markdown', 'text/markdown; charset=utf-8'],
  'report.json': ['json', 'application/json; charset=utf-8'],
};

export function executionRoutes(context: ConsoleContext): Hono {
  const app = new Hono();
  const { client } = context;

  app.get('/', async (c) => {
    const nextToken = c.req.query('page');
    const { executions = [], nextToken: next } = await client.send(
      new ListExecutionsCommand({
        stateMachineArn: STATE_MACHINE_ARN,
        maxResults: PAGE,
        ...(nextToken === undefined ? {} : { nextToken }),
      }),
    );
    // One by one: the list of Step Functions has neither the input nor how it ended.
    const described = await Promise.all(
      executions.map(({ executionArn: arn }) => client.send(new DescribeExecutionCommand({ executionArn: arn }))),
    );
    const served = await servedDatabase(context);
    const listed = await Promise.all(described.map((execution) => listedOf(context, execution, served)));
    return show(c, context, { title: 'Executions', current: 'executions', content: executionsPage(listed, next) });
  });

  app.get('/executions/:name', async (c) => {
    const name = c.req.param('name');
    const placed = await reportOf(context, name);
    const { report } = placed;
    const content = executionPage(report, actionsOf(context, placed, name), name, stampOf(report));
    return show(c, context, { title: titleOf(report), content });
  });

  app.get('/executions/:name/live', async (c) => {
    const name = c.req.param('name');
    const placed = await newsOf(context, name, c.req.query('stamp') ?? '');
    if (placed === null) return c.body(null, 204);
    const { report } = placed;
    const began = performance.now();
    const content = String(await liveContent(report, actionsOf(context, placed, name), name));
    const restMs = Math.round(REST * (performance.now() - began));
    return c.json({
      stamp: stampOf(report),
      restMs,
      running: report.status === 'RUNNING',
      title: `${titleOf(report)} – p2pfk`,
      content,
    });
  });

  app.get('/executions/:name/:file{report\\.(html|md|json)}', async (c) => {
    const [format, type] = FILES[c.req.param('file')] ?? ['html', 'text/html'];
    const text = await render((await reportOf(context, c.req.param('name'))).report, format);
    const file = `${c.req.param('name').replace(/[^\w.-]/g, '_')}.${c.req.param('file').split('.')[1]}`;
    // A file, never a page of this origin: its own policy is not the console's.
    return c.body(text, 200, { 'Content-Type': type, 'Content-Disposition': `attachment; filename="${file}"` });
  });

  app.get('/executions/:name/:action{stop|approve|withdraw|rollback|resume}', async (c) => {
    const { name, action } = c.req.param();
    const placed = await reportOf(context, name);
    refuseElsewhere(context, placed, name, action);
    const confirmation = await confirmationOf(context, placed.report, action);
    const back = `/executions/${encodeURIComponent(name)}`;
    const content = confirmPage({
      ...confirmation,
      database: await servedName(context),
      action: `${back}/${action}`,
      back,
      person: context.person,
    });
    return show(c, context, { title: confirmation.title, content });
  });

  app.post('/executions/:name/:action{stop|approve|withdraw|rollback|resume}', async (c) => {
    const people = peopleOf(await c.req.parseBody(), context);
    const { name, action } = c.req.param();
    const placed = await reportOf(context, name);
    refuseElsewhere(context, placed, name, action);
    return act(c, context, placed.report, { name, action, people });
  });
  return app;
}

interface Placed {
  readonly report: Report;
  readonly place: Place;
}

async function reportOf({ client, databaseUrl }: ConsoleContext, name: string): Promise<Placed> {
  const sources = await readSources({ client, executionArn: executionArn(name), databaseUrl, withLedger: true });
  return { report: buildReport(sources), place: sources.place };
}

function actionsOf({ isOwn = () => false }: ConsoleContext, { report, place }: Placed, name: string): Actions {
  return actionsFor(report, place, isOwn(executionArn(name)));
}

/** @throws LedgerElsewhere where the execution did not work on the database that is served, or that cannot be told */
function refuseElsewhere(
  { isOwn = () => false, database }: ConsoleContext,
  { report, place }: Placed,
  name: string,
  action: string,
): void {
  if (place === 'same' || (action === 'stop' && isOwn(executionArn(name)))) return;
  const where = report.workedOn === null ? 'a database that it did not record' : placeOf(report.workedOn);
  throw new LedgerElsewhere(
    `Nothing was changed: this execution worked on ${where}, and this console acts on ${database} alone. ${report.notes.join(' ')}`.trim(),
  );
}

/** Two reports with the same stamp show the same. */
function stampOf(report: Report): string {
  const { events, status, statements, people } = report;
  return [status, events.length, statements.length, people.approvedAt ?? ''].join('.');
}

/** The report as soon as it differs from what the page has; null where nothing happened for a while. */
async function newsOf(context: ConsoleContext, name: string, known: string): Promise<Placed | null> {
  const until = Date.now() + LONGEST_WAIT_MS;
  for (;;) {
    const began = performance.now();
    const placed = await reportOf(context, name);
    const { report } = placed;
    const rest = REST * (performance.now() - began);
    if (stampOf(report) !== known) return placed;
    if (report.status !== 'RUNNING' || Date.now() >= until) return null;
    await context.changed(executionArn(name), LOOK_AGAIN_MS);
    await delay(rest);
  }
}

async function act(
  c: Context,
  context: ConsoleContext,
  report: Report,
  { name, action, people }: { readonly name: string; readonly action: string; readonly people: StatedPeople },
): Promise<Response> {
  const { table, constraint } = report.subject;
  switch (action) {
    case 'stop':
      await context.client.send(
        new StopExecutionCommand({
          executionArn: executionArn(name),
          error: 'Stopped',
          cause: stopCause(people, 'the console'),
        }),
      );
      break;
    case 'approve':
      await decided(context, report, people, approve);
      // One that has paused meanwhile does not go on by itself.
      if (report.status !== 'RUNNING') return begin(c, context, { ...resumed(report), ...people });
      break;
    case 'withdraw':
      await decided(context, report, people, withdrawApproval);
      break;
    case 'rollback':
      return begin(c, context, {
        table,
        ...(constraint === null ? {} : { constraint }),
        operation: 'rollback',
        ...kept(report),
        ...people,
      });
    case 'resume':
      return begin(c, context, { ...resumed(report), ...people });
  }
  return c.redirect(`/executions/${encodeURIComponent(name)}`, 303);
}

/** A person waits for the page: an approval is on this server all the same. */
const STANDBY_LIMIT_MS = 10_000;

async function decided(
  { databaseUrl }: ConsoleContext,
  { subject }: Report,
  people: StatedPeople,
  decide: (client: Client, request: ApprovalRequest) => Promise<unknown>,
): Promise<void> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk console approve' });
  try {
    await decide(client, { table: subject.table, constraint: subject.constraint ?? undefined, ...people });
    await confirmOnStandby(client, { limitMs: STANDBY_LIMIT_MS });
  } finally {
    await client.end();
  }
}

/** The same input, started by the person who acts now. Without rehearsal, which is done, and without a window, which may be over. */
function resumed({ execution }: Report): GivenInput {
  const {
    rehearse: _rehearse,
    deadline: _deadline,
    opensAt: _opensAt,
    windowMinutes: _window,
    by: _by,
    reason: _reason,
    ...input
  } = execution.input;
  return input as GivenInput;
}

function kept({ execution: { input } }: Report): GivenInput {
  return {
    ...(input.keepIndexes === true ? { keepIndexes: true } : {}),
    ...(input.allowBlockingRollback === true ? { allowBlockingRollback: true } : {}),
  };
}

type Told = Pick<Confirmation, 'title' | 'text' | 'facts' | 'button' | 'danger'>;

async function confirmationOf(context: ConsoleContext, report: Report, action: string): Promise<Told> {
  const { subject, pairs } = report;
  const what = subject.constraint ?? subject.table;
  switch (action) {
    case 'stop':
      return {
        title: `Stop the execution on ${subject.table}?`,
        text: [
          'No further step is started, and what is under way in the database is left to end. Nothing is undone, and every row stays under a foreign key.',
          'It can go on later from where it stopped, or be rolled back.',
        ],
        facts: [],
        button: 'Stop it',
        danger: true,
      };
    case 'approve':
      return {
        title: `Drop ${what}?`,
        text: [
          `All ${plural(pairs.length, 'pair')} have a valid foreign key of their own. In one transaction the drop locks both tables, checks everything again, drops, tries a DELETE and takes it back, and commits only if all of it was right.`,
        ],
        facts: rehearsed(report),
        button: 'Approve the drop',
        danger: false,
      };
    case 'withdraw':
      return {
        title: `Withdraw the approval of the drop of ${what}?`,
        text: ['The drop does not begin then until it is approved again. If it has begun already, it is too late.'],
        facts: [],
        button: 'Withdraw the approval',
        danger: true,
      };
    case 'rollback': {
      const plan = await planOf(context, {
        table: subject.table,
        ...(subject.constraint === null ? {} : { constraint: subject.constraint }),
      });
      const standing = report.database?.standingDefinition !== null && report.database !== null;
      return {
        title: `Roll back to ${what}?`,
        text: [
          standing
            ? 'The old foreign key still stands: only what this migration added is dropped.'
            : 'The old foreign key comes back first, while the new ones still hold; then those that this migration added are dropped.',
        ],
        facts: [
          ['Forecast', standing ? 'nothing is checked again; each pair is locked for an instant' : forecast(plan)],
          [
            'Indexes',
            report.execution.input.keepIndexes === true ? 'stay' : 'those that this migration built are dropped',
          ],
        ],
        button: 'Roll back',
        danger: true,
      };
    }
    default:
      return {
        title: `Go on with ${subject.table}?`,
        text: ['A new execution is started. It reads from the catalog what is done, and does only what is left.'],
        facts: [],
        button: 'Go on',
        danger: false,
      };
  }
}

function rehearsed({ rehearsal }: Report): [string, string][] {
  if (rehearsal === null) return [['Rehearsal', 'none was recorded']];
  const failed = rehearsal.checks.filter((check) => !check.passed).length;
  return [
    ['Rehearsal', `exclusive locks for ${duration(rehearsal.lockedMs)}, rolled back`],
    [
      'Its checks',
      failed === 0 ? `all ${rehearsal.checks.length} passed` : `${failed} of ${rehearsal.checks.length} failed`,
    ],
    ...rehearsal.checks.map((check): [string, string] => [
      check.passed ? 'passed' : 'failed',
      `${check.title}: ${check.detail.split('\n')[0]}`,
    ]),
  ];
}
