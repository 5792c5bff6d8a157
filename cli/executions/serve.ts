/** `p2pfk serve`. */
import type { RequestListener } from 'node:http';
import { ExitCode, InvalidInput } from '../../core/errors.ts';
import { type LocalEndpoint, openLocalEndpoint, openStore } from '../../local/local-endpoint.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { type Endpoint, serve as listen } from '../../local/step-functions/server.ts';
import type { ServeFlags } from '../commands/serve.ts';
import { INTERRUPTED } from '../failures.ts';
import { onInterrupt } from '../interrupt.ts';
import { applyVerbose, databaseUrlOf } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { plural } from '../text.ts';

const STOPPED = { error: 'Interrupted', cause: 'p2pfk serve was stopped' };

/**
 * Until Ctrl-C.
 *
 * @param page answers what is no call of the API
 * @returns the exit code
 */
export async function serve(flags: ServeFlags, page?: RequestListener): Promise<number> {
  applyVerbose(flags);
  const output = createOutput(flags);
  const warn = (line: string): void => output.complain(`! ${line}`);
  if (flags.port > 65_535) throw new InvalidInput(`--port must be from 0 to 65535, not ${flags.port}`);
  const local = openLocalEndpoint({
    databaseUrl: databaseUrlOf(flags),
    store: openStore(flags.stateDir, warn),
    warn,
  });
  try {
    return await untilInterrupted(local, await open(local, flags.port, page), output);
  } finally {
    local.close();
  }
}

async function untilInterrupted(local: LocalEndpoint, endpoint: Endpoint, output: Output): Promise<number> {
  const { service } = local;
  const interruption = onInterrupt(() => {
    const running = service.running.length;
    if (running > 0) output.line(`Stopping ${plural(running, 'execution')}: p2pfk migrate goes on from there.`);
  });
  try {
    announce(endpoint, output);
    if (!interruption.signal.aborted) {
      await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }));
    }
    await endpoint.close();
    if (service.running.length === 0) return ExitCode.Done;
    await service.stopAll(STOPPED);
    return interruption.exitCode ?? INTERRUPTED;
  } finally {
    interruption.dispose();
  }
}

async function open(local: LocalEndpoint, port: number, page: RequestListener | undefined): Promise<Endpoint> {
  try {
    return await listen({ service: local.service, port, ...(page === undefined ? {} : { listener: page }) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const why = code === 'EADDRINUSE' ? 'is taken' : 'may not be opened by this user';
    throw new InvalidInput(`port ${port} ${why}: choose another with --port, or 0 for any that is free`);
  }
}

function announce({ url }: Endpoint, output: Output): void {
  output.document({ endpointUrl: url, stateMachineArn: STATE_MACHINE_ARN });
  if (output.quiet) {
    if (!output.json) output.raw(`${url}\n`);
    return;
  }
  output.line(`Step Functions endpoint: ${url}`);
  output.line(`State machine:           ${STATE_MACHINE_ARN}`);
  output.line('Ctrl-C ends it.');
}
