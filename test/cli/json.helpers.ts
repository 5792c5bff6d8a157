/** A document against its published schema: to be used wherever a test reads what `--json` prints. */
import { expect } from 'vitest';
import { z } from 'zod';
import { PUBLISHED } from '../../core/contracts/json/published.ts';

/** @returns the document, which has to be one that the schema describes, to the last key */
export function conforming(name: string, text: string): Record<string, unknown> {
  const document: unknown = JSON.parse(text);
  const schema = PUBLISHED.find((one) => one.name === name)?.schema;
  const { error } = schema?.safeParse(document) ?? {};
  expect(schema, name).toBeDefined();
  expect(error === undefined ? '' : z.prettifyError(error), `${name}: ${text.slice(0, 2_000)}`).toBe('');
  return document as Record<string, unknown>;
}
