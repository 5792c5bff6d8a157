/** What may stand behind `--bound`, and what is refused before anything reaches the server. */
import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../core/contracts/errors.ts';
import { runOne } from '../../../core/postgres/sql.ts';
import { parseBound } from '../../../core/provision/bound.ts';
import { coreSession, databaseWith } from '../case.helpers.ts';

describe('a bound', () => {
  it.each([
    ['DEFAULT', { strategy: 'default' }],
    [' default ', { strategy: 'default' }],
    ["FOR VALUES IN ('a')", { strategy: 'list', values: [{ literal: 'a' }] }],
    [
      "for  values\nin('it''s',NULL , 'b')",
      { strategy: 'list', values: [{ literal: "it's" }, { keyword: 'NULL' }, { literal: 'b' }] },
    ],
    [
      'FOR VALUES IN (1, -2, 3.5, true)',
      { strategy: 'list', values: ['1', '-2', '3.5', 'true'].map((literal) => ({ literal })) },
    ],
    [
      "FOR VALUES FROM ('2027-01-01') TO (MAXVALUE)",
      { strategy: 'range', from: [{ literal: '2027-01-01' }], to: [{ keyword: 'MAXVALUE' }] },
    ],
    [
      "FOR VALUES FROM ('a', MINVALUE) TO ('b', 7)",
      {
        strategy: 'range',
        from: [{ literal: 'a' }, { keyword: 'MINVALUE' }],
        to: [{ literal: 'b' }, { literal: '7' }],
      },
    ],
    ['FOR VALUES WITH (MODULUS 4, REMAINDER 0)', { strategy: 'hash', modulus: 4, remainder: 0 }],
    ['FOR VALUES WITH (modulus 4, remainder 3)', { strategy: 'hash', modulus: 4, remainder: 3 }],
    ["FOR VALUES IN ('; DROP TABLE y; --')", { strategy: 'list', values: [{ literal: '; DROP TABLE y; --' }] }],
  ])('%s is understood', (text, expected) => {
    expect(parseBound(text)).toEqual(expected);
  });

  it.each([
    '',
    'FOR VALUES',
    "FOR VALUES IN ('x'); DROP TABLE y",
    "FOR VALUES IN ('x');",
    "FOR VALUES IN ('x') PARTITION BY LIST (a)",
    "FOR VALUES IN ('x') -- more",
    "FOR VALUES IN ('x' /* c */)",
    "FOR VALUES IN ('x'))",
    "FOR VALUES IN ('x'",
    "FOR VALUES IN ('x)",
    'FOR VALUES IN ()',
    "FOR VALUES IN ('x',)",
    "FOR VALUES IN ('x' 'y')",
    "FOR VALUES IN ('x' || 'y')",
    'FOR VALUES IN ("x")',
    'FOR VALUES IN (x)',
    'FOR VALUES IN (current_user)',
    'FOR VALUES IN (now())',
    'FOR VALUES IN ((SELECT 1))',
    "FOR VALUES IN (E'x')",
    "FOR VALUES IN (U&'x')",
    'FOR VALUES IN ($$x$$)',
    "FOR VALUES IN ('x'::text)",
    'FOR VALUES IN (MINVALUE)',
    'FOR VALUES IN (1 + 1)',
    'FOR VALUES IN (0x1F)',
    "FOR VALUES IN ('a\0b')",
    'FOR VALUES FROM (1)',
    'FOR VALUES FROM (1) TO 2',
    'FOR VALUES FROM (NULL) TO (2)',
    'FOR VALUES WITH (MODULUS 4)',
    'FOR VALUES WITH (MODULUS -4, REMAINDER 0)',
    'FOR VALUES WITH (MODULUS 4.5, REMAINDER 0)',
    'FOR VALUES WITH (MODULUS 99999999999, REMAINDER 0)',
    'DEFAULT; DROP TABLE y',
    "IN ('x')",
  ])('%j is refused in one line', (text) => {
    expect(() => parseBound(text)).toThrow(InvalidInput);
    expect(() => parseBound(text)).toThrow(/^[^\n]* is not the bound of a partition: [^\n]*$/);
  });

  it('is cut short in the message', () => {
    expect(() => parseBound(`x${'y'.repeat(10_000)}`)).toThrow(/^.{1,400}$/);
  });

  it.each([
    ['plain', "it's"],
    ['a backslash', "a\\'b\\"],
    ['a quote and SQL', "'); DROP TABLE parent; --"],
    ['a line break', 'a\nb'],
    ['Unicode', 'übergröße 🦉'],
  ])('with %s is stored as it was meant, whatever the session takes backslashes for', async (_, value) => {
    const { db, observer } = await databaseWith(
      'CREATE TABLE parent (k text) PARTITION BY LIST (k); CREATE TABLE child (k text);',
    );
    const core = await coreSession(db.url);
    const bound = parseBound(`FOR VALUES IN ('${value.replaceAll("'", "''")}')`);
    const { rows } = await observer.query("SELECT 'parent'::regclass::oid AS oid");
    for (const conforming of ['on', 'off']) {
      await core.query(
        `SET standard_conforming_strings = ${conforming}; SET backslash_quote = on; SET escape_string_warning = off`,
      );
      const { sql } = await runOne(core, 'statements/attach-partition', {
        parent_oid: rows[0].oid,
        schema: 'public',
        name: 'child',
        bound,
      });
      await core.query(sql);
      await observer.query('INSERT INTO parent VALUES ($1)', [value]);
      const { rows: stored } = await observer.query('SELECT k FROM child');
      expect(stored).toEqual([{ k: value }]);
      await observer.query('ALTER TABLE parent DETACH PARTITION child; TRUNCATE child');
    }
  });
});
