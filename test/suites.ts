/**
 * The test files that `npm test` leaves to `npm run test:long`, so that the default suite stays under five minutes on two cores.
 * They wait for time-outs, start many processes, or repeat on many inputs what the default suite tries once. A new test file is in
 * the default suite unless it is named here.
 */
export const LONG: readonly string[] = [
  // Two of everything at once, dead processes, and calls that come late.
  'core/steps/again',
  'core/steps/between',
  'core/steps/frozen-client',
  'core/steps/hand-over',
  'core/steps/late',
  'core/steps/liveness',
  'core/steps/resume',
  'core/steps/twice',
  'local/embedded-postgres',
  'psql/border',
  'psql/trouble',
  'core/steps/people',
  // Locks, and the sessions that hold them.
  'core/steps/autovacuum',
  'core/steps/constant-load',
  'core/steps/demoted',
  'core/steps/idle-blockers',
  'core/steps/lock-budget',
  'core/steps/readers',
  'core/steps/standbys',
  'core/steps/synchronous-standby',
  'core/standby-readers',
  'core/steps/window',
  'core/delete-probe',
  'core/evidence/tries',
  'provision/constant-load',
  'provision/locks',
  // Connections, roles and attacks, each against a server of its own kind.
  'cli/connect',
  'cli/login',
  'cli/serve-attacks',
  'core/ledger/trust',
  'core/libpq',
  'core/session',
  'core/foreign-table',
  'core/untrusted-code',
  'core/unanswered',
  'core/leaf-owner',
  'core/leaf-owner-code',
  'core/plan-roles',
  'core/set-role-login',
  'core/ledger/team',
  'core/ledger/versions',
  // One process of the command line after the other.
  'audit/command',
  'cli/acceptance',
  'cli/approve',
  'cli/bad-input',
  'cli/border',
  'cli/demo',
  'cli/elsewhere-database',
  'cli/half-done',
  'cli/migrate',
  'cli/plan-file',
  'cli/report',
  'cli/serve',
  'cli/terminal',
  'infra/build',
  'infra/package',
  'report/real',
  // The psql scripts, in all their branches; the step files they share with the code are tried there, too.
  'psql/give-back',
  'psql/identity',
  'psql/lines',
  'psql/lost-ledger',
  'psql/partition-set',
  'psql/readme',
  'psql/refusals',
  'psql/scripts',
  // Many schemas and many defects.
  'audit/audit',
  'audit/drift',
  'audit/lost-ledger',
  'audit/two-keys',
  'core/evidence/script',
  'core/evidence/statements',
  'core/statements',
  'core/pair-names',
  'core/taken-names',
  'core/plan-scale',
  'core/throttle',
  'core/ledger/identity',
  'core/ledger/tampered',
  'core/steps/approval',
  'infra/look',
  'infra/notices',
  'infra/review',
  'infra/scale',
  'lambdas/operations',
  'local/engine-limits',
  'provision/provision',
  'provision/refusals',
].map((name) => `test/${name}.test.ts`);

/**
 * The tests of the stack. Loading the CDK takes seconds, so the files that share a worker load it once: none of them may leave
 * anything behind in a module.
 */
export const INFRA: readonly string[] = ['test/{infra,lambdas}/**/*.test.ts'];

/** Suites with a configuration of their own, and the emulator: half a minute in Python's interpreter of state machines. */
export const ELSEWHERE: readonly string[] = ['test/{matrix,chaos,property,browser}/**', 'test/infra/emulator.test.ts'];
