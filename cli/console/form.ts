/** The fields of the start form, and how they become an execution's input. The schema is the one that the plan step asks. */

import { InvalidInput } from '../../core/contracts/errors.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { executionInputOf, type GivenInput } from '../input.ts';

/** As a form sends them: every value is text. */
export type FormValues = Readonly<Record<string, string>>;

interface Common {
  /** A key of ExecutionInput. */
  readonly name: keyof ExecutionInput;
  readonly label: string;
  readonly hint: string;
  readonly advanced: boolean;
  readonly required?: boolean;
}

export type Field = Common &
  (
    | { readonly kind: 'text' | 'number' | 'checkbox' }
    | { readonly kind: 'choice'; readonly choices: readonly (readonly [value: string, text: string])[] }
  );

export const FIELDS: readonly Field[] = [
  {
    name: 'table',
    label: 'Table',
    hint: 'The referencing partitioned table, as SQL writes it: public.path',
    kind: 'text',
    advanced: false,
    required: true,
  },
  {
    name: 'constraint',
    label: 'Foreign key',
    hint: 'Needed only where the table has several',
    kind: 'text',
    advanced: false,
  },
  {
    name: 'approval',
    label: 'Before the old foreign key is dropped',
    hint: 'Waiting holds no lock. The drop is rehearsed first, and its result is what you approve.',
    kind: 'choice',
    choices: [
      ['auto', 'go on by itself, if every check passes'],
      ['manual', 'wait until a person approves'],
    ],
    advanced: false,
  },
  {
    name: 'rehearse',
    label: 'Rehearse only',
    hint: 'All but the drop; the drop is done on the live database, rolled back, and it ends paused',
    kind: 'checkbox',
    advanced: false,
  },
  {
    name: 'dryRun',
    label: 'Dry run',
    hint: 'Through plan and preflight only; changes nothing',
    kind: 'checkbox',
    advanced: false,
  },
  {
    name: 'approverMustDiffer',
    label: 'Approved by another person',
    hint: 'Where a person approves: neither the database login nor the name may be one that started it',
    kind: 'checkbox',
    advanced: true,
  },
  {
    name: 'by',
    label: 'Your name',
    hint: 'Noted in ledger and report as stated, not verified',
    kind: 'text',
    advanced: false,
  },
  { name: 'reason', label: 'Reason', hint: 'For example a ticket', kind: 'text', advanced: false },
  {
    name: 'maxConcurrency',
    label: 'Pairs side by side',
    hint: '1 to 40; 4 if left empty',
    kind: 'number',
    advanced: true,
  },
  {
    name: 'lockTimeoutMs',
    label: 'Longest wait for locks, in ms',
    hint: 'In all, for each statement; 500 if left empty',
    kind: 'number',
    advanced: true,
  },
  {
    name: 'approvalTimeoutSeconds',
    label: 'Wait for approval, in s',
    hint: 'Then it pauses; 3600 if left empty',
    kind: 'number',
    advanced: true,
  },
  {
    name: 'searchPath',
    label: 'Search path',
    hint: "Where names without a schema are looked up; the session's if left empty",
    kind: 'text',
    advanced: true,
  },
  {
    name: 'deadline',
    label: 'End of the window',
    hint: 'Nothing is begun that would not end by then: 2027-01-31T04:00:00Z',
    kind: 'text',
    advanced: true,
  },
  {
    name: 'maxReplicaLagSeconds',
    label: 'Replica lag at most, in s',
    hint: 'No pair is begun while a standby is further behind',
    kind: 'number',
    advanced: true,
  },
  {
    name: 'maxActiveSessions',
    label: 'Active sessions at most',
    hint: 'No pair is begun while more are active',
    kind: 'number',
    advanced: true,
  },
  {
    name: 'pairConstraintNames',
    label: 'Names of the new foreign keys',
    hint: "SET CONSTRAINTS by name needs the old foreign key's name",
    kind: 'choice',
    choices: [
      ['auto', 'the old name where it is DEFERRABLE and all partitions are in its schema'],
      ['documented', 'their own names'],
      ['parent', "the old foreign key's name"],
    ],
    advanced: true,
  },
  {
    name: 'noIndexes',
    label: 'Build no indexes',
    hint: 'A DELETE on the referenced side scans partitions that have none, as today',
    kind: 'checkbox',
    advanced: true,
  },
  {
    name: 'keepIndexes',
    label: 'Keep indexes in a rollback',
    hint: 'A rollback leaves the indexes that the migration built',
    kind: 'checkbox',
    advanced: true,
  },
  {
    name: 'allowBlockingRollback',
    label: 'Allow a rollback that blocks writes',
    hint: 'Where no online one is possible',
    kind: 'checkbox',
    advanced: true,
  },
];

/**
 * A checkbox of the plan page accepts the findings with the id behind the dot; its value is what was shown, one exact acceptance for
 * each, so that what comes up afterwards is not accepted along with it.
 */
export const ACCEPT_FIELD = 'accept.';

export type Parsed =
  | { readonly input: GivenInput; readonly problems: null }
  | { readonly input: null; readonly problems: ReadonlyMap<string, string> };

export function readForm(form: Readonly<Record<string, unknown>>): FormValues {
  const accepted = [
    ...(typeof form.accept === 'string' ? form.accept.split(',') : []),
    ...Object.entries(form).flatMap(([name, value]) =>
      name.startsWith(ACCEPT_FIELD) && typeof value === 'string'
        ? value === 'on'
          ? [name.slice(ACCEPT_FIELD.length)]
          : value.split(',')
        : [],
    ),
  ];
  const entries: [string, unknown][] = [
    ...FIELDS.map(({ name }): [string, unknown] => [name, form[name]]),
    ['accept', [...new Set(accepted)].join(',')],
  ];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].trim() !== ''),
  );
}

export function toInput(values: FormValues): Parsed {
  const fields = Object.fromEntries(
    FIELDS.flatMap((field): [string, string | number | boolean][] => {
      const value = values[field.name]?.trim();
      return value === undefined || (field.kind === 'choice' && value === 'auto')
        ? []
        : [[field.name, typed(field, value)]];
    }),
  );
  const given: GivenInput = values.accept === undefined ? fields : { ...fields, accept: values.accept.split(',') };
  const parsed = ExecutionInput.safeParse(given);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue): [string, string] => {
      const key = String(issue.path[0] ?? '');
      // What has no field of its own is said above all of them.
      return FIELDS.some(({ name }) => name === key) ? [key, issue.message] : ['', `${key} ${issue.message}`.trim()];
    });
    return { input: null, problems: new Map(problems) };
  }
  try {
    executionInputOf(given);
    return { input: given, problems: null };
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return { input: null, problems: new Map([['', error.message]]) };
  }
}

/** What is no number stays text, and the schema says what it should be. */
function typed(field: Field, value: string): string | number | boolean {
  if (field.kind === 'checkbox') return value === 'on';
  return field.kind === 'number' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}
