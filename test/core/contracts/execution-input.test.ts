/** The input of an execution: StartExecution takes 262,144 bytes of it, and each answer that brings it along has to stay below that. */
import { expect, it } from 'vitest';
import * as z from 'zod';
import { ExecutionInput } from '../../../core/contracts/execution-input.ts';
import { StatedPerson } from '../../../core/contracts/person.ts';
import { databaseWith } from '../case.helpers.ts';
import { Execution } from '../execution.helpers.ts';

interface Property {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly items?: Property;
}

/** JSON may write a character in six bytes. Infinite where the schema sets no end. */
function longest({ type, enum: values, maxLength, maxItems, pattern = '', items }: Property): number {
  if (values) return Math.max(...values.map(({ length }) => length));
  if (type === 'array') return (maxItems ?? Number.POSITIVE_INFINITY) * longest(items ?? {});
  if (type !== 'string') return 30;
  const [, end] = /^\^[^*+]*\{(?:\d+,)?(\d+)\}\$$/.exec(pattern) ?? [];
  return maxLength === undefined ? Number(end ?? Number.POSITIVE_INFINITY) + pattern.length : 6 * maxLength;
}

it('has an end in every text and list, and all of them together stay below half of what Step Functions takes', () => {
  const { properties = {} } = z.toJSONSchema(ExecutionInput, { io: 'input' });
  const sizes = Object.entries(properties).map(([key, property]) => ({
    key,
    size: key.length + longest(property as Property),
  }));

  expect(sizes.filter(({ size }) => !Number.isFinite(size))).toEqual([]);
  expect(sizes.length).toBeGreaterThan(25);
  expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(262_144 / 2);
});

it('takes a name of the greatest length, and no text that only fills the history', () => {
  const quoted = `"${'""'.repeat(63)}"`;
  expect(ExecutionInput.safeParse({ table: `${quoted}.${quoted}`, constraint: quoted }).success).toBe(true);
  for (const input of [
    { table: `public.path${' '.repeat(500)}` },
    { table: 'path', accept: Array(101).fill('all') },
    { table: 'path', by: `ana${' '.repeat(100_000)}` },
    { table: 'path', deadline: `2027-01-31T05:00:00.${'0'.repeat(100)}Z` },
  ])
    expect(ExecutionInput.safeParse(input).success, JSON.stringify(input).slice(0, 80)).toBe(false);
  expect(StatedPerson.parse(`  ${'𝒜'.repeat(200)}  `)).toHaveLength(400);
});

it('is refused in a message of bounded length, however much is wrong with it', async () => {
  await databaseWith();
  for (const [input, message] of [
    [
      { accept: Array<string>(20_000).fill('all'), ['x'.repeat(200_000)]: 1 },
      /expected array to have <=100 items; .*xxx\.\.\.$/,
    ],
    [{ 'postgres://app:hunter2@db/x': 1 }, /^(?!.*hunter2).*: unknown key: one that holds a connection string$/],
    [{ accept: Array(100).fill('no finding') }, /accept\.9: must be the id of a finding, or all; and 90 more$/],
  ] as const) {
    const refused = await new Execution().plan(input).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: 'InvalidInput', message: expect.stringMatching(message) });
    expect((refused as Error).message.length).toBeLessThan(5_000);
  }
});
