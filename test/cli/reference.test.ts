/** The reference of the commands, a page each, and the JSON schema of an execution input, which are made of what the code declares. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { ExecutionInput } from '../../core/contracts/execution-input.ts';
import { PUBLISHED } from '../../core/contracts/json/published.ts';
import { commands, helpOf } from './help.helpers.ts';

const docs = (name: string) => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
const COLUMNS = 100;

const INTRODUCTION = `# Commands

A page for each command: what \`p2pfk COMMAND --help\` prints, and the schemas of its JSON. They are made of the declarations in \`cli/commands/\`
(\`npx vitest run test/cli/reference.test.ts --update\`). The options that belong to an execution, with their keys in its input, are in
[options.md](options.md); exit codes and what to do are in [operations.md](operations.md#by-exit-code).
`;

/** Links to the schemas of the JSON documents that a command prints. */
function schemasOf(command: string): string {
  const links = PUBLISHED.filter(({ commands: of }) => of.includes(command)).map(
    ({ name, option }) => `\`${option}\`: [${name}](../${name === 'scan' ? '' : 'schemas/'}${name}.schema.json)`,
  );
  return links.length === 0 ? '' : `\n\nJSON schemas: ${links.join(', ')}; [all of them](../json.md).`;
}

it('every command is in docs/commands.md', async () => {
  const list = commands.map(({ name, description }) => `- [${name}](commands/${name}.md): ${description}`);
  await expect(`${INTRODUCTION}\n${list.join('\n')}\n`).toMatchFileSnapshot(docs('commands.md'));
});

it.each(commands.map(({ name }) => name))('%s has a page', async (name) => {
  const page = `# p2pfk ${name}\n\n\`\`\`text\n${helpOf(name, COLUMNS).trim()}\n\`\`\`${schemasOf(name)}\n\n[All commands](../commands.md)\n`;
  await expect(page).toMatchFileSnapshot(docs(`commands/${name}.md`));
});

it('no command has a page that is gone', () => {
  expect(readdirSync(docs('commands')).sort()).toEqual(commands.map(({ name }) => `${name}.md`).sort());
});

it('the input of an execution is in docs/execution-input.schema.json', async () => {
  const schema = {
    title: 'Input of an execution of the p2pfk state machine',
    ...z.toJSONSchema(ExecutionInput, { io: 'input', unrepresentable: 'any' }),
  };
  await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(docs('execution-input.schema.json'));
});
