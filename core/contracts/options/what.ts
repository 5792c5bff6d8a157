/** What an execution works on, and who asked for it. */
import type { InputOption } from './option.ts';

/** Two names of 63 bytes with every character doubled in quotation marks, and room to spare. */
const LONGEST_NAME = 500;

const OF_A_PLAN = { type: 'text', from: '--plan', expected: 'must be a plan that p2pfk plan --out has saved' } as const;

export const WHAT = {
  /** The referencing partitioned table as SQL writes it; `to_regclass` decides. */
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
  /** The parent FK's name as SQL writes it. */
  constraint: {
    type: 'text',
    longest: LONGEST_NAME,
    expected: "must be a foreign key's name as SQL writes it",
    flag: '-c, --constraint <name>',
    help: 'the parent-level foreign key, where the table has several',
    field: { label: 'Foreign key', hint: 'Needed only where the table has several' },
  },
  /**
   * The search_path under which `table` is looked up and the application's own code runs that our DDL fires (CHECK functions,
   * event triggers), as SET search_path takes it.
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
  /** In AWS it has to be the one that the functions were deployed with. */
  ledgerOwner: {
    type: 'text',
    longest: LONGEST_NAME,
    expected: "must be a role's name",
    flag: '--ledger-owner <role>',
    help: 'the role that owns the ledger, if neither the current role nor a superuser; sessions SET ROLE to it if they can',
  },
  /** As stated: it is not verified. The default depends on the command. */
  by: {
    type: 'text',
    longest: 200,
    expected: 'must be one line of 1 to {longest} characters',
    flag: '--by <person>',
    help: 'who does it',
    field: { label: 'Your name', hint: 'Noted in ledger and report as stated, not verified' },
  },
  reason: {
    type: 'text',
    longest: 500,
    expected: 'must be one line of 1 to {longest} characters',
    flag: '--reason <text>',
    help: 'why, for example a ticket: CHG-1234',
    field: { label: 'Reason', hint: 'For example a ticket' },
  },
  /** `rollback` goes straight to the rollback branch and ends in success. */
  operation: {
    type: 'choice',
    choices: ['migrate', 'rollback'],
    flag: '--operation <what>',
    help: 'migrate or rollback',
  },
  /**
   * The migration in the ledger that is to go on, or to be rolled back. If it is no longer open, nothing is done, although a later
   * migration of the same foreign key may be: `migrate` is refused, a rollback has nothing to roll back. Reconciliation and the console set it.
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
  /** A person confirms that the database which is reached is the one that its ledger is to be used for: core/ledger/schema/relink.ts. */
  relink: {
    type: 'switch',
    default: false,
    flag: '--relink',
    help: 'this is the database that its ledger is to be used for: once after a restore, a copy, pg_upgrade, or for a new endpoint',
  },
  /**
   * Of the saved plan that is carried out: hash of the catalog and of the options that it was made for (core/plan/reviewed-plan.ts). Refused
   * where they are others.
   */
  planHash: OF_A_PLAN,
  /**
   * The hash of the whole plan, by which people know it, and when and by whom it was made. The plan step proves by `planRestHash`, the hash of
   * all else in the document, that the document with that hash names this `planHash`, time and maker (core/plan/plan-document.ts);
   * that its maker is the one it names is stated, and not verified.
   */
  planDocumentHash: OF_A_PLAN,
  planRestHash: OF_A_PLAN,
  planMadeAt: { type: 'instant' },
  planMadeBy: { type: 'text' },
} as const satisfies Readonly<Record<string, InputOption>>;
