import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createOutput, type OutputOptions } from '../../cli/output.ts';
import { createReporter } from '../../cli/progress/reporter.ts';
import { WITHHELD } from '../../core/contracts/redact.ts';
import { overPairs, plan, scheduled, succeeded } from './progress.helpers.ts';

/** A stream that looks like a terminal where it has columns. */
function recorder(columns?: number) {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  // Node's own rules, on a terminal that is known to have colours.
  const colorDepth = () =>
    WriteStream.prototype.getColorDepth({ TERM: 'xterm-256color', NO_COLOR: process.env.NO_COLOR });
  const depth = { getColorDepth: colorDepth };
  return Object.assign(stream, columns === undefined ? {} : { isTTY: true, columns, rows: 24, ...depth }, {
    text: () => text,
  });
}

function outputs(options: OutputOptions, columns?: number) {
  const stdout = recorder(columns);
  const stderr = recorder(columns);
  return { stdout, stderr, output: createOutput(options, { stdout, stderr }) };
}

// The environment of whoever runs the tests must not decide.
vi.stubEnv('NO_COLOR', undefined);
vi.stubEnv('FORCE_COLOR', undefined);
vi.stubEnv('NODE_DISABLE_COLORS', undefined);

describe('output', () => {
  it('with --json is one document on stdout, and everything else on stderr', () => {
    const { output, stdout, stderr } = outputs({ json: true });

    output.line('progress');
    output.document({ passed: true });

    expect(JSON.parse(stdout.text())).toEqual({ passed: true });
    expect(stderr.text()).toBe('progress\n');
  });

  it('with --json has a note in the place of each text with a password of this process, and stays JSON', () => {
    vi.stubEnv('PGPASSWORD', 'S3cretPassw0rd');
    const value = { by: 'ana S3cretPassw0rd', list: [{ reason: "token S3cret''Passw0rd" }], pairs: 3, none: null };
    const document = outputs({ json: true });
    document.output.document(value);
    const event = outputs({ jsonLines: true });
    event.output.event({ type: 'Result', result: value });
    event.output.document(value);
    vi.stubEnv('PGPASSWORD', undefined);

    const shown = { by: WITHHELD, list: [{ reason: WITHHELD }], pairs: 3, none: null };
    expect(JSON.parse(document.stdout.text())).toEqual(shown);
    const lines = event.stdout.text().trimEnd().split('\n');
    expect(lines.map((line: string) => JSON.parse(line))).toEqual(
      [1, 2].map(() => ({ type: 'Result', result: shown })),
    );
  });

  it('without --json prints no document', () => {
    const { output, stdout } = outputs({});

    output.line('result');
    output.document({ passed: true });

    expect(stdout.text()).toBe('result\n');
  });

  it('has colours on a terminal', () => {
    const { output, stdout } = outputs({}, 80);

    output.line('[1/17] ✓ Added');
    output.line('✓✓✓ MIGRATION SUCCESSFUL ✓✓✓');

    expect(stdout.text()).toBe(
      '[1/17] \u001b[32m✓\u001b[39m Added\n\u001b[1m\u001b[32m✓✓✓ MIGRATION SUCCESSFUL ✓✓✓\u001b[39m\u001b[22m\n',
    );
  });

  it.each([
    ['where it is no terminal', {}, undefined, {}],
    ['with --no-color', { color: false }, 80, {}],
    ['with NO_COLOR', {}, 80, { NO_COLOR: '1' }],
  ])('has none %s', (_, options, columns, env) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    const { output, stdout } = outputs(options, columns);

    output.line('✓ PASS');

    expect(stdout.text()).toBe('✓ PASS\n');
  });

  afterEach(() => {
    vi.stubEnv('NO_COLOR', undefined);
  });

  it('shows escapes in names instead of sending them, and changes nothing else in a line', () => {
    const { output, stdout } = outputs({}, 80);

    output.line('table "\u001b[31mred password=x" in p2pfk');

    expect(stdout.text()).toBe('table "\\x1b[31mred password=x" in p2pfk\n');
  });
});

describe('progress on a stream', () => {
  const events = [succeeded('Plan', plan(2)), scheduled('VerifyGate'), ...overPairs('AddForeignKey', 2)];

  it('is plain lines where it is no terminal', async () => {
    const { output, stdout } = outputs({});
    const reporter = await createReporter({ output });

    for (const event of events) reporter.onEvent(event);
    reporter.stop();

    expect(stdout.text().split('\n')).toEqual([
      'Migrating path → inode: 2 pairs, parent-level FK path_medium_hash_ino_fkey',
      '[1/2] ✓ Added NOT VALID FK for partition: path_p_1 → inode_p_1',
      '[2/2] ✓ Added NOT VALID FK for partition: path_p_2 → inode_p_2',
      'Successfully added 2 partition-level FK constraints',
      '',
    ]);
  });

  it('is nothing with --quiet, but what has to be said', async () => {
    const { output, stdout } = outputs({ quiet: true });
    const reporter = await createReporter({ output });

    for (const event of events) reporter.onEvent(event);
    reporter.announce('Stopping');
    reporter.stop();

    expect(stdout.text()).toBe('Stopping\n');
  });

  it('keeps a live area below the lines on a terminal, draws it anew when resized, and takes it away', async () => {
    const { output, stdout } = outputs({ color: false }, 80);
    const reporter = await createReporter({ output, now: () => 5_000 });

    for (const event of events) reporter.onEvent(event);
    const drawn = stripVTControlCharacters(stdout.text());
    stdout.columns = 30;
    stdout.emit('resize');
    const narrow = stripVTControlCharacters(stdout.text()).slice(drawn.length);
    reporter.stop();
    const taken = stdout.text();
    stdout.emit('resize');

    expect(drawn).toContain('[2/2] ✓ Added NOT VALID FK for partition: path_p_2 → inode_p_2\n');
    expect(drawn).toMatch(/Preflight check +[█░]+ 00:00:05/);
    expect(Math.max(...narrow.split('\n').map((line) => line.length))).toBeLessThan(30);
    expect(stdout.text()).toBe(taken);
  });
});
