/** Command-line flags -> execution input, checked by the contract's own schema before anything is touched. */

import { HOLDS_CREDENTIALS } from '../core/contracts/credentials.ts';
import { InvalidInput } from '../core/contracts/errors.ts';
import { ExecutionInput } from '../core/contracts/execution-input.ts';
import { echoed } from '../core/contracts/redact.ts';
import type { InputFlags } from './options.ts';

/** The input as it is sent: only what was given, so that defaults stay in one place, the state machine's. */
type GivenValue = string | number | boolean | readonly string[];
export type GivenInput = Readonly<Record<string, GivenValue>>;

const FLAGS: Readonly<Record<string, readonly [flag: string, expected: string]>> = {
  table: ['--table', "must be a table's name as SQL writes it, such as public.path"],
  constraint: ['--constraint', "must be a foreign key's name as SQL writes it"],
  searchPath: ['--search-path', 'must be schemas as SET search_path takes them, such as app,public'],
  ledgerOwner: ['--ledger-owner', "must be a role's name"],
  operation: ['--operation', 'must be migrate or rollback'],
  maxConcurrency: ['--max-concurrency', 'must be a whole number from 1 to 40'],
  lockTimeoutMs: ['--lock-timeout-ms', 'must be a whole number of milliseconds from 1 to 60000'],
  dryRun: ['--dry-run', 'must be given or not'],
  relink: ['--relink', 'must be given or not'],
  deadline: ['--deadline', 'must be an ISO 8601 time with offset, such as 2027-01-31T04:00:00Z'],
  approval: ['--approval', 'must be auto or manual'],
  approvalTimeoutSeconds: ['--approval-timeout', 'must be whole seconds, 30 days at most, such as 30m or 8h'],
  approverMustDiffer: ['--approver-must-differ', 'must be given or not'],
  by: ['--by', 'must be one line of 1 to 200 characters'],
  reason: ['--reason', 'must be one line of 1 to 500 characters'],
  planHash: ['--plan', 'must be a plan that p2pfk plan --out has saved'],
  planDocumentHash: ['--plan', 'must be a plan that p2pfk plan --out has saved'],
  planRestHash: ['--plan', 'must be a plan that p2pfk plan --out has saved'],
  rehearse: ['--rehearse', 'must be given or not'],
  terminateIdleBlockersAfterSeconds: [
    '--terminate-idle-blockers',
    'must be whole seconds from 1 on, such as 30s or 5m',
  ],
  maintenanceWorkMemMb: ['--maintenance-work-mem', 'must be from 1MB to 64GB, such as 512MB'],
  maxReplicaLagSeconds: ['--max-replica-lag', 'must be longer than nothing, such as 2s'],
  maxActiveSessions: ['--max-active-sessions', 'must be a whole number from 1 on'],
  holdBackQuery: ['--hold-back-query', 'must be a query'],
  rowMovementGuard: ['--no-row-movement-guard', 'must be given or not'],
  pairConstraintNames: ['--pair-constraint-names', 'must be auto, documented or parent'],
  noIndexes: ['--no-indexes', 'must be given or not'],
  accept: ['--accept', 'must be the id of a finding, such as row-movement, or all'],
};

/** A rollback neither waits for anything nor drops the parent FK. */
const FORWARD_ONLY = [
  'dryRun',
  'rehearse',
  'deadline',
  'approval',
  'approvalTimeoutSeconds',
  'approverMustDiffer',
  'maxReplicaLagSeconds',
  'maxActiveSessions',
  'holdBackQuery',
  'rowMovementGuard',
  'pairConstraintNames',
  'noIndexes',
  'accept',
];

/** What was given, without what was not. */
export function givenInput(flags: InputFlags, operation: string): GivenInput {
  const entries: [string, GivenValue | undefined][] = [
    ['table', flags.table],
    ['constraint', flags.constraint],
    ['searchPath', flags.searchPath],
    ['ledgerOwner', flags.ledgerOwner],
    ['by', flags.by],
    ['reason', flags.reason],
    ['operation', operation === 'migrate' ? undefined : operation],
    ['dryRun', flags.dryRun],
    ['relink', flags.relink],
    ['maxConcurrency', flags.maxConcurrency],
    ['lockTimeoutMs', flags.lockTimeoutMs],
    ['deadline', flags.deadline],
    ['approval', flags.approval],
    ['approvalTimeoutSeconds', flags.approvalTimeout],
    ['approverMustDiffer', flags.approverMustDiffer],
    ['rehearse', flags.rehearse],
    ['terminateIdleBlockersAfterSeconds', flags.terminateIdleBlockers],
    ['maintenanceWorkMemMb', flags.maintenanceWorkMem],
    ['maxReplicaLagSeconds', flags.maxReplicaLag],
    ['maxActiveSessions', flags.maxActiveSessions],
    ['holdBackQuery', flags.holdBackQuery],
    ['rowMovementGuard', flags.rowMovementGuard === false ? false : undefined],
    ['pairConstraintNames', flags.pairConstraintNames],
    ['accept', flags.accept],
    ['noIndexes', flags.indexes === false ? true : undefined],
    ['keepIndexes', flags.keepIndexes],
    ['allowBlockingRollback', flags.allowBlockingRollback],
  ];
  return Object.fromEntries(entries.filter((entry): entry is [string, GivenValue] => entry[1] !== undefined));
}

/** @throws InvalidInput with one line that names the option, what it must be, and what it was. */
export function executionInputOf(given: GivenInput): ExecutionInput {
  if (given.operation === 'rollback') {
    const senseless = FORWARD_ONLY.find((key) => given[key] !== undefined);
    if (senseless !== undefined) {
      throw new InvalidInput(`${FLAGS[senseless]?.[0] ?? senseless} has no meaning for a rollback; leave it out`);
    }
  }
  const parsed = ExecutionInput.safeParse(given);
  if (parsed.success) return together(parsed.data, given);
  const problems = parsed.error.issues.map((issue) => {
    const key = String(issue.path[0] ?? '');
    const known = FLAGS[key];
    if (known === undefined) return `${key === '' ? 'input' : key}: ${issue.message}`;
    if (issue.message === HOLDS_CREDENTIALS) return `${known[0]} ${issue.message}`;
    return `${known[0]} ${known[1]}, not ${echoed(given[key])}`;
  });
  throw new InvalidInput([...new Set(problems)].join('; '));
}

/** What each of two options says alone, they must not contradict: a drop that nobody waited with cannot be taken back. */
function together(input: ExecutionInput, given: GivenInput): ExecutionInput {
  if (given.approvalTimeoutSeconds !== undefined && input.approval !== 'manual') {
    throw new InvalidInput('--approval-timeout has no meaning without --approval manual');
  }
  if (input.approverMustDiffer && input.approval !== 'manual') {
    throw new InvalidInput('--approver-must-differ has no meaning without --approval manual');
  }
  if (input.dryRun && input.rehearse) {
    throw new InvalidInput('--dry-run changes nothing and --rehearse does all but the drop; choose one');
  }
  if (input.dryRun && input.relink) {
    throw new InvalidInput('--dry-run changes nothing and --relink writes to the ledger; choose one');
  }
  return input;
}
