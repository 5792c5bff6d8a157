/**
 * Writes docs/compatibility.md: which scenario ran on which version, and how it went. Only when the whole matrix ran, so
 * that a run of one version or one scenario leaves the page alone. With P2PFK_MATRIX=verify it is not written but
 * compared, but for minor versions and date, and a difference fails the run: all columns, or those of the versions
 * that `--project` chose.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node';
import { POSTGRES_MAJORS, type PostgresMajor } from '../../scripts/install-postgres.ts';
import { columnsOf } from './compatibility-page.ts';

const COMMAND = 'npm run test:matrix';

type Cell = 'yes' | 'NO' | '';

export default class CompatibilityReporter implements Reporter {
  #page = '';
  #majors: readonly PostgresMajor[] = [];
  #byName = false;

  onInit({ config, projects }: Vitest): void {
    this.#page = join(config.root, 'docs', 'compatibility.md');
    const names = projects.map((project) => project.name);
    this.#majors = POSTGRES_MAJORS.filter((major) => names.includes(`postgres-${major}`));
    this.#byName = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // By version and file, whichever ended first: the page has its rows in the order of the suite.
    const inOrder = [...modules].sort(
      (a, b) => a.project.name.localeCompare(b.project.name) || a.moduleId.localeCompare(b.moduleId),
    );
    const tests = inOrder.flatMap((module) => [...module.children.allTests()]);
    const verify = process.env.P2PFK_MATRIX === 'verify';
    if (this.#byName || !isWhole(modules, tests, this.#majors)) {
      // A check that compares nothing must not pass.
      if (verify) fail('the matrix did not run as a whole: is psql in PATH?');
      return;
    }
    const page = render(tests);
    if (verify) this.#compare(page);
    else if (this.#majors.length === POSTGRES_MAJORS.length) {
      writeFileSync(this.#page, page);
      console.log(`\nwrote ${this.#page}`);
    }
  }

  #compare(page: string): void {
    const [published, shown] = [readFileSync(this.#page, 'utf8'), page].map((text) =>
      columnsOf(withoutMoment(text), this.#majors.map(String)),
    );
    if (published === shown) return;
    const lines = new Set(published?.split('\n'));
    const first = shown?.split('\n').find((line) => !lines.has(line)) ?? 'only that it lacks a line of the page';
    fail(
      `${this.#page} is not what this run has shown, the first difference being: ${first}\nwrite it with ${COMMAND}`,
    );
  }
}

function fail(reason: string): void {
  console.error(`\n${reason}`);
  process.exitCode = 1;
}

/** Every file of each of these versions came to its end, and no test was left out. */
function isWhole(
  modules: readonly TestModule[],
  tests: readonly TestCase[],
  majors: readonly PostgresMajor[],
): boolean {
  const files = globSync('**/*.test.ts', { cwd: import.meta.dirname });
  return (
    modules.length === files.length * majors.length &&
    modules.every((module) => ['passed', 'failed'].includes(module.state())) &&
    tests.every((test) => ['passed', 'failed'].includes(test.result().state))
  );
}

function render(tests: readonly TestCase[]): string {
  const versions = new Map<number, string>();
  const sections = new Map<string, Map<string, Map<number, Cell>>>();
  for (const test of tests) {
    const major = Number(test.project.name.replace('postgres-', ''));
    const { serverVersion } = test.meta();
    if (serverVersion) versions.set(major, serverVersion);
    const [section = '', ...title] = test.fullName.split(' > ');
    const rows = sections.get(section) ?? new Map<string, Map<number, Cell>>();
    const row = rows.get(title.join(' > ')) ?? new Map<number, Cell>();
    sections.set(section, rows.set(title.join(' > '), row.set(major, test.result().state === 'passed' ? 'yes' : 'NO')));
  }
  const passed = tests.filter((test) => test.result().state === 'passed').length;
  const date = new Date().toISOString().slice(0, 10);
  const head = POSTGRES_MAJORS.map((major) => versions.get(major) ?? `${major}, which did not start`);
  return `# Compatibility

Written by \`${COMMAND}\`, which runs every scenario on every version of PostgreSQL. **yes**: it passed. **NO**: it did not. An
empty cell: that version cannot have it. Layouts are planned, migrated by the built state machine, verified, tried with
statements that have to do the same as under the parent foreign key, and rolled back; the catalog and the rows are then
what they were, and at every moment in between each partition was covered by an enforced foreign key. A layout that ends
in *refused* is refused by the plan, with the reason, and nothing is changed.

${date}: ${passed} of ${tests.length} passed, on PostgreSQL ${head.join(', ')}.
${[...sections]
  .sort(([a], [b]) => SECTIONS.indexOf(a) - SECTIONS.indexOf(b))
  .map(([section, rows]) => renderSection(section, rows))
  .join('')}`;
}

/** As the page has them; the files of the suite end in any order. */
const SECTIONS = [
  'server',
  'rollback strategies',
  'checks',
  'after the migration',
  'partitioning',
  'tables and columns',
  'bounds',
  'foreign keys',
  'psql scripts',
  'schemas at the borders',
  'settings',
  'roles',
  'the role for AWS',
  'a function of the application',
  'planted names',
  'queries',
];

function renderSection(section: string, rows: ReadonlyMap<string, ReadonlyMap<number, Cell>>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  const body = [...rows].map(([title, row]) =>
    line([title.replaceAll('|', '\\|'), ...POSTGRES_MAJORS.map((major) => row.get(major) ?? '')]),
  );
  return `
## ${section[0]?.toUpperCase()}${section.slice(1)}

${line(['scenario', ...POSTGRES_MAJORS.map(String)])}${line(['---', ...POSTGRES_MAJORS.map(() => '---')])}${body.join('')}`;
}

/** The page without what another day or a newer minor version changes. */
function withoutMoment(page: string): string {
  return page.replace(/^\d{4}-\d{2}-\d{2}: .*$/m, '');
}
