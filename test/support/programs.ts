/** Programs of other packages that some tests need. A machine with nothing but Node runs the suite without these tests, and says so. */
import { spawnSync } from 'node:child_process';

interface NeededProgram {
  /** The first that starts is used. */
  readonly names: readonly string[];
  /** Of Debian. */
  readonly package: string;
  /** Tests that are left out without it. */
  readonly tests: string;
}

const NEEDED = {
  psql: { names: ['psql'], package: 'postgresql-client', tests: 'the psql scripts' },
  pgbouncer: { names: ['pgbouncer', '/usr/sbin/pgbouncer'], package: 'pgbouncer', tests: 'poolers' },
  jq: { names: ['jq'], package: 'jq', tests: 'pipelines in the documentation' },
} as const satisfies Record<string, NeededProgram>;

/** How it is started, or undefined where it is not installed. */
export function programPath(program: keyof typeof NEEDED): string | undefined {
  return NEEDED[program].names.find((name) => spawnSync(name, ['--version']).error === undefined);
}

/** One line, or undefined where all are installed. */
export function missingPrograms(): string | undefined {
  const missing = Object.entries(NEEDED).filter(([name]) => programPath(name as keyof typeof NEEDED) === undefined);
  if (missing.length === 0) return undefined;
  const tests = missing.map(([, needed]) => needed.tests).join(' and of ');
  const packages = missing.map(([, needed]) => needed.package).join(' ');
  return `! The tests of ${tests} are left out: ${missing.map(([name]) => name).join(' and ')} not found (Debian: apt-get install ${packages})`;
}
