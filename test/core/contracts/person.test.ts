/** Names of persons, as far as their text can show who is meant. */
import { expect, it } from 'vitest';
import { isSamePerson } from '../../../core/contracts/person.ts';

it('two names are the same person where they look the same', () => {
  for (const name of ['ana', ' Ana ', 'ANA', 'ａna', 'an\u200ba', '\ufeffana', 'ana\u{e0041}', 'a\u00adna\ufe0f'])
    expect(isSamePerson(name, 'ana'), name).toBe(true);
  expect(isSamePerson('ana maria', 'ana  Maria')).toBe(true);
  for (const name of ['anna', 'an a', 'ben']) expect(isSamePerson(name, 'ana'), name).toBe(false);
});
