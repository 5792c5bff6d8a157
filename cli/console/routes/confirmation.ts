/** The page that asks for confirmation of an action: the current state of its subject in the ledger, and the effect of the action. */
import { boundInWords } from '../../../core/contracts/blocked.ts';
import { linesOf } from '../../../core/contracts/check-lines.ts';
import { readToApprove, type ToApprove } from '../../../core/ledger/approve.ts';
import { type MigrationNow, readShown, stampOf } from '../../../core/ledger/shown.ts';
import type { Report } from '../../../report/contracts.ts';
import { acceptedBy, instant, plural } from '../../../report/words.ts';
import type { ConsoleContext } from '../context.ts';
import type { Confirmation } from '../pages/confirm.ts';
import { forecast } from '../pages/start.ts';
import { onDatabase, type Placed } from '../placed.ts';
import { planOf } from './start.ts';

type Content = Pick<Confirmation, 'title' | 'text' | 'facts' | 'button' | 'danger'>;

/** The stamp is taken before anything else is read, so that the action is refused if something changes after that. */
export async function confirmationOf(
  context: ConsoleContext,
  placed: Placed,
  action: string,
): Promise<Content & Pick<Confirmation, 'shown'>> {
  const { migration } = placed;
  if (migration === null || action === 'stop') return { ...(await contentOf(context, placed, action)), shown: '' };
  const now = await onDatabase(context.databaseUrl, (client) => readShown(client, migration.id));
  const content = await contentOf(context, placed, action);
  return {
    ...content,
    facts: [['Migration', migrationFact(now, migration.startedAt)], ...content.facts],
    shown: stampOf(now),
  };
}

function migrationFact({ id, state }: MigrationNow, startedAt: string): string {
  return `${id}, ${state}, begun ${instant(startedAt)}`;
}

async function contentOf(context: ConsoleContext, { report, migration }: Placed, action: string): Promise<Content> {
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
        facts: migration === null ? [] : await approvable(context, report, migration.id),
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
      const parentExists = report.database?.standingDefinition !== null && report.database !== null;
      return {
        title: `Roll back to ${what}?`,
        text: [
          parentExists
            ? 'The old foreign key is still there: only what this migration added is dropped.'
            : 'The old foreign key comes back first, while the new ones still hold; then those that this migration added are dropped.',
        ],
        facts: [
          ['Forecast', parentExists ? 'nothing is checked again; each pair is locked for an instant' : forecast(plan)],
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

/** Read from the ledger, not from the input of this execution: the approval is for what the ledger has. */
async function approvable({ databaseUrl }: ConsoleContext, { subject }: Report, migrationId: string) {
  const request = { table: subject.table, constraint: subject.constraint ?? undefined, migrationId };
  const waiting = await onDatabase(databaseUrl, (client) => readToApprove(client, request));
  return waitingFacts(waiting);
}

function waitingFacts({ waitingSince, options, accepted, rehearsal, void: reason }: ToApprove): [string, string][] {
  const given = Object.entries(options).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [
    ['Waits', waitingSince === null ? 'not any more: it has paused' : `since ${instant(waitingSince)}`],
    ['Options', given.length === 0 ? 'the defaults' : given.join(', ')],
    ...(accepted.length === 0 ? [['Accepted findings', 'none'] as [string, string]] : []),
    ...accepted.map((one): [string, string] => ['Accepted finding', `${one.id}: ${one.message} (${acceptedBy(one)})`]),
    ...(reason === null ? [] : [['Approved before', reason] as [string, string]]),
    ...rehearsed({ rehearsal }),
  ];
}

function rehearsed({ rehearsal }: Pick<Report, 'rehearsal'>): [string, string][] {
  if (rehearsal === null) return [['Rehearsal', 'none was recorded']];
  const failed = rehearsal.checks.filter((check) => !check.passed).length;
  return [
    ['Rehearsal', `exclusive locks for at most ${boundInWords(rehearsal.lockedMs)}, rolled back`],
    [
      'Its checks',
      failed === 0 ? `all ${rehearsal.checks.length} passed` : `${failed} of ${rehearsal.checks.length} failed`,
    ],
    ...rehearsal.checks.map((check): [string, string] => [
      check.passed ? 'passed' : 'failed',
      `${check.title}: ${linesOf(check)[0] ?? ''}`,
    ]),
  ];
}
