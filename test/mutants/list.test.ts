/** Each rule is where the list says, so that the nightly run does not find it lost. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { MUTANTS } from './list.ts';

const read = (path: string) => {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

describe('the list of safety rules', () => {
  it('has the text of each rule as it stands in its file, once', () => {
    const lost = MUTANTS.filter(({ file, find }) => read(file).split(find).length !== 2);
    expect(lost.map(({ file, rule }) => `${file}: ${rule}`)).toEqual([]);
  });

  it('changes each rule', () => {
    expect(MUTANTS.filter(({ find, replace }) => find === replace)).toEqual([]);
  });

  it('names a test file for each rule', () => {
    expect(MUTANTS.filter(({ test }) => read(test) === '').map(({ test }) => test)).toEqual([]);
  });
});
