/** AWS Solutions' rules, checked at every synthesis: a finding without an acknowledgement stops it. */
import { type App, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';

export function addSolutionChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
