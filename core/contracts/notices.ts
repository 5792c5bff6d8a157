/**
 * What people are told about executions, in AWS by the topics of the stack (`infra/operations/`) and elsewhere by `--notify-url` and
 * `--on-event` (`cli/hooks/`): severities, the errors that decide them, and the texts that both share.
 */

/**
 * - `page`: a person is needed now; every row is still guarded.
 * - `warning`: look today: something did not succeed, or waits for a person.
 * - `info`: news, and refusals, which changed nothing.
 */
export type NoticeSeverity = 'page' | 'warning' | 'info';

/** Errors that a person has to know about at once. */
export const PAGED: readonly string[] = ['RollbackFailed', 'RollbackInterrupted'];

/**
 * Errors with which the plan step refuses: nothing was changed, and the input, the rights or the schema have to change first. The
 * person who started the execution sees them; no other person has to act.
 */
export const REFUSALS: readonly string[] = [
  'ApprovalRefused',
  'InvalidInput',
  'LedgerElsewhere',
  'LedgerMissing',
  'LedgerNotTrusted',
  'LedgerVersionRefused',
  'MigrationInProgress',
  'NotMigrated',
  'PreflightFailed',
  'PrivilegeMissing',
  'RowSecurityApplies',
  'SettingRefused',
  'UntrustedCode',
];

export const NOTICE_TEXTS = {
  migrated: 'migrated: every pair has its own foreign key, the parent-level one is gone, all checks passed',
  paused:
    'paused: the window closed, it was a rehearsal, or no approval came; every foreign key is in place, and the next execution goes on from here',
  refused: 'A migration was refused, and nothing was changed. The cause says what to change first.',
  rollbackFailed:
    'A rollback needs a person. Every row is still guarded by pair or parent foreign keys. See docs/operations.md, "Exit 5: the rollback could not be finished".',
  approvalWanted:
    'All is ready and rehearsed; the parent foreign key is dropped only after a person has approved it: p2pfk approve --table TABLE, with the table of the execution that runs.',
} as const;
