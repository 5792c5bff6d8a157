import { describe, expect, it } from 'vitest';
import { findingLines, planLines, statementsAsSql } from '../../cli/render/plan-text.ts';
import { width } from '../../cli/width.ts';
import type { Plan } from '../../core/contracts/documents.ts';
import { eventBudget } from '../../core/contracts/event-budget.ts';

const planOf = (count: number, rest: Partial<Plan> = {}): Plan => ({
  table: 'public.path',
  referencedTable: 'public.inode',
  constraint: 'path_medium_hash_ino_fkey',
  definition: 'FOREIGN KEY (medium_hash, ino) REFERENCES inode(medium_hash, ino) ON DELETE CASCADE',
  serverVersion: '17.10',
  pairs: Array.from({ length: count }, (_, index) => ({
    referencing: `public.path_p_${index + 1}`,
    referenced: `public.inode_p_${index + 1}`,
    bound: `FOR VALUES IN ('${index + 1}')`,
    rows: 11_267_245,
    bytes: 1_288_490_188,
    hasIndex: index > 0,
    pairConstraint: `fk_path_to_inode_p_${index + 1}`,
  })),
  unpaired: [{ partition: 'public.inode_p_x', side: 'referenced', rows: 12, decision: 'left as it is' }],
  findings: [
    { id: 'row-movement', severity: 'warning', message: 'an UPDATE deletes', remedy: 'do not', needsAcceptance: false },
    { id: 'server-minor', severity: 'error', message: 'known bug', remedy: 'upgrade', needsAcceptance: false },
    { id: 'new-partition', severity: 'info', message: 'no FK of its own', remedy: '', needsAcceptance: false },
  ],
  statements: [
    { step: 'AddForeignKeys', sql: 'ALTER TABLE a ADD FOREIGN KEY ...', lock: 'ShareRowExclusiveLock on a, b' },
    { step: 'DropParentForeignKey', sql: 'ALTER TABLE path DROP CONSTRAINT x;', lock: 'AccessExclusiveLock on all' },
  ],
  estimate: {
    rows: 123_600_000,
    bytes: 12_884_901_888,
    seconds: 720,
    dropLockedMs: 11,
    dropWaitMs: 450,
    rollback: { strategy: 'attach', writesBlockedMs: 70, note: 'no scan' },
    snapshots: [],
    execution: eventBudget([]),
  },
  ...rest,
});

describe('a plan for a person', () => {
  it('has aligned pairs, and says that rows are estimates', () => {
    const lines = planLines(planOf(12), { given: '--table path', columns: null });
    const header = lines.findIndex((line) => line.includes('referencing  '));

    expect(lines[header - 1]).toBe("12 pairs, largest first (rows are the planner's estimates)");
    expect(lines[header + 1]).toBe('   1  path_p_1     inode_p_1   11,267,245  1229 MB  to build');
    const ends = lines.slice(header, header + 13).map((line) => line.lastIndexOf(' MB') + line.lastIndexOf('size'));
    expect(new Set(ends.slice(1)).size).toBe(1);
  });

  it('says how much is written, and what changes for it', () => {
    const plan = planOf(1);
    const writes = {
      insertsPerSecond: 1234.4,
      deletesPerSecond: 0.0312,
      since: '2026-11-20T08:00:00Z',
      partitionsLocked: 34,
      partitionsLockedAfter: 2,
    };
    const linesOf = (of: Plan) => planLines(of, { given: '--table path', columns: null });

    expect(linesOf({ ...plan, estimate: { ...plan.estimate, writes } })).toContain(
      'Writes       1,234 rows a second inserted into public.path and 0.03 deleted from public.inode, on average since 2026-11-20; the first ones of a session lock all 34 partitions, afterwards the 2 of a pair',
    );
    expect(linesOf(plan).join()).not.toContain('Writes ');
  });

  it('says for how long VACUUM is held back, by which kind of step, and how much WAL the indexes are', () => {
    const plan = planOf(1);
    const snapshots = [
      { step: 'index', referencing: 'public.path_p_1', seconds: 11.2 },
      { step: 'validate', referencing: 'public.path_p_1', seconds: 25 },
    ] as const;
    const linesOf = (estimate: Partial<Plan['estimate']>) =>
      planLines({ ...plan, estimate: { ...plan.estimate, ...estimate } }, { given: '--table path', columns: null });

    expect(linesOf({ snapshots, indexWalBytes: 734_003_200 })).toContain(
      'Snapshots    VACUUM is held back for about: index build at most 11 s (path_p_1), validation 25 s (path_p_1); WAL of the indexes about 700 MB',
    );
    expect(linesOf({ snapshots: [] }).join()).not.toContain('Snapshots');
  });

  it('says of an attach what a plain re-add would cost instead', () => {
    const plan = planOf(1);
    const rollback = { strategy: 'attach', writesBlockedMs: 22_000, note: '', plainMs: 12_000 } as const;

    const lines = planLines({ ...plan, estimate: { ...plan.estimate, rollback } }, { given: '', columns: null });

    expect(lines).toContain(
      'Rollback     attach: writes blocked for about 22 s (13 s to 30 s); a plain re-add would block them for about 12 s (9.6 s to 15 s)',
    );
  });

  it('groups findings by severity, with remedies', () => {
    const lines = planLines(planOf(1), { given: '--table path', columns: null });
    const from = lines.indexOf('Errors');

    expect(lines.slice(from, from + 8)).toEqual([
      'Errors',
      '  ✗ server-minor: known bug',
      '      → upgrade',
      'Warnings',
      '  ! row-movement: an UPDATE deletes',
      '      → do not',
      'Good to know',
      '  · new-partition: no FK of its own',
    ]);
  });

  it('ends with the estimate, the way back, and what to type next', () => {
    const lines = planLines(planOf(1, { findings: [] }), { given: "--table 'My Path'", columns: null });

    expect(lines).toContain(
      'Estimate     123,600,000 rows, 12 GB: about 12 min in all (rough, as is each time below without a range)',
    );
    expect(lines).toContain('Execution    one iteration a pair; 42 of 25,000 events, and 31 for a rollback');
    expect(lines).toContain('Rollback     attach: writes blocked for about 70 ms (42 ms to 95 ms); no scan');
    expect(lines).toContain("Statements   2; all of them, with their locks: p2pfk plan --table 'My Path' --sql");
    expect(lines.at(-1)).toBe("✓ Ready: p2pfk migrate --table 'My Path'");
  });

  it('says that it would be refused, or that nothing is left to do', () => {
    const last = (plan: Plan) => planLines(plan, { given: '--table path', columns: null }).at(-1);

    expect(last(planOf(1))).toBe('✗ Refused: 1 error to remove first');
    expect(last(planOf(1, { findings: [], statements: [] }))).toBe('✓ Already migrated: nothing to do');
  });

  it('is cut on a terminal only, and says how to see all', () => {
    const plan = planOf(256);
    const pairsIn = (lines: readonly string[]) => lines.filter((line) => / path_p_\d+ /.test(line)).length;

    expect(pairsIn(planLines(plan, { given: '--table path', columns: null }))).toBe(256);
    const onTerminal = planLines(plan, { given: '--table path', columns: 80 });
    expect(pairsIn(onTerminal)).toBe(40);
    expect(onTerminal).toContain('  … and 216 more: pipe into a file or less, or use --json, to see all');
  });

  it('keeps its pairs within 80 columns where names are of usual length', () => {
    const lines = planLines(planOf(20), { given: '--table path', columns: 80 });

    for (const line of lines.filter((each) => / path_p_/.test(each))) expect(width(line)).toBeLessThanOrEqual(80);
  });

  it('wraps long findings on a terminal, under where their text begins', () => {
    const message = 'with pair foreign keys an UPDATE that moves a row runs ON DELETE CASCADE on its referencing rows';
    const findings = [
      { id: 'row-movement', severity: 'warning', message, remedy: 'do not', needsAcceptance: false },
    ] as const;
    const lines = planLines(planOf(1, { findings }), { given: '--table path', columns: 60 });
    const from = lines.indexOf('Warnings');

    expect(lines.slice(from + 1, from + 4)).toEqual([
      '  ! row-movement: with pair foreign keys an UPDATE that',
      '    moves a row runs ON DELETE CASCADE on its referencing',
      '    rows',
    ]);
  });

  it('shows no group of findings that is empty', () => {
    expect(findingLines([], 'error')).toEqual([]);
  });
});

describe('a plan as SQL', () => {
  it('has each statement under its step and lock, ended by one semicolon', () => {
    const [, add, drop] = statementsAsSql(planOf(1)).split('\n\n');

    expect(add).toBe(
      '-- 1/2 AddForeignKeys\n-- lock: ShareRowExclusiveLock on a, b\nALTER TABLE a ADD FOREIGN KEY ...;',
    );
    expect(drop).toBe(
      '-- 2/2 DropParentForeignKey\n-- lock: AccessExclusiveLock on all\nALTER TABLE path DROP CONSTRAINT x;\n',
    );
  });

  it('lets no name end a comment', () => {
    const hostile = 'x\n; DROP TABLE path; --\r\n\u2028DROP TABLE inode';
    const sql = statementsAsSql(
      planOf(1, { constraint: hostile, statements: [{ step: hostile, sql: 'SELECT 1', lock: hostile }] }),
    );

    expect(sql.split(/[\n\r\u2028]/).filter((line) => line !== '' && !line.startsWith('--'))).toEqual(['SELECT 1;']);
  });
});
