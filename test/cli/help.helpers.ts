/** What the command line says of its commands, as text. */
import { createProgram } from '../../cli/program.ts';

const program = createProgram(() => undefined);

/** Every command in the order of `p2pfk --help`, with its description; `help` itself is left out. */
export const commands: readonly { readonly name: string; readonly description: string }[] = program.commands
  .filter((command) => command.name() !== 'help')
  .map((command) => ({ name: command.name(), description: command.description() }));

/**
 * What `p2pfk NAME --help` prints.
 *
 * @param columns of the terminal
 */
export function helpOf(name: string, columns?: number): string {
  const command = program.commands.find((candidate) => candidate.name() === name);
  if (command === undefined) throw new Error(`no command ${name}`);
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    ...(columns === undefined ? {} : { getOutHelpWidth: () => columns }),
  });
  command.outputHelp();
  return text;
}
