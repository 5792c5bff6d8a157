/** Executions: the list, each one live, its report as a file, and what can be done about it. */

import { setTimeout as delay } from 'node:timers/promises';
import { DescribeExecutionCommand, ListExecutionsCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { type Context, Hono } from 'hono';
import type { Client } from 'pg';
import { type ApprovalRequest, approve, withdrawApproval } from '../../../core/ledger/approve.ts';
import { connect } from '../../../core/ledger/connect.ts';
import { confirmOnStandby } from '../../../core/ledger/standby-commit.ts';
import { executionArn, STATE_MACHINE_ARN } from '../../../local/step-functions/arns.ts';
import type { Report } from '../../../report/contracts.ts';
import { titleOf } from '../../../report/html/document.ts';
import { type Format, render } from '../../../report/render.ts';
import type { GivenInput } from '../../input.ts';
import { type StatedPeople, stopCause } from '../../people.ts';
import type { ConsoleContext } from '../context.ts';
import { confirmPage, SHOWN_FIELD } from '../pages/confirm.ts';
import { executionPage, liveContent } from '../pages/execution.ts';
import { executionsPage } from '../pages/executions.ts';
import { actionsOf, type Placed, refuseElsewhere, refuseOther, refuseUnfit, reportOf } from '../placed.ts';
import { listedOf, servedDatabase, servedName } from '../served.ts';
import { confirmationOf } from './confirmation.ts';
import { peopleOf, show } from './reply.ts';
import { begin } from './start.ts';

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
    refuseUnfit(context, placed, name, action);
    const confirmation = await confirmationOf(context, placed, action);
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
    const form = await c.req.parseBody();
    const people = peopleOf(form, context);
    const { name, action } = c.req.param();
    const placed = await reportOf(context, name);
    refuseElsewhere(context, placed, name, action);
    const shown = String(form[SHOWN_FIELD] ?? '');
    // First what the page showed: a person is told more by what has changed since.
    if (action !== 'stop') await refuseOther(context, placed, shown);
    refuseUnfit(context, placed, name, action);
    return act(c, context, placed, { name, action, people, shown });
  });
  return app;
}

/** Two reports with the same stamp show the same. */
function stampOf(report: Report): string {
  const { events, status, statements, people } = report;
  return [status, events.length, statements.length, people.approvedAt ?? '', people.approvalProblem ?? ''].join('.');
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
  { report, migration }: Placed,
  {
    name,
    action,
    people,
    shown,
  }: { readonly name: string; readonly action: string; readonly people: StatedPeople; readonly shown: string },
): Promise<Response> {
  const { table, constraint } = report.subject;
  // The plan step refuses another one than this.
  const bound = migration === null ? {} : { migrationId: migration.id };
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
      await decided(context, report, { ...people, ...bound, shown }, approve);
      // One that has paused meanwhile does not go on by itself.
      if (report.status !== 'RUNNING') return begin(c, context, { ...resumed(report), ...bound, ...people });
      break;
    case 'withdraw':
      await decided(context, report, { ...people, ...bound, shown }, withdrawApproval);
      break;
    case 'rollback':
      return begin(c, context, {
        table,
        ...(constraint === null ? {} : { constraint }),
        operation: 'rollback',
        ...kept(report),
        ...bound,
        ...people,
      });
    case 'resume':
      return begin(c, context, { ...resumed(report), ...bound, ...people });
  }
  return c.redirect(`/executions/${encodeURIComponent(name)}`, 303);
}

/** A person waits for the page: an approval is on this server all the same. */
const STANDBY_LIMIT_MS = 10_000;

async function decided(
  { databaseUrl }: ConsoleContext,
  { subject }: Report,
  request: Omit<ApprovalRequest, 'table' | 'constraint'>,
  decide: (client: Client, request: ApprovalRequest) => Promise<unknown>,
): Promise<void> {
  const client = await connect({ databaseUrl, applicationName: 'p2pfk console approve' });
  try {
    await decide(client, { table: subject.table, constraint: subject.constraint ?? undefined, ...request });
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
