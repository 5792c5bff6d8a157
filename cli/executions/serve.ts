/** `p2pfk serve`. */

import type { RequestListener } from 'node:http';
import type { Command } from 'commander';
import { InvalidInput } from '../../core/contracts/errors.ts';
import { describeTarget } from '../../core/ledger/connect.ts';
import { allowHoldBackQuery } from '../../core/steps/throttle.ts';
import { type LocalEndpoint, openLocalEndpoint, openStore } from '../../local/local-endpoint.ts';
import { STATE_MACHINE_ARN } from '../../local/step-functions/arns.ts';
import { type Endpoint, serve as listen } from '../../local/step-functions/endpoint.ts';
import { type Console, createConsole } from '../console/console.ts';
import { type Elsewhere, listenElsewhere, passwordFor } from '../console/elsewhere.ts';
import { ExitCode } from '../exit-codes.ts';
import { hooksOf } from '../hooks/load.ts';
import type { HookFlags } from '../hooks/options.ts';
import { onInterrupt } from '../interrupt.ts';
import { openMetrics, type ServedMetrics, withMetrics } from '../metrics/route.ts';
import { applyVerbose, type DatabaseFlags, databaseUrlOf, type OutputFlags, type StateFlags } from '../options.ts';
import { createOutput, type Output } from '../output.ts';
import { osPerson } from '../people.ts';
import { surviveStrayErrors } from '../stray-errors.ts';
import { plural } from '../text.ts';
import { localPause } from './connection.ts';
import { ObservedExecutions } from './observe.ts';

const STOPPED = { error: 'Interrupted', cause: 'p2pfk serve was stopped' };

/**
 * Until Ctrl-C.
 *
 * @returns the exit code
 */
export async function serve(flags: ServeFlags, command: Command): Promise<number> {
  applyVerbose(flags);
  const output = createOutput(flags);
  const warn = (line: string): void => output.complain(`! ${line}`);
  if (flags.port > 65_535) throw new InvalidInput(`--port must be from 0 to 65535, not ${flags.port}`);
  const { host } = flags;
  const password = host === undefined ? null : passwordFor(host);
  const hooks = await hooksOf(flags, command, output.complain);
  const metrics = flags.metrics === true ? await openMetrics() : null;
  if (flags.allowHoldBackQuery === true) allowHoldBackQuery();
  const databaseUrl = databaseUrlOf(flags);
  const database = describeTarget(databaseUrl);
  const stray = surviveStrayErrors(warn);
  const local = openLocalEndpoint({
    databaseUrl,
    store: openStore(flags.stateDir, warn),
    warn,
    onStart: (executionArn) => observed?.started(executionArn),
  });
  const { client, service } = local;
  const observed =
    hooks === null && metrics === null
      ? null
      : new ObservedExecutions({
          client,
          pause: localPause(service),
          observe: (execution) =>
            [hooks?.observe(execution), metrics?.metrics.observe(execution.executionArn)].filter(
              (observer) => observer !== undefined,
            ),
          warn,
        });
  try {
    const changed = (arn: string, longestMs: number): Promise<void> => service.changed(arn, longestMs);
    const isOwn = (arn: string): boolean => service.running.includes(arn);
    const consoleFor = (asked: string | null): Console =>
      createConsole({
        client,
        changed,
        isOwn,
        databaseUrl,
        database,
        password: asked,
        person: asked === null ? osPerson() : undefined,
      });
    const page = consoleFor(null);
    const endpoint = await open(local, flags.port, withMetrics(page.listener, metrics));
    const elsewhere =
      host === undefined ? null : await listenElsewhere(host, endpoint.port, consoleFor(password).listener, warn);
    return await untilInterrupted(local, { endpoint, page, elsewhere, metrics }, output);
  } finally {
    await observed?.ended();
    await hooks?.close();
    local.close();
    stray.dispose();
  }
}

interface Served {
  readonly endpoint: Endpoint;
  readonly page: Console;
  readonly elsewhere: Elsewhere | null;
  readonly metrics: ServedMetrics | null;
}

async function untilInterrupted(local: LocalEndpoint, served: Served, output: Output): Promise<number> {
  const { service } = local;
  const interruption = onInterrupt(() => {
    const running = service.running.length;
    if (running > 0) output.line(`Stopping ${plural(running, 'execution')}: p2pfk migrate goes on from there.`);
  });
  try {
    announce(served, output);
    if (!interruption.signal.aborted) {
      await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }));
    }
    await served.elsewhere?.close();
    await served.endpoint.close();
    if (service.running.length === 0) return ExitCode.Done;
    await service.stopAll(STOPPED);
    return interruption.exitCode ?? ExitCode.Interrupted;
  } finally {
    interruption.dispose();
  }
}

async function open(local: LocalEndpoint, port: number, listener: RequestListener): Promise<Endpoint> {
  try {
    return await listen({ service: local.service, port, listener });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    const why = code === 'EADDRINUSE' ? 'is taken' : 'may not be opened by this user';
    throw new InvalidInput(`port ${port} ${why}: choose another with --port, or 0 for any that is free`);
  }
}

/**
 * The only place where the page's key and the secret are shown: to the person who started this, once. In a file they would outlive the server,
 * and in the environment or arguments of a process others could read them.
 */
function announce({ endpoint: { url, keys }, page, elsewhere, metrics }: Served, output: Output): void {
  const consoleUrl = `${url}${page.entrance}`;
  const { accessKeyId, secretAccessKey } = keys;
  const variables = [`export AWS_ACCESS_KEY_ID=${accessKeyId}`, `export AWS_SECRET_ACCESS_KEY=${secretAccessKey}`];
  const token = metrics?.isNewToken === true ? metrics.token : null;
  if (output.json) {
    const stateMachineArn = STATE_MACHINE_ARN;
    const forMetrics = token === null ? {} : { metricsToken: token };
    output.document({ endpointUrl: url, consoleUrl, stateMachineArn, accessKeyId, secretAccessKey, ...forMetrics });
  } else if (output.quiet) {
    const tokens = token === null ? [] : [`export P2PFK_METRICS_TOKEN=${token}`];
    output.secret([url, ...variables, ...tokens].join('\n'));
  }
  if (output.quiet) return;
  output.line(`Step Functions endpoint: ${url}`);
  output.line(`State machine:           ${STATE_MACHINE_ARN}`);
  if (!output.json) output.secret(`Console page:            ${consoleUrl}`);
  if (elsewhere !== null) output.line(`Console for others:      ${elsewhere.url}, with the password`);
  if (metrics !== null)
    output.line(
      `Metrics:                 ${url}/metrics, with ${token === null ? 'the token in P2PFK_METRICS_TOKEN' : 'a new token'}`,
    );
  if (token !== null && !output.json) output.secret(`Token of the metrics:    ${token}`);
  if (!output.json) output.secret(['For the AWS command line and SDKs:', ...variables].join('\n  '));
  output.line('Ctrl-C ends it.');
}

export type ServeFlags = DatabaseFlags &
  HookFlags &
  StateFlags &
  OutputFlags & {
    readonly port: number;
    readonly host?: string;
    readonly allowHoldBackQuery?: boolean;
    readonly metrics?: boolean;
  };
