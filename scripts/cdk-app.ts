/** The CDK app, as `cdk.json` starts it. Needs no credentials, no Docker and no network. */
import { App } from 'aws-cdk-lib/core';
import { addSolutionChecks } from '../infra/checks.ts';
import { bundleNames } from '../infra/lambda-functions.ts';
import { readSettings } from '../infra/settings.ts';
import { MigrationStack } from '../infra/stack.ts';
import { bundleLambdas, lambdaBundles } from './bundle.ts';

// Built always, and not only where the bundles are missing: what is deployed must match the sources. It takes a second.
await bundleLambdas({ names: bundleNames });

const app = new App();
const settings = readSettings(app.node);
new MigrationStack(app, settings.stackName, { settings, lambdaBundles });
addSolutionChecks(app);
