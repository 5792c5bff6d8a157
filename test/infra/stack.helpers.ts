/** A synthesized stack, from the settings of `cdk.json` and bundles that hold nothing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { App } from 'aws-cdk-lib/core';
import { addSolutionChecks } from '../../infra/checks.ts';
import { lambdaNames } from '../../infra/lambda-functions.ts';
import type { MaintenanceWindow } from '../../infra/schedule.ts';
import { readSettings } from '../../infra/settings.ts';
import { MigrationStack } from '../../infra/stack.ts';

export const projectRoot = join(import.meta.dirname, '..', '..');

/** The context of `cdk.json`. */
export function exampleContext(): Record<string, unknown> {
  return JSON.parse(readFileSync(join(projectRoot, 'cdk.json'), 'utf8')).context;
}

export interface SynthesisOptions {
  readonly maintenanceWindow?: MaintenanceWindow;
  /** Called before synthesis, to add something to the stack. */
  readonly change?: (stack: MigrationStack) => void;
}

/**
 * Synthesizes the stack with the rules of AWS Solutions on; takes a second or two, so share the result.
 *
 * @throws Error when a rule finds something that nobody acknowledged
 */
export function synthesize({ maintenanceWindow, change }: SynthesisOptions = {}): Template {
  const folder = mkdtempSync(join(tmpdir(), 'p2pfk-synth-'));
  try {
    for (const name of lambdaNames) {
      mkdirSync(join(folder, 'lambdas', name), { recursive: true });
      writeFileSync(join(folder, 'lambdas', name, 'index.mjs'), `export const handler = async () => '${name}';\n`);
    }
    const app = new App({ context: { ...exampleContext(), maintenanceWindow }, outdir: join(folder, 'cdk.out') });
    const stack = new MigrationStack(app, 'p2pfk', {
      settings: readSettings(app.node),
      lambdaBundles: join(folder, 'lambdas'),
    });
    change?.(stack);
    addSolutionChecks(app);
    const assembly = app.synth();
    return Template.fromJSON(assembly.getStackByName('p2pfk').template);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
