/** What an execution makes and leaves behind. */
import type { InputOption } from './option.ts';

export const RESULT = {
  rowMovementGuard: {
    type: 'switch',
    default: true,
    forwardOnly: true,
    flag: '--no-row-movement-guard',
    help: 'no trigger against UPDATEs that move a referenced row to another partition, where ON DELETE would act on them',
  },
  /**
   * Names of the pair FKs once the parent FK is dropped. `auto`: the parent FK's name where it is DEFERRABLE and all leaves are in
   * the table's schema, so that SET CONSTRAINTS by name still works; else the documented names.
   */
  pairConstraintNames: {
    type: 'choice',
    choices: ['auto', 'documented', 'parent'],
    meanings: [
      'the old name where it is DEFERRABLE and all partitions are in its schema',
      'their own names',
      "the old foreign key's name",
    ],
    forwardOnly: true,
    flag: '--pair-constraint-names <kind>',
    help: "names of the new foreign keys after the drop: documented, parent, or auto: the parent's where that is DEFERRABLE and all partitions are in its schema (default: auto)",
    field: {
      label: 'Names of the new foreign keys',
      hint: "SET CONSTRAINTS by name needs the old foreign key's name",
      advanced: true,
    },
  },
  /**
   * Ids of findings that need acceptance and are accepted, or `all`; without it such a finding refuses the migration. `ID:HASH`
   * accepts it only while it says what it said (core/checks/preflight/acceptance.ts). It holds for what the plan step finds; what comes up
   * later needs acceptance of its own. The form has a checkbox for each finding of the plan.
   */
  accept: {
    type: 'list',
    forwardOnly: true,
    expected: 'must be the id of a finding, such as row-movement, or all',
    flag: '--accept <id>',
    help: 'accept a finding that needs acceptance, by its id, or all; repeatable (p2pfk plan lists them)',
  },
  noIndexes: {
    type: 'switch',
    default: false,
    forwardOnly: true,
    flag: '--no-indexes',
    help: 'build no index: a DELETE on the referenced side scans partitions that have none, as it does today',
    field: {
      label: 'Build no indexes',
      hint: 'A DELETE on the referenced side scans partitions that have none, as today',
      advanced: true,
    },
  },
  keepIndexes: {
    type: 'switch',
    default: false,
    flag: '--keep-indexes',
    help: 'a rollback leaves the indexes that the migration built',
    field: {
      label: 'Keep indexes in a rollback',
      hint: 'A rollback leaves the indexes that the migration built',
      advanced: true,
    },
  },
  allowBlockingRollback: {
    type: 'switch',
    default: false,
    flag: '--allow-blocking-rollback',
    help: 'allow a rollback that blocks writes, where no online one is possible',
    field: {
      label: 'Allow a rollback that blocks writes',
      hint: 'Where no online one is possible',
      advanced: true,
    },
  },
} as const satisfies Readonly<Record<string, InputOption>>;
