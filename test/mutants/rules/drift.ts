/** Drift of migrated tables, and its repair. Each rule is removed in turn, and its test has to fail. */
import type { Mutant } from '../mutant.ts';

const LOST_LEDGER_TESTS = 'test/core/drift/lost-ledger.test.ts';
const UNTRUSTED_TESTS = 'test/core/checks/untrusted-code.test.ts';
const SWAPPED_CONSTRAINTS_TESTS = 'test/core/steps/swapped-constraints.test.ts';
const OPERATIONS_TESTS = 'test/lambdas/operations.test.ts';

export const DRIFT: readonly Mutant[] = [
  {
    rule: 'audit --fix --run validates the foreign key that was meant',
    file: 'core/drift/repair.ts',
    find: '    await requireConstraints(client, [constraint]);\n',
    replace: '',
    test: SWAPPED_CONSTRAINTS_TESTS,
    title: 'has no code run by the repairs of an audit',
  },
  {
    rule: 'audit --fix --run drops the foreign key that was meant',
    file: 'core/drift/repair.ts',
    find: '        await requireConstraints(client, step.constraints ?? []);\n',
    replace: '',
    test: SWAPPED_CONSTRAINTS_TESTS,
    title: 'does not have another foreign key dropped by the repairs of an audit',
  },
  {
    rule: 'the script of audit --fix asks for code of others at its head',
    file: 'core/drift/repair-script.ts',
    find: '...(read.length > 0\n',
    replace: '...(read.length > 99\n',
    test: 'test/core/drift/repair-script.test.ts',
    title: 'runs no code that the owner of the tables has added since the audit',
  },
  {
    rule: 'audit --fix --run asks for code of others under the lock of VALIDATE',
    file: 'core/drift/repair.ts',
    find: '    if (code.may) await refuseUntrustedCode(client, reads);\n',
    replace: '',
    test: 'test/core/drift/repair-script.test.ts',
    title: 'asks again under the lock of each VALIDATE; so does --fix --run',
  },
  {
    rule: 'the script of audit --fix asks for code of the tables that a partner references',
    file: 'core/drift/repair-script.ts',
    find: '              ...refuseCodeOfThirdTables([',
    replace: '              ...[].concat([',
    test: 'test/core/drift/repair-script.test.ts',
    title: 'asks for each table that a partner references as well, also by a foreign key that has come since',
  },
  {
    rule: 'the script of audit --fix asks whether the ledger can be trusted',
    file: 'core/drift/repair-script.ts',
    find: 'const ledger = steps.some(usesLedger);',
    replace: 'const ledger = steps.length > 99;',
    test: 'test/core/drift/repair-script.test.ts',
    title: 'uses no ledger that another role owns or has changed, unless its owner is named',
  },
  {
    rule: 'lost ledger: no repair adds a pair FK before its guard has an entry of the ledger',
    file: 'core/drift/lost-ledger.ts',
    find: '    item.makes?.constraint || GUARD_FINDINGS.includes(item.finding.id)',
    replace: '    GUARD_FINDINGS.includes(item.finding.id)',
    test: 'test/core/drift/audit.test.ts',
    title: 'without a ledger goes by the catalog, and adds no pair FK before its guard has an entry',
  },
  {
    rule: 'lost ledger: nothing is adopted without acceptance',
    file: 'core/drift/repair.ts',
    find: "    needsAcceptance !== true || options.accept?.some((id) => id === 'all' || id === finding.id) === true;",
    replace: '    needsAcceptance !== true || finding.id !== options.table;',
    test: LOST_LEDGER_TESTS,
    title: 'the schema dropped with CASCADE is seen by each command, and repaired with acceptance alone',
  },
  {
    rule: 'lost ledger: pair FKs that differ say nothing of the parent FK',
    file: 'core/drift/adopt.ts',
    find: '  if (shapes.length <= 1) {',
    replace: '  if (shapes.length > 0) {',
    test: LOST_LEDGER_TESTS,
    title: 'pair foreign keys that do not agree are not adopted',
  },
  {
    rule: 'a foreign key of a partition to the whole referenced table goes only where the pair FK holds',
    file: 'core/drift/table-drift.ts',
    find: 'steps: replaced ? [await steps.dropForeignKey(leaf)] : []',
    replace: 'steps: [await steps.dropForeignKey(leaf)]',
    test: LOST_LEDGER_TESTS,
    title: 'such a foreign key stays where the pair foreign key cannot be added',
  },
  {
    rule: 'a printed script takes back the default privileges of the role that runs it',
    file: 'core/drift/repair-script.ts',
    find: 'step.printed ?? step.sql',
    replace: 'step.sql',
    test: 'test/core/drift/repair-script.test.ts',
    title:
      'gives a new partition its owner and no rights of others for the role that runs it, not for the one that wrote it',
  },
  {
    rule: 'owners of partitions do not decide alone what the parent foreign key is',
    file: 'core/drift/adopt.ts',
    find: 'if (known || !shape || shape.vouched) return;',
    replace: 'return;',
    test: LOST_LEDGER_TESTS,
    title: 'pair foreign keys are not adopted where only other owners than the table’s vouch for them',
  },
  {
    rule: 'an audit of all tables does not read those of strangers',
    file: 'core/drift/subjects.ts',
    find: '    if (stranger !== null && !chosen.has(table_oid)) {',
    replace: '    if (stranger !== null && chosen.has(-1)) {',
    test: UNTRUSTED_TESTS,
    title: 'is not even looked for where a stranger owns a partition of a table that no person has named',
  },
  {
    rule: 'a foreign key that does not fire guards no partition of a table that is not read',
    file: 'sql/audit/unprotected-partitions.sql',
    find: "bool_and(g.tgenabled = 'A'",
    replace: "bool_and(true OR g.tgenabled = 'A'",
    test: OPERATIONS_TESTS,
    title:
      'the audit says that it did not read a table with code of another role, and counts by the catalog what that has lost',
  },
  {
    rule: 'a table that the daily audit does not read is counted as such',
    file: 'core/drift/unread.ts',
    find: "  'table-not-read',\n",
    replace: '',
    test: OPERATIONS_TESTS,
    title:
      'the audit says that it did not read a table with code of another role, and counts by the catalog what that has lost',
  },
  {
    rule: 'a scan finds a pair foreign key that was never validated',
    file: 'core/drift/pair-drift.ts',
    find: "return validated ? undefined : 'pair-foreign-key-not-valid';",
    replace: "return validated || enforced ? undefined : 'pair-foreign-key-not-valid';",
    test: 'test/core/scan/scan.test.ts',
    title: 'is converted, unprotected or half done by hand, as its pair foreign keys are',
  },
];
