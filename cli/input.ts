/** Command-line flags -> execution input, checked by the contract's own schema before anything is touched. */

import { HOLDS_CREDENTIALS } from '../core/contracts/credentials.ts';
import { InvalidInput } from '../core/contracts/errors.ts';
import { ExecutionInput } from '../core/contracts/execution-input.ts';
import { INPUT_OPTIONS, type InputKey, inputOptions } from '../core/contracts/options/all.ts';
import { expectedOf, type InputOption } from '../core/contracts/options/option.ts';
import { echoed } from '../core/contracts/redact.ts';
import { attributeOf, type InputFlags, longOf } from './input-options.ts';

/** The input as it is sent: only what was given, so that defaults stay in one place, the state machine's. */
type GivenValue = string | number | boolean | readonly string[];
export type GivenInput = Readonly<Record<string, GivenValue>>;

function isKey(key: string): key is InputKey {
  return Object.hasOwn(INPUT_OPTIONS, key);
}

/** The flag that gives a key its value, such as `--max-concurrency`; undefined where p2pfk alone sets it. */
function flagOf(option: InputOption): string | undefined {
  if (option.flag !== undefined) return longOf(option.flag);
  return 'from' in option ? option.from : undefined;
}

/** What was given, without what was not. */
export function givenInput(flags: InputFlags, operation: string): GivenInput {
  const typed: Readonly<Record<string, GivenValue | undefined>> = { ...flags };
  const givenOf = (key: InputKey, option: InputOption): GivenValue | undefined => {
    if (key === 'operation') return operation === 'migrate' ? undefined : operation;
    if (option.flag === undefined) return undefined;
    const value = typed[attributeOf(option.flag)];
    // Commander gives true where `--no-...` was not given.
    if (option.type === 'switch' && option.flag.startsWith('--no-'))
      return value === false ? !option.default : undefined;
    return value;
  };
  return Object.fromEntries(
    inputOptions.flatMap(([key, option]): [string, GivenValue][] => {
      const value = givenOf(key, option);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** @throws InvalidInput with one line that names the option, what it must be, and what it was. */
export function executionInputOf(given: GivenInput): ExecutionInput {
  if (given.operation === 'rollback') {
    const senseless = inputOptions.find(([key, option]) => option.forwardOnly === true && given[key] !== undefined);
    if (senseless !== undefined) {
      const [key, option] = senseless;
      throw new InvalidInput(`${flagOf(option) ?? key} has no meaning for a rollback; leave it out`);
    }
  }
  const parsed = ExecutionInput.safeParse(given);
  if (parsed.success) return together(parsed.data, given);
  const problems = parsed.error.issues.map((issue) => {
    const key = String(issue.path[0] ?? '');
    const option = isKey(key) ? INPUT_OPTIONS[key] : undefined;
    const flag = option && flagOf(option);
    if (option === undefined || flag === undefined) return `${key === '' ? 'input' : key}: ${issue.message}`;
    if (issue.message === HOLDS_CREDENTIALS) return `${flag} ${issue.message}`;
    return `${flag} ${expectedOf(option)}, not ${echoed(given[key])}`;
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
