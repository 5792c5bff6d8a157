import { Argument, type Command } from 'commander';
import { ExitCode } from '../exit-codes.ts';
import type { Finish } from '../finish.ts';
import { helpText } from '../help.ts';

export function registerCompletion(program: Command, finish: Finish): void {
  program
    .command('completion')
    .description('print a script that completes commands and options in bash, zsh or fish')
    .addArgument(new Argument('<shell>', 'for which shell').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      helpText({
        about: `Made from the same declarations as --help. It completes commands, options, their values where there are only some, and
files; it asks no database.`,
        examples: [
          ['source <(p2pfk completion bash)', 'now, or in ~/.bashrc'],
          ['p2pfk completion zsh > ~/.zfunc/_p2pfk', 'zsh, with ~/.zfunc in fpath before compinit'],
          ['p2pfk completion fish > ~/.config/fish/completions/p2pfk.fish', 'fish'],
        ],
        environment: 'Environment: none is read',
        exitCodes: [[0, 'printed'], 2],
      }),
    )
    .action(async (shell: string) => {
      const { completionScript } = await import('../completion/scripts.ts');
      const { createOutput } = await import('../output.ts');
      createOutput({}).raw(completionScript(shell, program));
      finish(ExitCode.Done);
    });
}
