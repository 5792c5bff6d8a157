/** The CloudFormation template as it is deployed, but for the hashes of the code in it. */
import { expect, it } from 'vitest';
import { synthesize } from '../infra/stack.helpers.ts';

it('the template of the stack, with the settings of cdk.json', async () => {
  const text = JSON.stringify(synthesize().toJSON(), null, 2)
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<asset>')
    // Logical ids of versions and singletons end in a hash of what they hold.
    .replaceAll(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, '$1<hash>');

  await expect(`${text}\n`).toMatchFileSnapshot('recorded/template.json');
});
