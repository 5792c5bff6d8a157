/** Commands to copy name the table and the execution as a shell reads them. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { commandFor } from '../../cli/executions/describe.ts';

it('a table and a state machine of any name are one word each', () => {
  const table = `public."it's $(echo pwned)"`;
  const stateMachineArn = "arn:aws:states:eu-central-1:123456789012:stateMachine:it's(mine)!";
  const of = (executionArn: string) =>
    ({ executionArn, stateMachineArn, table, operation: 'migrate', status: 'RUNNING', startDate: undefined }) as const;
  const words = (command: string): string[] =>
    execFileSync('sh', ['-c', `printf '%s\\n' ${command}`], { encoding: 'utf8' })
      .trimEnd()
      .split('\n');

  expect(words(commandFor('rollback', of('arn:aws:states:local:000000000000:execution:p2pfk:x'), table)).at(-1)).toBe(
    table,
  );
  const remote = words(commandFor('rollback', of('arn:aws:states:eu-central-1:123456789012:execution:a:b'), table));
  expect(remote).toContain(table);
  expect(remote).toContain(stateMachineArn);
});

it('no command of the command line has a table or an ARN that is not quoted, or is quoted twice', () => {
  const folder = new URL('../../cli/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const source = files.map((file) => readFileSync(new URL(file, folder), 'utf8')).join('\n');
  const given = [...source.matchAll(/p2pfk [^`\n]*?--(?:table|execution|state-machine) \$\{([^}]*)\}/g)].map(
    ([, value]) => value,
  );
  expect(given.length).toBeGreaterThan(5);
  for (const value of given) expect(value).toMatch(/^shellWord\(/);
  expect(source).not.toMatch(/commandFor\([^()\n]*shellWord/);
});
