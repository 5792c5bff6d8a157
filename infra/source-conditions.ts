/**
 * Conditions for statements that let an AWS service in: only on behalf of this account, and of the kind of resource that is
 * meant. Without them anybody's resource of that service could use ours (the confused deputy).
 */
import type { Conditions } from 'aws-cdk-lib/aws-iam';
import { type ArnComponents, ArnFormat, Stack } from 'aws-cdk-lib/core';
import type { IConstruct } from 'constructs';

/** What acts: `arn` of all resources of that kind in this account and region. */
export function sourcesOf(scope: IConstruct, service: string, resource: string, arnFormat: ArnFormat): string {
  const components: ArnComponents = { service, resource, resourceName: '*', arnFormat };
  return Stack.of(scope).formatArn(components);
}

export const rulesOf = (scope: IConstruct): string => sourcesOf(scope, 'events', 'rule', ArnFormat.SLASH_RESOURCE_NAME);

export const alarmsOf = (scope: IConstruct): string =>
  sourcesOf(scope, 'cloudwatch', 'alarm', ArnFormat.COLON_RESOURCE_NAME);

/**
 * Whether the service says for whom it acts in this place. A strict condition on a key that it does not send refuses every
 * request, most often without a word, so what is not documented to be sent counts only where it is.
 *
 * - `always`: account and ARN.
 * - `arn-if-told`, `account-if-told`: the other one always.
 * - `if-told`: AWS documents that it says neither.
 */
export type Told = 'always' | 'arn-if-told' | 'account-if-told' | 'if-told';

export function sourceConditions(scope: IConstruct, arn: string, told: Told = 'always'): Conditions {
  const account = told === 'if-told' || told === 'account-if-told' ? 'StringEqualsIfExists' : 'StringEquals';
  const source = told === 'if-told' || told === 'arn-if-told' ? 'ArnLikeIfExists' : 'ArnLike';
  return {
    [account]: { 'aws:SourceAccount': Stack.of(scope).account },
    [source]: { 'aws:SourceArn': arn },
  };
}
