/** docs/troubleshooting.md has every error that a person can meet, and quotes only messages that the code has. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as errors from '../../core/contracts/errors.ts';
import { EmbeddedPostgresUnavailable } from '../../local/embedded/binaries.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
const HEADINGS = [...PAGE.matchAll(/^### (\w+)$/gm)].map(([, name = '']) => name);
/** What stands in the first column of the tables. */
const QUOTED = [...PAGE.matchAll(/^\| `([^`]+)` \|/gm)].map(([, message = '']) => message);

const NAMES = [...Object.values(errors), EmbeddedPostgresUnavailable]
  .filter((each) => typeof each === 'function' && each.prototype instanceof errors.P2pfkError)
  .map((each) => each.name);

/** All texts of the product; a message that is written in several parts is one here. */
const CODE = globSync(['{cli,core,lambdas,local}/**/*.ts', 'sql/**/*.sql'], { cwd: ROOT })
  .map((file) => readFileSync(join(ROOT, file), 'utf8'))
  .join('\n');

it('has a section for each named error, and no other', () => {
  expect(NAMES.length).toBeGreaterThan(30);
  expect(HEADINGS.toSorted()).toEqual(NAMES.toSorted());
});

it('quotes only messages that the code has', () => {
  const parts = QUOTED.flatMap((message) => message.split('...').map((part) => part.trim()));
  expect(QUOTED.length).toBeGreaterThan(30);
  expect(parts.filter((part) => part !== '' && !CODE.includes(part))).toEqual([]);
  expect(CODE.includes('a message that no code has'.toUpperCase())).toBe(false);
});

it('says what each message means, and what to do', () => {
  const rows = PAGE.split('\n').filter((line) => /^\| `/.test(line));
  const thin = rows.filter((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .some((cell) => cell.trim().length < 8),
  );
  expect(thin).toEqual([]);
});
