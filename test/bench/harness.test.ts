/** What the benchmarks' figures are made by: whoever trusts a figure trusts this. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chosenRows, rowsThatFit } from '../../bench/benchmarks/source.ts';
import { chartSvg } from '../../bench/docs/charts.ts';
import { Cases } from '../../bench/harness/cases.ts';
import { cellText, markdownTable } from '../../bench/harness/format.ts';
import { type Findings, problems } from '../../bench/harness/result.ts';
import { busyMilliseconds, statementsIn } from '../../bench/harness/server-log.ts';
import { alternate, measure, quantile, ratio } from '../../bench/harness/statistics.ts';

describe('statistics', () => {
  it('of repetitions are the median and the spread', () => {
    expect(measure([9, 1, 5])).toMatchObject({ median: 5, min: 1, max: 9 });
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(ratio(measure([6]), measure([1, 2, 3]))).toBe(3);
  });

  it('of nothing are refused', () => {
    expect(() => measure([])).toThrow('at least one sample');
  });

  it('let the subjects take turns, in an order that turns around', async () => {
    const turns: string[] = [];
    const turn = (name: string) => async () => turns.push(name);

    const measured = await alternate(3, { a: turn('a'), b: turn('b') });

    expect(turns.join('')).toBe('abbaab');
    expect(measured.a.samples).toEqual([1, 4, 5]);
  });
});

describe('the time of the database', () => {
  const log = [
    '1000.000|p2pfk/1/plan|7|LOG:  duration: 100.000 ms',
    '1000.050|p2pfk/1/add-foreign-key/1|8|LOG:  duration: 100.500 ms  statement: SELECT',
    '	1 AS "second line"',
    '1000.500|somebody|9|LOG:  duration: 400.000 ms',
    '1000.600|p2pfk/1/plan|7|LOG:  duration: 50.000 ms',
    '1000.850|p2pfk/1/plan|7|ERROR:  canceling statement due to statement timeout',
    '1000.850|p2pfk/1/plan|7|STATEMENT:  DELETE',
  ].join('\n');

  it('is read from the lines of log_duration, and of a statement that failed from the line before it', () => {
    expect(statementsIn(log)).toHaveLength(5);
    expect(statementsIn(log)[0]).toEqual({ application: 'p2pfk/1/plan', from: 999_900, to: 1_000_000 });
    expect(statementsIn(log)[4]).toEqual({ application: 'p2pfk/1/plan', from: 1_000_600, to: 1_000_850 });
  });

  it('counts once what runs side by side, and leaves out what others do', () => {
    expect(busyMilliseconds(log, (name) => name.startsWith('p2pfk'))).toBeCloseTo(150 + 50 + 250, 3);
  });
});

describe('a run that is cut short', () => {
  it('goes on with the cases that are left, and says of which commits the result is', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pfk-cases-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const open = (commit: string, resume: boolean) => Cases.open('rollback', 'full', { commit, resume, folder });
    const worked: string[] = [];
    const work = (name: string) => async () => {
      worked.push(name);
      return { median: worked.length };
    };

    const first = await open('aaa', false);
    await first.measured('one', work('one'));
    await expect(first.measured('two', () => Promise.reject(new Error('cut')))).rejects.toThrow('cut');

    const second = await open('bbb', true);
    expect(await second.measured('one', work('one again'))).toEqual({ median: 1 });
    expect(await second.measured('two', work('two'))).toEqual({ median: 2 });
    expect(second.commits).toEqual(['aaa', 'bbb']);
    await second.forget();

    const third = await open('ccc', true);
    await third.measured('one', work('one anew'));
    expect(worked).toEqual(['one', 'two', 'one anew']);
    expect(third.commits).toEqual(['ccc']);
  });
});

describe('a result', () => {
  const whole: Findings = {
    tables: [{ title: 'one', columns: ['a', 'b'], rows: [['x', 1]] }],
    targets: [],
    charts: [],
    samples: {},
  };

  it('with all its figures has no problem', () => {
    expect(problems(whole)).toEqual([]);
  });

  it.each<[what: string, broken: Partial<Findings>]>([
    ['without a table', { tables: [] }],
    ['with an empty table', { tables: [{ title: 'one', columns: ['a'], rows: [] }] }],
    ['with a figure that is no number', { tables: [{ title: 'one', columns: ['a'], rows: [[Number.NaN]] }] }],
    ['with a row that is too short', { tables: [{ title: 'one', columns: ['a', 'b'], rows: [[1]] }] }],
    ['with a chart without points', { charts: [{ id: 'c', title: 'c', kind: 'bar', x: '', y: '', points: [] }] }],
    ['with a target that was not measured', { targets: [{ what: '', target: '', measured: 'NaN s', met: false }] }],
  ])('%s has one', (_, broken) => {
    expect(problems({ ...whole, ...broken })).toHaveLength(1);
  });

  it('is printed to three digits, with its spread', () => {
    expect(cellText({ value: 0.012345, spread: [0.01, 12_345.6] })).toBe('0.012 (0.01-12,346)');
    expect(markdownTable(['who', 'ms'], [['a|b', 1.2345]])).toBe('| who | ms |\n| --- | ---: |\n| a\\|b | 1.23 |');
  });
});

describe('a chart', () => {
  it('has bars that stand on something, where its scale is logarithmic too', async () => {
    const points = [
      { x: 'by hand', y: 20_000, series: 'longest' },
      { x: 'p2pfk', y: 40, series: 'longest' },
    ];
    const svg = await chartSvg({ id: 'c', title: 'c', kind: 'bar', x: '', y: 'ms', logarithmic: true, points });

    // A bar is drawn as M x,y h width v height.
    const heights = [...svg.matchAll(/aria-roledescription="bar" d="M[^"]*?v([\d.]+)h/g)].map(([, height]) =>
      Number(height),
    );
    expect(heights).toHaveLength(2);
    expect(Math.min(...heights)).toBeGreaterThan(10);
  });
});

describe('rows for which the disk has no room', () => {
  const GIGABYTE = 1e9;

  it('are refused in one line that says what they need and what to do', () => {
    const tooMany = () => rowsThatFit(123_600_000, 20 * GIGABYTE, { folder: '/tmp', fit: false });

    expect(tooMany).toThrow(/^123,600,000 rows need \d+ GB in \/tmp, which has 20 GB left: .*--fit$/);
    expect(tooMany).not.toThrow(/\n/);
  });

  it('are fewer only where that is asked for, and the same number on a disk with a little more room', () => {
    const fitting = rowsThatFit(123_600_000, 20 * GIGABYTE, { folder: '/tmp', fit: true });

    expect(fitting).toBeLessThan(123_600_000);
    expect(fitting).toBeGreaterThan(1_000_000);
    expect(rowsThatFit(123_600_000, 20.05 * GIGABYTE, { folder: '/tmp', fit: true })).toBe(fitting);
    expect(rowsThatFit(1_000_000, 20 * GIGABYTE, { folder: '/tmp', fit: true })).toBe(1_000_000);
  });

  it('are as many as the largest seed that is there, where fewer are allowed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pfk-seeds-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    for (const rows of [1_000, 2_000]) await mkdir(join(folder, `p2pfk-bench-source-${rows}`));

    const chosen = (wanted: number, fit: boolean) => chosenRows(wanted, { folder, fit, level: 'full' });

    expect(await chosen(3_000_000_000_000, true)).toBe(2_000);
    expect(await chosen(1_000, false)).toBe(1_000);
    await expect(chosen(3_000_000_000_000, false)).rejects.toThrow('need');
  });

  it('are refused also with fewer allowed, where not even a million fits', () => {
    expect(() => rowsThatFit(123_600_000, GIGABYTE, { folder: '/tmp', fit: true })).toThrow('--rows');
  });
});
