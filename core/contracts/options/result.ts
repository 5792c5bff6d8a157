/** Options for what an execution creates, keeps and accepts. */
import type { InputOption } from './option.ts';

/** Options, by the key of the input. */
export const RESULT = {
  /** Refuse UPDATEs that would move a referenced row to another partition, where the FK would silently act on them. */
  rowMovementGuard: {
    type: 'switch',
    default: true,
    forwardOnly: true,
    flag: '--no-row-movement-guard',
    help: 'no trigger against UPDATEs that move a referenced row to another partition, where ON DELETE would act on them',
  },
  /**
   * Names of the pair FKs after the drop. `auto`: the parent FK's name where that is DEFERRABLE and all leaves are in
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
   * Ids of accepted findings, or `all`. A finding that needs acceptance and is not accepted refuses the migration. `ID:HASH`
   * accepts the finding only with the same message (core/checks/preflight/acceptance.ts). The acceptance is for findings of the
   * plan step; findings that appear later need their own. The form has a checkbox for each finding of the plan.
   */
  accept: {
    type: 'list',
    forwardOnly: true,
    expected: 'must be the id of a finding, such as row-movement, or all',
    flag: '--accept <id>',
    help: 'accept a finding that needs acceptance, by its id, or all; repeatable (p2pfk plan lists them)',
  },
  /** Build no index: a DELETE or UPDATE on the referenced side continues to scan a referencing partition that has none. */
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
  /** Keep the indexes that the migration built when it is rolled back. */
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
  /** Allow a rollback that blocks writes while it checks every row, where no online strategy is possible. */
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
