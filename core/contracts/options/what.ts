/** Options for the table, the operation, the plan and the person of an execution. */
import type { InputOption } from './option.ts';

/** Room for two names of 63 bytes, quoted, with every character doubled. */
const LONGEST_NAME = 500;

const OF_A_PLAN = { type: 'text', from: '--plan', expected: 'must be a plan that p2pfk plan --out has saved' } as const;

/** Options, by the key of the input. */
export const WHAT = {
  /** The referencing partitioned table, written as in SQL; `to_regclass` looks it up. */
  table: {
    type: 'text',
    longest: LONGEST_NAME,
    expected: "must be a table's name as SQL writes it, such as public.path",
    flag: '-t, --table <table>',
    help: 'the referencing partitioned table, as SQL writes it: public.path (required)',
    field: {
      label: 'Table',
      hint: 'The referencing partitioned table, as SQL writes it: public.path',
      required: true,
    },
  },
  /** The parent FK's name, written as in SQL; needed only where the table has several. */
  constraint: {
    type: 'text',
    longest: LONGEST_NAME,
    expected: "must be a foreign key's name as SQL writes it",
    flag: '-c, --constraint <name>',
    help: 'the parent-level foreign key, where the table has several',
    field: { label: 'Foreign key', hint: 'Needed only where the table has several' },
  },
  /**
   * The search_path, as SET search_path accepts it, under which `table` is looked up, and under which the application's own code
   * runs that our DDL calls (CHECK functions, event triggers). Default: the session's own.
   */
  searchPath: {
    type: 'text',
    longest: 4_000,
    expected: 'must be schemas as SET search_path takes them, such as app,public',
    flag: '--search-path <schemas>',
    help: "where names without a schema are looked up, the application's own code included (default: the session's)",
    field: {
      label: 'Search path',
      hint: "Where names without a schema are looked up; the session's if left empty",
      advanced: true,
    },
  },
  /**
   * The role that owns the ledger and the tables, where that is neither the current role nor a superuser; sessions run SET ROLE
   * to it. In AWS it has to be the role that the functions were deployed with.
   */
  ledgerOwner: {
    type: 'text',
    longest: LONGEST_NAME,
    expected: "must be a role's name",
    flag: '--ledger-owner <role>',
    help: 'the role that owns the ledger, if neither the current role nor a superuser; sessions SET ROLE to it if they can',
  },
  /** Person who starts it, as stated; not verified. The default depends on the command. */
  by: {
    type: 'text',
    longest: 200,
    expected: 'must be one line of 1 to {longest} characters',
    flag: '--by <person>',
    help: 'who does it',
    field: { label: 'Your name', hint: 'Noted in ledger and report as stated, not verified' },
  },
  /** Reason, for example a ticket. */
  reason: {
    type: 'text',
    longest: 500,
    expected: 'must be one line of 1 to {longest} characters',
    flag: '--reason <text>',
    help: 'why, for example a ticket: CHG-1234',
    field: { label: 'Reason', hint: 'For example a ticket' },
  },
  /** `rollback` starts with the rollback branch; the execution succeeds if the rollback does. */
  operation: {
    type: 'choice',
    choices: ['migrate', 'rollback'],
    flag: '--operation <what>',
    help: 'migrate or rollback',
  },
  /**
   * Id of the migration in the ledger to continue or to roll back. If it is no longer open, nothing is done, even if a later migration
   * of the same foreign key is open: `migrate` is refused, and a rollback has nothing to do. Reconciliation and the console set it.
   */
  migrationId: { type: 'text' },
  dryRun: {
    type: 'switch',
    default: false,
    forwardOnly: true,
    flag: '--dry-run',
    help: 'plan and preflight only, through the state machine; change nothing',
    field: { label: 'Dry run', hint: 'Through plan and preflight only; changes nothing' },
  },
  /**
   * Confirms that the database that this execution reaches is the one to use its ledger for. Needed once after a restore, a copy
   * or an upgrade, and once for an endpoint that the ledger does not have. See core/ledger/schema/relink.ts.
   */
  relink: {
    type: 'switch',
    default: false,
    flag: '--relink',
    help: 'this is the database that its ledger is to be used for: once after a restore, a copy, pg_upgrade, or for a new endpoint',
  },
  /**
   * Hash of the catalog and the options that the saved plan was made for (core/plan/reviewed-plan.ts). The execution is refused
   * where they have changed.
   */
  planHash: OF_A_PLAN,
  /**
   * Hash of the whole plan, by which people identify it, and when and by whom it was made. With `planRestHash`, the hash of
   * everything else in the document, the plan step proves that the document with that hash contains this `planHash`, time and
   * maker (core/plan/plan-document.ts). That its maker is the person it names is stated, and not verified.
   */
  planDocumentHash: OF_A_PLAN,
  planRestHash: OF_A_PLAN,
  planMadeAt: { type: 'instant' },
  planMadeBy: { type: 'text' },
} as const satisfies Readonly<Record<string, InputOption>>;
