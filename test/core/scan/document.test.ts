/** docs/scan.schema.json is made of the schemas that the command's document is checked with. */
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ScanDocument } from '../../../core/contracts/scan-document.ts';

it('is published as a JSON Schema; write it anew with --update', async () => {
  const schema = { title: 'p2pfk scan --json', ...z.toJSONSchema(ScanDocument) };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot('../../../docs/scan.schema.json');
});
