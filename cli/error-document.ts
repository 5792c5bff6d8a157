/** The JSON document of a command that failed: with --json, every error is one. */
import { CommanderError } from 'commander';
import type { MigrationReport } from '../core/contracts/documents.ts';
import { InvalidInput, messageOf, P2pfkError } from '../core/contracts/errors.ts';
import { withheld } from '../core/contracts/redact.ts';
import { type ExitCode, exitCodeOfError } from './exit-codes.ts';
import { createOutput, documentsPrinted } from './output.ts';

export interface Failed {
  readonly error: unknown;
  /** The first line for a person. */
  readonly message: string;
  readonly command: string | undefined;
  readonly argv: readonly string[];
}

/** Prints it, where one is asked for and none was printed since `before`. */
export function printErrorDocument(failed: Failed, before: number): void {
  // The options may be what is wrong, so that they were not read to their end.
  const asked = (option: string): boolean => failed.argv.includes(option);
  const jsonLines = asked('--json-lines');
  if ((!jsonLines && !asked('--json')) || documentsPrinted() > before) return;
  createOutput({ json: true, jsonLines }).document(errorDocument(failed));
}

/** Of `migrate` and `rollback` the document that they end with in any case, of all other commands `{ error }`. */
function errorDocument({ error, message, command }: Failed): MigrationReport | ErrorDocument {
  const exitCode = exitCodeOfError(error);
  const named = {
    name: nameOf(error),
    message: withheld(error instanceof P2pfkError ? messageOf(error) : message),
  };
  if (command === 'migrate' || command === 'rollback') return refused(named);
  const choices = error instanceof InvalidInput && error.choices.length > 0 ? { choices: error.choices } : {};
  return { error: { ...named, exitCode, ...choices } };
}

function nameOf(error: unknown): string {
  if (error instanceof P2pfkError) return error.name;
  return error instanceof CommanderError || !(error instanceof Error) ? 'InvalidInput' : error.name;
}

interface ErrorDocument {
  readonly error: {
    readonly name: string;
    readonly message: string;
    readonly exitCode: ExitCode;
    readonly choices?: InvalidInput['choices'];
  };
}

function refused(error: MigrationReport['error']): MigrationReport {
  return {
    status: 'REFUSED',
    migrationId: null,
    executionArn: null,
    pairs: [],
    durationMs: 0,
    blocked: null,
    verification: null,
    error,
  };
}
