/** Functions, roles and operations in AWS. Each rule is removed in turn, and its test has to fail. */
import type { Mutant } from '../mutant.ts';

const AWS_ROLE_TESTS = 'test/matrix/aws-role.test.ts';
const IDENTITY_TESTS = 'test/core/ledger/identity.test.ts';
const OPERATIONS_TESTS = 'test/lambdas/operations.test.ts';

export const AWS: readonly Mutant[] = [
  {
    rule: 'reconciliation leaves a rollback that has failed for a reason to a person',
    file: 'infra/operations/start-rollback.ts',
    find: "const ROLLBACK_FAILED = 'RollbackFailed';",
    replace: "const ROLLBACK_FAILED = 'Never';",
    test: 'test/infra/reconciliation.test.ts',
    title:
      'leaves a rollback to a person that has failed for a reason and has not been started again, who is not told twice',
  },
  {
    rule: 'a step runs only in the database that its execution was planned in',
    file: 'lambdas/handler.ts',
    find: 'if (planned) await requirePlannedDatabase(client, planned);',
    replace: '',
    test: IDENTITY_TESTS,
    title: 'belongs to nobody who worked on the original: neither their steps nor their approval count',
  },
  {
    rule: 'no way out is printed where the tables belong to several roles',
    file: 'sql/aws-role.sql',
    find: 'count(DISTINCT one.relowner) = 1 AS is_one_owner',
    replace: 'true AS is_one_owner',
    test: AWS_ROLE_TESTS,
    title: 'gets no way out printed by which the owner of a partition would gain the rights of the table’s owner',
  },
  {
    rule: 'the role of a way out is a new one',
    file: 'sql/aws-role.sql',
    find: 'WHERE NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = f.name)',
    replace: 'WHERE true',
    test: AWS_ROLE_TESTS,
    title: 'gets a way out with a new role, which changes nothing where a role of that name has come since',
  },
  {
    rule: 'a way out is one transaction',
    file: 'sql/aws-role.sql',
    find: "'BEGIN;', 'SET LOCAL statement_timeout",
    replace: "'BEGIN;', 'COMMIT;', 'SET LOCAL statement_timeout",
    test: AWS_ROLE_TESTS,
    title: 'gets a way out with a new role, which changes nothing where a role of that name has come since',
  },
  {
    rule: 'what a synchronous standby has not confirmed is noted in the ledger',
    file: 'lambdas/handler.ts',
    find: 'if (!confirmed && migrationId !== undefined)',
    replace: 'if (confirmed && migrationId !== undefined)',
    test: 'test/core/steps/synchronous-standby.test.ts',
    title: 'is named in the ledger, and so in the report; that it cannot be noted fails no step',
  },
  {
    rule: 'a partition of a table that the daily audit does not read counts as unprotected where it has no valid foreign key',
    file: 'lambdas/operations/audit.ts',
    find: "  'unread-partition-unprotected',\n",
    replace: '',
    test: OPERATIONS_TESTS,
    title:
      'the audit says that it did not read a table with code of another role, and counts by the catalog what that has lost',
  },
  {
    rule: 'an input that is too large to be described keeps no page from being sent',
    file: 'infra/operations/failure-notices.ts',
    find: "  describe.addCatch(unknown, { errors: TOO_LARGE, resultPath: '$.problem' });\n",
    replace: '',
    test: 'test/infra/notices.test.ts',
    title: 'also where its input is too large for an answer',
  },
];
