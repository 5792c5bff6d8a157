/** Names of persons, as far as their text can show who is meant. */
import { expect, it, onTestFinished, vi } from 'vitest';
import { isSamePerson, StatedReason, stated } from '../../../core/contracts/person.ts';

it('two names are the same person where they look the same', () => {
  for (const name of ['ana', ' Ana ', 'ANA', 'ａna', 'an\u200ba', '\ufeffana', 'ana\u{e0041}', 'a\u00adna\ufe0f'])
    expect(isSamePerson(name, 'ana'), name).toBe(true);
  expect(isSamePerson('ana maria', 'ana  Maria')).toBe(true);
  for (const name of ['anna', 'an a', 'ben']) expect(isSamePerson(name, 'ana'), name).toBe(false);
});

it('is refused where it holds a password of this process, and not repeated', () => {
  vi.stubEnv('PGPASSWORD', 'correct horse');
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  for (const text of ['CHG-7, correct horse', 'CHG-7 correct%20horse'])
    expect(() => stated(StatedReason, '--reason', text)).toThrow(
      /^--reason holds a password or key of this process, and would be kept: leave that out$/,
    );
  expect(stated(StatedReason, '--reason', 'CHG-7, a horse')).toBe('CHG-7, a horse');
});
