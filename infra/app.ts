/** The CDK app, as `cdk.json` starts it. Needs no credentials, no Docker and no network. */
import { App } from 'aws-cdk-lib/core';
import { bundleLambdas, lambdaBundles } from '../scripts/bundle.ts';
import { addSolutionChecks } from './checks.ts';
import { bundleNames } from './lambda-functions.ts';
import { readSettings } from './settings.ts';
import { MigrationStack } from './stack.ts';

// Always, not only where the bundles are missing: what is deployed must be what the sources say. It takes a second.
await bundleLambdas({ names: bundleNames });

const app = new App();
const settings = readSettings(app.node);
new MigrationStack(app, settings.stackName, { settings, lambdaBundles });
addSolutionChecks(app);
