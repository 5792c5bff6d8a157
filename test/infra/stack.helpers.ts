/** A synthesized stack, from the settings of `cdk.json` and bundles that hold nothing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { App } from 'aws-cdk-lib/core';
import type { MaintenanceWindow } from '../../core/contracts/aws/maintenance-window.ts';
import { addSolutionChecks } from '../../infra/checks.ts';
import { reconciliationProps } from '../../infra/operations/reconciliation.ts';
import { readSettings } from '../../infra/settings.ts';
import { MigrationStack } from '../../infra/stack.ts';
import type { StateMachineDefinition } from '../../local/engine/engine.ts';
import { deployedDefinitionOf } from './services.helpers.ts';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** The context of `cdk.json`. */
export function exampleContext(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8')).context;
}

export interface SynthesisOptions {
  readonly maintenanceWindow?: MaintenanceWindow;
  /** Other settings, in place of those of `cdk.json`. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Called before synthesis, to add something to the stack. */
  readonly change?: (stack: MigrationStack) => void;
}

/**
 * Synthesizes the stack with the rules of AWS Solutions on; takes a second or two, so share the result.
 *
 * @throws Error when a rule finds something that nobody acknowledged
 */
export function synthesize({ maintenanceWindow, settings, change }: SynthesisOptions = {}): Template {
  return withBundles((lambdaBundles, folder) => {
    const app = new App({
      context: { ...exampleContext(), maintenanceWindow, ...settings },
      outdir: join(folder, 'cdk.out'),
    });
    const stack = new MigrationStack(app, 'p2pfk', {
      settings: readSettings(app.node),
      lambdaBundles,
    });
    change?.(stack);
    addSolutionChecks(app);
    const assembly = app.synth();
    return Template.fromJSON(assembly.getStackByName('p2pfk').template);
  });
}

/** With a bundle that holds nothing, in a folder that is gone afterwards. */
export function withBundles<Result>(work: (lambdaBundles: string, folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-synth-'));
  try {
    mkdirSync(join(folder, 'lambdas'));
    writeFileSync(join(folder, 'lambdas', 'index.mjs'), '');
    return work(join(folder, 'lambdas'), folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The second state machine, with the resources that it would have in one account. */
export function reconciliationDefinition(): StateMachineDefinition {
  return deployedDefinitionOf(({ stack, main }) => {
    const arn = 'arn:aws:lambda:us-east-1:123456789012:function:reconcile';
    const reconcile = LambdaFunction.fromFunctionArn(stack, 'Reconcile-function', arn);
    return reconciliationProps(stack, { reconciled: main, reconcile });
  });
}
