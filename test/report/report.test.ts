import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { withheld } from '../../core/contracts/redact.ts';
import type { TrailMigration } from '../../core/contracts/trail.ts';
import type { Report } from '../../report/contracts.ts';
import { render } from '../../report/render.ts';
import { buildReport } from '../../report/report.ts';
import { instant } from '../../report/words.ts';
import { type StoryOptions, story } from './story.helpers.ts';

const reportOf = (options: StoryOptions = {}): Report => buildReport(story(options));
const outcomes = (report: Report): Record<string, string> =>
  Object.fromEntries(report.states.map((state) => [state.name, state.outcome]));

it('of an execution whose opening another one has worked on says that nothing was done, and that nothing is wrong', async () => {
  const report = buildReport({ ...story(), verdict: { status: 'DUPLICATE', error: null } });

  expect(report.status).toBe('DUPLICATE');
  expect(report.summary).toMatch(/^Nothing was done: another execution has worked on this opening/);
  expect(await render(report, 'html')).toContain('Duplicate');
});

describe('a report of an execution after which another one worked on the migration', () => {
  const later = (change: (migration: TrailMigration) => Partial<TrailMigration>) => {
    const sources = story();
    const { trail } = sources;
    if (trail === null) throw new Error('the story has no ledger');
    return { ...sources, trail: { ...trail, migration: { ...trail.migration, ...change(trail.migration) } } };
  };

  it('has its own checks, and not those of a later verification', () => {
    const own = buildReport(story()).checks;
    const sources = later(({ verification }) => ({
      execution: 'reconcile:arn',
      verification: {
        passed: false,
        checks: (verification?.checks ?? []).map((check) => ({ ...check, passed: false, detail: 'later' })),
      },
    }));

    expect(buildReport(sources).checks).toEqual(own);
    expect(own.every(({ passed }) => passed)).toBe(true);
  });

  it('has the details of its own checks whole, which its history has cut', () => {
    const sources = story({ pairs: 17 });
    const verified = sources.trail?.migration.verification?.checks ?? [];
    const cut = (detail: string): string => (detail.length > 300 ? `${detail.slice(0, 297)}...` : detail);
    const text = JSON.stringify(sources.history).replaceAll(
      JSON.stringify(JSON.stringify(verified)).slice(1, -1),
      JSON.stringify(JSON.stringify(verified.map((check) => ({ ...check, detail: cut(check.detail) })))).slice(1, -1),
    );
    const history = JSON.parse(text, (key, value: unknown) =>
      key === 'timestamp' && typeof value === 'string' ? new Date(value) : value,
    );

    expect(text).toContain('...');
    expect(buildReport({ ...sources, history }).checks).toEqual(verified);
  });

  it('has no rehearsal that was done after its end', () => {
    const rehearsal = { at: '2099-01-01T00:00:00.000Z', lockedMs: 7, checks: [] };
    expect(buildReport(later(() => ({ rehearsal }))).rehearsal).toBeNull();
    const before = { ...rehearsal, at: '2026-11-25T14:02:11.500Z' };
    expect(buildReport(later(() => ({ rehearsal: before }))).rehearsal).toEqual(before);
  });
});

describe('a report of an execution whose migration was approved', () => {
  const approvedWith = (approvedOptions: TrailMigration['approvedOptions'], more: Partial<TrailMigration> = {}) => {
    const sources = story({ ending: 'awaiting-approval' });
    const { trail } = sources;
    if (trail === null) throw new Error('the story has no ledger');
    const approved = { approvedAt: '2026-11-25T14:03:00.000Z', approvedBy: 'boss', approvedLogin: 'approver' };
    return {
      ...sources,
      trail: { ...trail, migration: { ...trail.migration, ...approved, approvedOptions, ...more } },
    };
  };

  it.each([
    ['the options have changed since: rowMovementGuard', { rowMovementGuard: false }],
    ['it was given before the ledger noted which options it is for', null],
  ])('says that the approval does not count where %s', async (line, options) => {
    const report = buildReport(approvedWith(options));

    expect(report.people.approvalProblem).toBe(line);
    expect(report.summary).toContain('waits for a person to approve');
    for (const format of ['html', 'markdown'] as const)
      expect(await render(report, format)).toContain(`that approval does not count: ${line}`);
  });

  it('says nothing of the kind where it counts, or where an older edition has used it', async () => {
    const counts = buildReport(approvedWith({ maxConcurrency: 9 }));
    expect(counts.people.approvalProblem).toBeNull();
    expect(await render(counts, 'markdown')).not.toContain('does not count');
    const used = approvedWith(null, { droppedAt: '2026-11-25T14:04:00.000Z' });
    expect(buildReport(used).people.approvalProblem).toBeNull();
  });
});

describe('a report of an execution that migrated', () => {
  const report = reportOf({ pairs: 17, retryEvery: 5 });

  it('says in a sentence what was done, and how long it locked', () => {
    expect(report.status).toBe('MIGRATED');
    expect(report.summary).toBe(
      'The foreign key path_medium_hash_ino_fkey from public.path to public.inode was replaced by 17 foreign keys, one for each pair of partitions. All 6 checks passed afterwards. The try that dropped the old foreign key held its locks for at most 9 ms.',
    );
  });

  it('counts every try for locks of all executions, also those of the drop that failed', async () => {
    const sources = story({ pairs: 3 });
    const { trail } = sources;
    if (trail === null) throw new Error('the story has no ledger');
    const drop = trail.events.find(({ step }) => step === 'DropParentForeignKey');
    if (drop === undefined) throw new Error('the story has no drop');
    const tries = [411, 258, 9].map((lockHeldMs, index) => ({
      ...drop,
      id: `try ${index}`,
      sql: 'LOCK TABLE public.inode, public.path IN ACCESS EXCLUSIVE MODE',
      lockHeldMs,
      error: index < 2 ? 'no lock within 500 ms' : null,
    }));
    const early = { ...drop, at: '2020-01-01T00:00:00Z', lockHeldMs: 5_000 };
    const made = { ...drop, step: 'Ledger', sql: `${'-- a line\n'.repeat(300)}CREATE SCHEMA p2pfk`, ofLedger: true };
    const events = [{ ...made, at: early.at }, early, made, ...trail.events, ...tries];

    const told = buildReport({ ...sources, trail: { ...trail, events } });

    expect(told.blocked).toEqual({ longestMs: 411, totalMs: 678, tries: 3 });
    expect(told.blockedOverall).toEqual({ longestMs: 5_000, totalMs: 5_678, tries: 4 });
    expect(told.summary).toContain(
      ' The locks of all executions of this migration blocked other sessions for at most 5.00 s at a time and 5.68 s in all, in 4 tries; those of this execution for at most 411 ms at a time and 678 ms in all, in 3 tries; the try that dropped the old foreign key held its locks for at most 9 ms.',
    );
    const alone = buildReport({ ...sources, trail: { ...trail, events: [...trail.events, ...tries] } });
    expect(alone.summary).toContain(
      ' Its locks blocked other sessions for at most 411 ms at a time and 678 ms in all, in 3 tries; the try that dropped the old foreign key held its locks for at most 9 ms.',
    );
    const page = await render(told, 'html');
    expect(page).toContain('<b>5.00 s</b> <span>others blocked at a time, at most</span>');
    expect(told.statements.filter(({ step }) => step === 'Ledger')).toHaveLength(1);
  });

  it('has a note of the tries that may have blocked others for longer than the lock budget', () => {
    const sources = story({ pairs: 3 });
    const { trail } = sources;
    if (trail === null) throw new Error('the story has no ledger');
    const drop = trail.events.find(({ step }) => step === 'DropParentForeignKey');
    if (drop === undefined) throw new Error('the story has no drop');
    const noted = (step: string, ...held: number[]) =>
      buildReport({
        ...sources,
        trail: {
          ...trail,
          events: held.map((lockHeldMs, index) => ({ ...drop, id: `try ${index}`, step, lockHeldMs })),
        },
      }).notes;

    expect(noted('DropParentForeignKey', 411, 600)).toEqual([]);
    expect(noted('DropParentForeignKey', 411, 807, 1_303)).toEqual([
      expect.stringMatching(
        /^2 of 3 tries may have blocked others for longer than the lock budget of 500 ms and its margin of 100 ms: for at most 1\.31 s\. /,
      ),
    ]);
    // The plan of a rollback after the drop has announced how long it blocks writes.
    expect(noted('AttachParent', 22_000)).toEqual([]);
  });

  it('follows each event of a task to its state and its pair', () => {
    const scheduled = report.events.filter((event) => event.type === 'LambdaFunctionScheduled');
    const validations = scheduled.filter((event) => event.state === 'ValidateForeignKey');
    expect(validations.map((event) => event.pair)).toEqual(report.pairs.map((pair) => pair.pair));
    expect(scheduled.filter((event) => event.state === 'VerifyGate').map((event) => event.pair)).toEqual([null]);
  });

  it('has a bar for each pair and stage, in order and inside the execution', () => {
    for (const { bars } of report.pairs) {
      const all = [bars.index, bars.add, bars.validate];
      expect(all.every((bar) => bar !== undefined && bar.outcome === 'done')).toBe(true);
      expect(all.map((bar) => bar?.from)).toEqual(all.map((bar) => bar?.from ?? 0).toSorted((a, b) => a - b));
      expect(Math.max(...all.map((bar) => (bar?.from ?? 0) + (bar?.durationMs ?? 0)))).toBeLessThanOrEqual(
        report.execution.durationMs,
      );
    }
  });

  it('marks the tries that failed, their waits, and that they went well in the end', () => {
    const retried = report.pairs.filter((pair) => pair.retries > 0);
    expect(retried.map((pair) => pair.pair)).toEqual([5, 10, 15]);
    const bar = retried[0]?.bars.add;
    expect(bar?.failures.map((failure) => failure.error)).toEqual(['LockTimeout']);
    expect(bar?.waits[0]?.durationMs).toBe(503);
    expect(report.errors.map(({ name, outcome, pair }) => ({ name, outcome, pair }))).toEqual(
      [5, 10, 15].map((pair) => ({ name: 'LockTimeout', outcome: 'retried', pair })),
    );
  });

  it('tells the states that were entered from those that were not, and the ways between them', () => {
    expect(outcomes(report)).toMatchObject({
      Plan: 'succeeded',
      AddForeignKeys: 'succeeded',
      Migrated: 'succeeded',
      Fence: 'not-entered',
      WaitForValidation: 'not-entered',
    });
    const taken = report.transitions.filter((way) => way.taken > 0).map((way) => `${way.from} > ${way.to}`);
    expect(taken).toContain('ValidateForeignKeys > VerifyGate');
    expect(taken).not.toContain('DropParentForeignKey > Fence');
  });

  it('compares the DELETE before with the DELETE after', () => {
    expect(report.comparison[0]).toMatchObject({
      before: 'no answer within 500 ms: stopped, so that no session waits for it',
      after: 'Deleted 10 rows in 00:00:00.003',
    });
  });
});

describe('a report of another end', () => {
  it.each<{ ending: StoryOptions['ending']; status: string; says: string }>([
    {
      ending: 'rolled-back',
      status: 'ROLLED_BACK',
      says: 'was never dropped and is as it was before. The cause: 37 rows of',
    },
    { ending: 'restored', status: 'ROLLED_BACK', says: 'was restored while the new ones still held' },
    {
      ending: 'rehearsed',
      status: 'PAUSED',
      says: 'The drop was rehearsed on the live database and taken back: everything was right',
    },
    { ending: 'awaiting-approval', status: 'RUNNING', says: 'it waits for a person to approve the drop' },
    { ending: 'refused', status: 'REFUSED', says: 'Nothing was changed' },
    { ending: 'stopped', status: 'STOPPED', says: 'The execution was stopped before its end' },
  ])('$ending: says so', ({ ending, status, says }) => {
    const report = reportOf({ pairs: 5, ...(ending === undefined ? {} : { ending }) });
    expect(report.status).toBe(status);
    expect(report.summary).toContain(says);
  });

  it('shows the way from the state that failed to the rollback', () => {
    const report = reportOf({ pairs: 5, ending: 'rolled-back' });
    expect(outcomes(report)).toMatchObject({
      ValidateForeignKeys: 'caught',
      ValidateForeignKey: 'failed',
      RolledBack: 'failed',
    });
    const caught = report.transitions.filter((way) => way.kind === 'catch' && way.taken > 0);
    expect(caught).toEqual([{ from: 'ValidateForeignKeys', to: 'Fence', kind: 'catch', taken: 1 }]);
    expect(report.errors).toMatchObject([{ name: 'OrphanedRows', pair: 2, outcome: 'led to the rollback' }]);
  });

  it('is interrupted where its process was killed, which no person did', () => {
    const sources = story({ pairs: 5, ending: 'stopped' });
    const report = buildReport({ ...sources, execution: { ...sources.execution, error: 'ProcessEnded' } });
    expect(report.status).toBe('INTERRUPTED');
    expect(report.summary).toContain('The execution was interrupted: the process that ran it was killed or crashed');
    expect(report.executions.find(({ isThis }) => isThis)?.outcome).toBe('INTERRUPTED');
  });

  it('cuts what was under way when it was stopped', () => {
    const report = reportOf({ pairs: 9, ending: 'stopped' });
    expect(outcomes(report)).toMatchObject({ ValidateForeignKeys: 'stopped', BuildIndexes: 'succeeded' });
  });

  it('has no rows of the ledger, but all of the history, where the ledger could not be read', () => {
    const report = reportOf({ pairs: 3, withLedger: false });
    expect(report.statements).toEqual([]);
    expect(report.pairs.map((pair) => pair.state)).toEqual(['validated', 'validated', 'validated']);
    expect(report.notes.join()).toContain('The ledger was not read');
  });
});

describe('the page', () => {
  it('loads nothing: one policy, no address, no inline handler or style', async () => {
    const page = await render(reportOf(), 'html');
    expect(page).toContain(`content="default-src 'none'; style-src 'sha256-`);
    expect(page).not.toMatch(/(?:src|href)\s*=\s*["']?(?:https?:)?\/\//i);
    expect(page).not.toMatch(/<[a-z][^>]*\son[a-z]+\s*=/i);
    expect(page).not.toMatch(/<[a-z][^>]*\sstyle\s*=/i);
    expect(page).not.toMatch(/@import|url\(/i);
  });

  const NAME = 'public."<script>alert(1)</script>"';

  it('shows a name that is markup, wherever it stands', async () => {
    const hostile = reportOf({ table: NAME, constraint: '"><img src=x onerror=alert(2)>', pairs: 3 });
    const page = await render(hostile, 'html');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
    expect(page).toContain('<title>public.&quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;');
  });

  it('cannot have its data block ended by a name', async () => {
    const page = await render(reportOf({ table: 'public."</script><b>"', pairs: 2, ending: 'rolled-back' }), 'html');
    const [, block] = /<script type="application\/json" id="events-data">(.*?)<\/script>/s.exec(page) ?? [];
    expect(() => JSON.parse(block ?? '')).not.toThrow();
    expect(block).toContain('\\u003c/script>');
  });

  it('shows marks that would turn the direction of writing', async () => {
    const page = await render(reportOf({ referencedTable: 'public."in\u202eode"', pairs: 2 }), 'html');
    expect(page).not.toContain('\u202e');
    expect(page).toContain('\\u202e');
  });

  it('of 1,000 pairs stays below 5 MB', async () => {
    const page = await render(reportOf({ pairs: 1000, retryEvery: 9, concurrency: 16 }), 'html');
    expect(Buffer.byteLength(page)).toBeLessThan(5_000_000);
  });
});

describe('the other formats', () => {
  it('are the same document as JSON', async () => {
    const report = reportOf({ pairs: 2 });
    expect(JSON.parse(await render(report, 'json'))).toEqual(report);
  });

  it.each(['planHash', 'planDocumentHash', 'planRestHash', 'planMadeAt', 'planMadeBy'])(
    'nothing is claimed of a reviewed plan by what is no %s, although an execution was started with it',
    async (key) => {
      const forged = 'x |\n\n## Approved by the security team\n\n[x](https://evil.example/)';
      const hash = `sha256:${'0'.repeat(64)}`;
      const plan = { planHash: hash, planDocumentHash: hash, planRestHash: hash, planMadeBy: 'ana' };
      const input = JSON.stringify({ table: 'path', ...plan, planMadeAt: '2027-01-31T04:00:00Z', [key]: forged });
      const sources = story();
      const report = buildReport({ ...sources, execution: { ...sources.execution, input } });
      expect(JSON.stringify(report.reviewedPlan)).not.toContain('Approved by');
      if (key === 'planHash') expect(report.reviewedPlan).toBeNull();
      else expect(report.reviewedPlan?.proven).toBe(key !== 'planRestHash');
      expect(await render(report, 'markdown')).not.toContain('Approved by the security team');
    },
  );

  it.each(['html', 'markdown', 'json'] as const)(
    'an input that AWS has kept with a connection string is shown without it as %s',
    async (format) => {
      const asText = JSON.stringify({
        table: 'path',
        reason: 'postgres://app:hunter2@db/x',
        'password=hunter2': [{ hunter: 'pwd=hunter2' }],
      });
      for (const input of [asText, '{"table":"path","reason":"\\u0070assword=hunter2"}']) {
        const sources = story();
        const [first, ...rest] = sources.history;
        const begun = { ...first, executionStartedEventDetails: { input } };
        const execution = { ...sources.execution, input };
        const report = buildReport({ ...sources, execution, others: [execution], history: [begun, ...rest] });
        expect(report.people.reason).toBe('***');
        expect(await render(report, format)).not.toContain('hunter2');
      }
    },
  );

  it.each(['html', 'markdown', 'json'] as const)(
    'a password of this process that a person has typed as a reason, a name or a comment is not in it as %s',
    async (format) => {
      vi.stubEnv('PGPASSWORD', "corr'ect horse");
      onTestFinished(() => {
        vi.unstubAllEnvs();
      });
      const sources = story();
      const input = JSON.stringify({
        table: 'path',
        by: 'ana',
        reason: "CHG-7, corr'ect horse",
        "corr'ect horse": true,
        ["corr'ect horse 2"]: { "corr'ect horse": 1 },
      });
      const trail = sources.trail && {
        ...sources.trail,
        migration: { ...sources.trail.migration, approved_by: "ben corr'ect horse" },
      };
      const report = buildReport({
        ...sources,
        trail,
        execution: { ...sources.execution, input },
        clean: withheld,
      });
      expect(report.people.reason).toMatch(/not shown/);
      const text = await render(report, format);
      expect(text).not.toMatch(/corr[^e]*ect horse/);
      expect(text).toContain('path_p');
    },
  );

  it('a text that is no time is not printed as one', () => {
    expect(instant('2027-01-31T04:00:00Z')).toBe('31 Jan 2027, 04:00:00 UTC');
    expect(instant('## Approved')).toBe('a time that cannot be read');
  });

  it('no name ends a cell, begins a tag or an emphasis in Markdown', async () => {
    const page = await render(reportOf({ table: 'public."a|b*c<i>`"', pairs: 2 }), 'markdown');
    expect(page).not.toContain('<i>`" →');
    expect(page.split('\n')[0]).toBe('# Migrated: public."a\\|b\\*c&lt;i\\>\\`" → public.inode');
    const rows = page.split('\n').filter((line) => line.startsWith('| 1 |'));
    expect(rows[0]?.replaceAll('\\|', '').split('|').length).toBe(rows[0] === undefined ? -1 : 13);
  });
});
