/** The fields of the start form, and how they become an execution's input. The schema is the one that the plan step asks. */

import { InvalidInput } from '../../core/contracts/errors.ts';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { INPUT_OPTIONS, type InputKey } from '../../core/contracts/options/all.ts';
import { type Field as DeclaredField, filled, type InputOption } from '../../core/contracts/options/option.ts';
import { executionInputOf, type GivenInput } from '../input.ts';

/** As a form sends them: every value is text. */
export type FormValues = Readonly<Record<string, string>>;

/** A field of the form: that of an option. */
export interface Field {
  /** A key of ExecutionInput. */
  readonly name: InputKey;
  readonly kind: 'text' | 'number' | 'checkbox' | 'choice';
  /** Of a choice, in order, with what each means. */
  readonly choices: readonly (readonly [value: string, text: string])[];
  readonly label: string;
  readonly hint: string;
  readonly advanced: boolean;
  readonly required: boolean;
}

/** Options with a field, in the order of the page. */
const ON_THE_PAGE = [
  'table',
  'constraint',
  'approval',
  'rehearse',
  'dryRun',
  'approverMustDiffer',
  'by',
  'reason',
  'maxConcurrency',
  'lockTimeoutMs',
  'approvalTimeoutSeconds',
  'searchPath',
  'deadline',
  'maxReplicaLagSeconds',
  'maxSnapshotAgeSeconds',
  'maxActiveSessions',
  'proofMaxAgeSeconds',
  'recount',
  'pairConstraintNames',
  'noIndexes',
  'keepIndexes',
  'allowBlockingRollback',
] as const satisfies readonly InputKey[];

export const FIELDS: readonly Field[] = ON_THE_PAGE.map((name) => fieldOf(name, INPUT_OPTIONS[name]));

function fieldOf(name: InputKey, option: InputOption & { readonly field: DeclaredField }): Field {
  const { label, hint, advanced = false, required = false } = option.field;
  return { name, ...kindOf(option), label, hint: filled(hint, option), advanced, required };
}

function kindOf(option: InputOption): Pick<Field, 'kind' | 'choices'> {
  switch (option.type) {
    case 'switch':
      return { kind: 'checkbox', choices: [] };
    case 'whole':
    case 'number':
      return { kind: 'number', choices: [] };
    case 'choice':
      return {
        kind: 'choice',
        choices: option.choices.map((value, index) => [value, option.meanings?.[index] ?? value] as const),
      };
    default:
      return { kind: 'text', choices: [] };
  }
}

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
      return value === undefined || (field.kind === 'choice' && value === field.choices[0]?.[0])
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
