import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { p2pfk } from './cli.helpers.ts';
import { helpOf } from './help.helpers.ts';

const STATE_MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:p2pfk';
const AT = ['-t', 'path', '--at'];

const COMMANDS = [
  ...['demo', 'scan', 'plan', 'migrate', 'approve', 'list', 'status', 'verify', 'rollback', 'provision', 'audit'],
  ...['start', 'schedule', 'watch', 'stop', 'history', 'report', 'serve', 'doctor'],
];

describe('the program', () => {
  it('has its commands, and prints their descriptions and the exit codes', async () => {
    const { code, stdout, stderr } = await p2pfk(['--help']);

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(stdout).toMatch(/5 {2}rollback failed, a person is needed/);
  });

  it('knows its version from package.json', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

    expect(await p2pfk(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('loads nothing heavier than commander for its help', async () => {
    const list = `import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { console.error('LOADED ' + url); return next(url, context); } });`;
    const { stderr } = await p2pfk(['migrate', '--help'], {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(list)}`,
    });
    const packages = new Set(
      [...stderr.matchAll(/LOADED \S*node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name),
    );

    expect([...packages]).toEqual(['commander']);
  });
});

describe('p2pfk migrate --help', () => {
  it('groups its options, each under one heading', () => {
    const groups = [...helpOf('migrate').matchAll(/^(\S.*):\n((?: {2,}.+\n)+)/gm)].map(([, heading, lines]) => [
      heading,
      [...(lines ?? '').matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(([, option]) => option),
    ]);

    expect(Object.fromEntries(groups)).toMatchObject({
      Options: [
        'table',
        'constraint',
        'search-path',
        'no-row-movement-guard',
        'pair-constraint-names',
        'no-indexes',
        'accept',
        'relink',
        'plan',
        'yes',
        'database-url',
        'session-pooler',
        'show-blocking-queries',
        'ledger-owner',
        'trust-owner',
        'profile',
        'state-dir',
        'help',
      ],
      'Locks and pace': [
        'max-concurrency',
        'lock-timeout-ms',
        'maintenance-work-mem',
        'terminate-idle-blockers',
        'reader',
      ],
      Rollback: ['keep-indexes', 'allow-blocking-rollback'],
      'Rehearsal and approval': ['dry-run', 'rehearse', 'approval', 'approval-timeout', 'approver-must-differ'],
      'Maintenance window and load; no pair is begun while a limit is exceeded': [
        'deadline',
        'max-replica-lag',
        'max-snapshot-age',
        'max-active-sessions',
        'hold-back-query',
      ],
      Output: ['json', 'quiet', 'verbose', 'no-color', 'report', 'json-lines'],
    });
  });
});

describe.each(COMMANDS)('p2pfk %s --help', (name) => {
  const text = helpOf(name);

  it('has options, examples, environment and exit codes', () => {
    expect(text).toMatch(/^Usage: p2pfk /m);
    expect(text).toContain('Options:');
    expect(text).toMatch(new RegExp(`Examples:\\n  # .+\\n  p2pfk ${name}`));
    expect(text).toContain('Environment:');
    expect(text).toContain('Exit codes:');
    for (const option of ['--json', '--no-color', '--quiet', '--verbose']) expect(text).toContain(option);
  });

  it('never shows what the environment holds', () => {
    expect(text).not.toContain('://app:');
  });
});

describe('bad usage', () => {
  it.each([
    [[], /^Usage: p2pfk/],
    [['migrat'], /^p2pfk: unknown command 'migrat' \(Did you mean migrate\?\); see p2pfk --help\n$/],
    [['migrate'], /^p2pfk: required option '-t, --table <table>' not specified; see p2pfk migrate --help\n$/],
    [
      ['plan', '--tabel', 'path'],
      /^p2pfk: unknown option '--tabel' \(Did you mean --table\?\); see p2pfk plan --help\n$/,
    ],
    [
      ['migrate', '-t', 'path', '--max-concurrency', 'many'],
      /^p2pfk: .*'many' is invalid\. It must be a whole number; see/,
    ],
    [
      ['migrate', '-t', 'path', '--max-concurrency', '99'],
      /^p2pfk: --max-concurrency must be a whole number from 1 to 40, not 99\n$/,
    ],
    [
      ['migrate', '-t', 'path', '--approval', 'manual', '--approval-timeout', 'soon'],
      /^p2pfk: .*'soon' is invalid\. It must be a duration such as 30s, 5m or 1h; digits alone are seconds; see p2pfk migrate --help\n$/,
    ],
    [
      ['rollback', '-t', 'path', '--maintenance-work-mem', '512'],
      /^p2pfk: .*'512' is invalid\. It must be a size such as 512MB or 2GB; see p2pfk rollback --help\n$/,
    ],
    [['migrate', '-t', 'path', '--max-replica-lag', '0'], /^p2pfk: --max-replica-lag must be longer than nothing/],
    [['plan', '-t', 'path', '--rehearse'], /^p2pfk: unknown option '--rehearse'/],
    [['approve'], /^p2pfk: required option '-t, --table <table>' not specified; see p2pfk approve --help\n$/],
    [['migrate', '-t', 'path', '--deadline', 'soon'], /^p2pfk: --deadline must be an ISO 8601 time with offset/],
    [['rollback', '-t', 'path', '--dry-run'], /^p2pfk: unknown option '--dry-run'/],
    [['verify', '-t', 'path', 'more'], /^p2pfk: too many arguments/],
    [['schedule', '-s', STATE_MACHINE], /^p2pfk: required option '-t, --table <table>' not specified/],
    [['schedule', '-s', STATE_MACHINE, '-t', 'path'], /^p2pfk: a schedule needs either --at or --cron/],
    [['schedule', '-s', STATE_MACHINE, ...AT, '2020-01-31T03:00Z', '--window', '2h'], /^p2pfk: --at .* is over/],
    [['schedule', '-s', STATE_MACHINE, ...AT, '2099-01-31T03:00', '--window', '2h'], /^p2pfk: --timezone is needed/],
    [
      ['schedule', '-s', STATE_MACHINE, ...AT, '2099-01-31T03:00Z', '--window', '90s'],
      /^p2pfk: --window must be whole/,
    ],
    [
      ['schedule', '-s', STATE_MACHINE, ...AT, '2099-01-31T03:00Z', '--window', '2h', '--max-concurrency', '99'],
      /^p2pfk: --max-concurrency must be a whole number from 1 to 40/,
    ],
    [['start', '-t', 'path'], /^p2pfk: required option '-s, --state-machine <arn>' not specified/],
    [['start', '-t', 'path', '-s', 'mine'], /^p2pfk: --state-machine must be an ARN such as/],
  ])('%j is told in one line, exit 2', async (args, message) => {
    const { code, stdout, stderr } = await p2pfk(args);

    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    if (args.length > 0) expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});
