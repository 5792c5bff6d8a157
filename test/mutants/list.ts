/**
 * The list of safety rules: each is removed in turn, and a test has to fail. `npm run test:mutants` runs it; docs/testing.md
 * says how to add one.
 */
import type { Mutant } from './mutant.ts';
import { AWS } from './rules/aws.ts';
import { CATALOG } from './rules/catalog.ts';
import { COMMAND_LINE } from './rules/command-line.ts';
import { DRIFT } from './rules/drift.ts';
import { LEDGER } from './rules/ledger.ts';
import { LOCAL } from './rules/local.ts';
import { SESSIONS } from './rules/sessions.ts';
import { STEPS } from './rules/steps.ts';

export const MUTANTS: readonly Mutant[] = [
  ...STEPS,
  ...LEDGER,
  ...SESSIONS,
  ...CATALOG,
  ...DRIFT,
  ...COMMAND_LINE,
  ...LOCAL,
  ...AWS,
];
