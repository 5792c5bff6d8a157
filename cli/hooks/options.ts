/** Options that tell other systems of an execution. What they do is loaded only where one of them is given: hooks.ts. */
import { type Command, Option } from 'commander';
import { grouped } from '../options.ts';

export interface HookFlags {
  readonly notifyUrl?: string;
  /** Path of a program. */
  readonly onEvent?: string;
  readonly trace?: boolean;
}

/** Of the commands that run executions in this process. Neither option may come from a profile: cli/config/keys.ts names none. */
export function addHookOptions(command: Command): Command {
  return grouped(command, 'Tell other systems:', (hooks) =>
    hooks
      .addOption(
        new Option(
          '--notify-url <url>',
          'POST a signed JSON document for each event that people want to know, such as a wanted approval or the end; https, or http on loopback; the key is P2PFK_NOTIFY_SECRET',
        ).env('P2PFK_NOTIFY_URL'),
      )
      .addOption(
        new Option(
          '--on-event <file>',
          'run this program for each of these events, without a shell and without arguments, with the document on its standard input',
        ),
      )
      .addOption(
        new Option(
          '--trace',
          'an OpenTelemetry trace of the execution, by OTLP over HTTP to the collector in OTEL_EXPORTER_OTLP_ENDPOINT',
        ),
      ),
  );
}
