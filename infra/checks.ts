/** Rules of AWS Solutions (cdk-nag), checked at every synthesis. */
import { type App, Validations } from 'aws-cdk-lib/core';
import { AwsSolutionsChecks } from 'cdk-nag';

/** A finding without an acknowledgement (`acknowledgements.ts`) makes the synthesis fail. */
export function addSolutionChecks(app: App): void {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
