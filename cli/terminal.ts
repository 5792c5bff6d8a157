/** Questions to a person at a terminal. */
import { createInterface } from 'node:readline/promises';
import type { Output } from './output.ts';

export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: Output;
}

/** Whether a person can be asked. */
export function isInteractive({ input, output }: Terminal): boolean {
  return input.isTTY === true && output.stream.isTTY === true && !output.json;
}

/**
 * One reader for all questions: a reader for each would lose the lines that were typed before its question was printed.
 * No answer, Ctrl-D and Ctrl-C all mean no.
 */
export async function withAnswers(
  input: NodeJS.ReadableStream,
  output: Output,
  ask: (confirmed: (question: string) => Promise<boolean>) => Promise<void>,
): Promise<void> {
  const lines = createInterface({ input, output: output.stream });
  lines.on('SIGINT', () => lines.close());
  const answers = lines[Symbol.asyncIterator]();
  try {
    await ask(async (question) => {
      lines.setPrompt(question);
      lines.prompt();
      const { value, done } = await answers.next();
      return done !== true && /^y(es)?$/i.test(value.trim());
    });
  } finally {
    lines.close();
  }
}
