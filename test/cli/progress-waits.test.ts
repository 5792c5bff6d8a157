/** What is told while nothing is done: held back, rehearsed, waiting for a person. */
import { describe, expect, it } from 'vitest';
import { pair, pairInput, plan, play, scheduled, succeeded } from './progress.helpers.ts';

describe('a pair that is held back', () => {
  const held = (number: number, note: string) =>
    succeeded('ValidateForeignKey', pair(number, 3, { status: 'RUNNING', waitSeconds: 10, note }), pairInput(number));
  const asked = (number: number) => scheduled('ValidateForeignKey', pairInput(number), 1_000);

  it('is told once with the reason, however many pairs wait and however its figures change', () => {
    const { lines, progress } = play([
      succeeded('Plan', plan(3)),
      ...[1, 2].map(asked),
      held(1, '12 sessions are active, the limit is 10'),
      held(2, '14 sessions are active, the limit is 10'),
      asked(1),
      held(1, '11 sessions are active, the limit is 10'),
    ]);

    expect(lines.slice(1)).toEqual([
      '‖ Held back: 12 sessions are active, the limit is 10',
      '  p2pfk looks again by itself, first at 00:00:10 UTC, and goes on once that is over, however long that takes; p2pfk stop, or a --deadline, pauses the migration',
    ]);
    expect([...progress.running.values()].map(({ note, since }) => [note, since])).toEqual([
      ['held back, looks again at 00:00:10 UTC: 11 sessions are active, the limit is 10', 1_000],
      ['held back, looks again at 00:00:10 UTC: 14 sessions are active, the limit is 10', 1_000],
    ]);
  });

  it.each([
    [
      'waits for pid 4711 (app, nightly), active since 2027-01-31T04:00:00Z',
      '  The statement waits until that session ends its transaction, however long that takes; p2pfk looks again by itself, first at 00:00:10 UTC; this ends the session: SELECT pg_terminate_backend(4711); p2pfk stop, or a --deadline, pauses the migration',
    ],
    [
      'waits for a prepared transaction, see pg_prepared_xacts',
      '  The statement waits until COMMIT PREPARED or ROLLBACK PREPARED, however long that takes; p2pfk looks again by itself, first at 00:00:10 UTC',
    ],
    [
      'held by ana (login ana) since 2027-01-31T04:00:00Z',
      '  p2pfk resume --table public.path lets it go on; after 24 hours it pauses; p2pfk looks again by itself, first at 00:00:10 UTC',
    ],
    [
      '2 of 2 pairs side by side are at work, the limit that was set by ana (login ana) since 2027-01-31T04:00:00Z',
      '  p2pfk looks again by itself, first at 00:00:10 UTC; p2pfk throttle --table public.path raises the limit',
    ],
  ])('says what comes next where it %s', (note, next) => {
    const { lines } = play([succeeded('Plan', plan(3)), asked(1), held(1, note)]);
    expect(lines.slice(1)).toEqual([`‖ Held back: ${note}`, next]);
  });

  it('does not call an index build held back that runs on in the server', () => {
    const { lines, progress } = play([
      succeeded('Plan', plan(3)),
      asked(1),
      held(1, 'index build: building index: scanning table, 45 % of it'),
    ]);
    expect(lines.slice(1)).toEqual([]);
    expect([...progress.running.values()]).toMatchObject([{ note: 'runs on in the server', heldBack: null }]);
  });

  it('is told again for another reason, and when all went on in between', () => {
    const { lines } = play([
      succeeded('Plan', plan(3)),
      asked(1),
      held(1, '12 sessions are active, the limit is 10'),
      held(1, 'a standby is 7.5 s behind, the limit is 2 s'),
      succeeded('ValidateForeignKey', pair(1, 3), pairInput(1)),
      asked(2),
      held(2, '11 sessions are active, the limit is 10'),
    ]);

    expect(lines.filter((line) => line.startsWith('‖'))).toEqual([
      '‖ Held back: 12 sessions are active, the limit is 10',
      '‖ Held back: a standby is 7.5 s behind, the limit is 2 s',
      '‖ Held back: 11 sessions are active, the limit is 10',
    ]);
  });

  it('no longer seems so while it is asked again, because it may be begun then', () => {
    const { progress } = play([succeeded('Plan', plan(3)), asked(1), held(1, 'the hold-back query says so'), asked(1)]);
    expect([...progress.running.values()]).toMatchObject([{ note: '' }]);

    const begun = play(
      [succeeded('ValidateForeignKey', pair(1, 3, { status: 'RUNNING', waitSeconds: 5 }), pairInput(1))],
      progress,
    );
    expect([...begun.progress.running.values()]).toMatchObject([{ note: 'runs on in the server', heldBack: null }]);
  });
});

describe('the word of a person', () => {
  const rehearsed =
    'the drop was rehearsed and rolled back: 9 ms under lock, 4 checks passed, Deleted 10 rows in 00:00:00.004';
  const waiting = {
    status: 'AWAITING_APPROVAL',
    pairs: 2,
    reason: `${rehearsed}; approve with: p2pfk approve --table public.path`,
    waitSeconds: 2,
  };
  const gate = (answer: object) => [scheduled('VerifyGate', {}, 1_000), succeeded('VerifyGate', answer)];

  it('is waited for with the rehearsal and the command, told once, and then goes on', () => {
    const { lines } = play([
      succeeded('Plan', plan(2)),
      ...gate(waiting),
      ...gate(waiting),
      ...gate({ status: 'PASSED', pairs: 2, reason: '', waitSeconds: 0 }),
    ]);

    expect(lines.slice(-4)).toEqual([
      `‖ Waiting for approval: ${rehearsed}`,
      '  p2pfk approve --table public.path',
      '✓ Approved',
      '✓ Preflight check passed: All 2 partition-level FKs are VALID',
    ]);
  });

  it('is a command that a shell can read, whatever the table is called', () => {
    const { lines } = play([succeeded('Plan', { ...plan(1), table: `public."my path"` }), ...gate(waiting)]);

    expect(lines.at(-1)).toBe(`  p2pfk approve --table 'public."my path"'`);
  });

  it('is waited for visibly, by one clock', () => {
    const { progress } = play([...gate(waiting), scheduled('VerifyGate', {}, 9_000)]);

    expect([...progress.running.values()]).toMatchObject([
      { state: 'VerifyGate', note: 'waits for approval', since: 1_000 },
    ]);
  });

  it('that does not come in time is told once, with the pause', () => {
    const reason = `${rehearsed}; it was not approved within 60 s; approve with: p2pfk approve --table public.path`;
    const { lines } = play([
      ...gate(waiting),
      ...gate({ status: 'APPROVAL_TIMED_OUT', pairs: 2, reason, waitSeconds: 0 }),
      scheduled('Pause', { error: { Error: 'ApprovalNeeded', Cause: reason } }),
    ]);

    expect(lines.slice(2)).toEqual([`‖ Pausing: ${rehearsed}; it was not approved within 60 s`]);
  });

  it('is not needed for a rehearsal, which is told with its figures, and pauses', () => {
    const reason = `${rehearsed}; nothing was changed, and the parent foreign key is in place`;
    const { lines } = play([
      ...gate({ status: 'REHEARSED', pairs: 2, reason, waitSeconds: 0 }),
      scheduled('Pause', { error: { Error: 'ApprovalNeeded', Cause: reason } }),
    ]);

    expect(lines).toEqual([
      '✓ Preflight check passed: All 2 partition-level FKs are VALID',
      `✓ The drop ${reason.slice('the drop '.length)}`,
      '‖ Pausing',
    ]);
  });
});
