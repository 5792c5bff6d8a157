/** Lists on the page about security that the code has, too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { decisiveText } from '../../core/contracts/decisive-options.ts';

it('names each option that an approval depends on, and no other', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/security.md'), 'utf8');
  const [, list = ''] = /These have to be equal: ([^;]*);/.exec(page) ?? [];
  const named = [...list.matchAll(/`(\w+)`/g)].map(([, key]) => key);
  const [compared] = JSON.parse(decisiveText({})) as [[key: string, value: string][]];

  expect(named.sort()).toEqual(compared.map(([key]) => key).sort());
});
